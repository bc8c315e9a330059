using System.Diagnostics;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's stock kernel as a Xen domain: console, disk and network through Debian's own front ends, the ways to end, and Xen's shim with
/// the same kernel as its PV guest. They need <c>.ci/guests</c>; see <see cref="TestFiles.Guest"/>.
/// </summary>
public sealed class XenDomainTests
{
    /// <summary>A file on the disk that /init expects (.ci/guests).</summary>
    private const string Hello = "hello from outside\n";

    [SkippableTheory]
    [InlineData("auto")]
    [InlineData("interpreter")]
    public void Disk_and_network_card_work_with_the_kernels_own_drivers(string engine)
    {
        using TestFiles.TemporaryFolder folder = new();
        string disk = MakeFileSystem(folder);
        byte[] raw = new byte[64 << 10];
        new Random(1).NextBytes(raw);
        string readOnly = folder.Write("raw.img", raw);
        string capture = folder.File("traffic.pcap");

        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--engine", engine,
            "--initrd", TestFiles.Guest("initrd-domu.gz"),
            "--disk", disk, "--disk", readOnly + ",raw,xvdb,r", "--net", "user,pcap=" + capture, "--timeout", "280");

        string report = Report(result);
        Assert.True(result.Console.Contains("INIT-START Linux x86_64 xen", StringComparison.Ordinal), report);
        Assert.True(result.Console.Contains("LEASE 10.0.2.15 router 10.0.2.2 dns 10.0.2.3", StringComparison.Ordinal), report);
        foreach (string check in (string[])["mount", "read", "dd", "small-files", "read-only", "no-write", "ping", "ping-fragments", "name", "tcp-echo"])
            Assert.True(result.Console.Contains($"PASS {check}:", StringComparison.Ordinal), report);
        Assert.True(result.Console.Contains("PASS all", StringComparison.Ordinal), report);
        Assert.True(result.ExitCode == 0, report);
        Assert.Equal(raw, File.ReadAllBytes(readOnly));
        Assert.True(new FileInfo(capture).Length > 1_000_000, "the transfer is not in the capture");
        // What the guest has written is a sound file system.
        Assert.Equal(0, RunTool("e2fsck", "-f", "-n", disk));
    }

    [SkippableFact]
    public void Console_needs_no_argument_and_takes_input()
    {
        using EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--initrd", TestFiles.Guest("initrd-shell.gz"), "--timeout", "200");
        emu.WaitForOutput("/ # ");
        emu.Type("echo $(cat /sys/hypervisor/type) with $(nproc) processors\n");
        emu.WaitForOutput("xen with 2 processors");
        // More than the ring's sixteen bytes at a time, all at once.
        emu.Type($"echo {string.Concat(Enumerable.Range(0, 60).Select(i => $"w{i} "))}| wc -w; echo counted\n");
        emu.WaitForOutput("\ncounted");
        emu.Type("poweroff -f\n");
        EmuResult result = emu.Wait();

        Assert.Contains("\n60\n", result.Console, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, Report(result));
    }

    [SkippableTheory]
    [InlineData("initrd-reboot.gz", 0, "machine restart")]
    [InlineData("initrd-panic.gz", 3, "Kernel panic")]
    public void Domain_ends_as_its_kernel_does(string initrd, int expected, string text)
    {
        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--initrd", TestFiles.Guest(initrd), "--timeout", "200");

        string report = Report(result);
        Assert.True(result.Console.Contains(text, StringComparison.Ordinal), report);
        Assert.True(result.ExitCode == expected, report);
    }

    [SkippableTheory]
    [InlineData("auto", "intel", 1)]
    [InlineData("auto", "amd", 2)]
    public void Xens_shim_boots_the_kernel_as_its_pv_guest(string engine, string vendor, int processors)
    {
        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("xen-shim"), "--machine", "xen", "--cpu-vendor", vendor, "--vcpus", $"{processors}", "--engine", engine,
            "--append", "pv-shim console=xen,pv",
            "--module", TestFiles.Guest("vmlinuz-amd64") + ",console=hvc0", "--module", TestFiles.Guest("initrd-test.gz"), "--timeout", "280");

        string report = Report(result);
        Assert.True(result.Console.Contains("Hypervisor detected: Xen PV", StringComparison.Ordinal), report);
        Assert.True(result.Console.Contains("PASS all", StringComparison.Ordinal), report);
        Assert.True(result.Console.Contains("INIT-DONE", StringComparison.Ordinal), report);
        Assert.True(result.ExitCode == 0, report);
    }

    private static string MakeFileSystem(TestFiles.TemporaryFolder folder)
    {
        string root = Directory.CreateDirectory(folder.File("root")).FullName;
        File.WriteAllText(Path.Combine(root, "hello"), Hello);
        string disk = folder.File("disk.img");
        using (FileStream image = File.Create(disk))
            image.SetLength(64 << 20);
        Assert.Equal(0, RunTool("mke2fs", "-q", "-t", "ext4", "-d", root, disk));
        return disk;
    }

    /// <summary>Runs a program of Debian's package e2fsprogs.</summary>
    private static int RunTool(string name, params string[] arguments)
    {
        string? path = Array.Find([$"/usr/sbin/{name}", $"/sbin/{name}", $"/usr/bin/{name}"], File.Exists);
        Skip.If(path is null, $"{name} is not there; Debian's package e2fsprogs has it.");
        ProcessStartInfo start = new(path!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string Report(EmuResult result) =>
        $"exit code {result.ExitCode}\n{(result.Console.Length > 4000 ? result.Console[^4000..] : result.Console)}\n--- stderr\n{result.Error}";
}
