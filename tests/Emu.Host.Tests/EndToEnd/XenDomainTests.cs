using System.Text;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's stock kernel as a Xen domain: console, disk and network through Debian's own front ends, the ways to end, and Xen's shim with
/// the same kernel as its PV guest. They need <c>.ci/guests</c>; see <see cref="TestFiles.Guest"/>.
/// </summary>
public sealed class XenDomainTests
{
    [SkippableTheory]
    [InlineData("auto")]
    [InlineData("interpreter")]
    public void Disk_and_network_card_work_with_the_kernels_own_drivers(string engine)
    {
        using TestFiles.TemporaryFolder folder = new();
        string disk = FileSystemImage.Make(folder);
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
        Assert.True(FileSystemImage.IsSound(disk));
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

    [SkippableFact]
    public void File_that_was_synchronised_outlives_an_emulator_that_is_killed_while_the_guest_writes()
    {
        using TestFiles.TemporaryFolder folder = new();
        string disk = FileSystemImage.Make(folder);
        // The modules of the one, and the shell of the other, whose /init comes later.
        string initrd = folder.Write(
            "initrd", [.. File.ReadAllBytes(TestFiles.Guest("initrd-domu.gz")), .. File.ReadAllBytes(TestFiles.Guest("initrd-shell.gz"))]);
        using EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--initrd", initrd, "--disk", disk + ",raw", "--timeout", "200");
        emu.WaitForOutput("/ # ");
        // The quotes part what the terminal echoes from what the commands write.
        emu.Type("while read -r module rest; do insmod /modules/$module $rest; done < /modules/order\n");
        emu.Type("while [ ! -b /dev/xvda ]; do sleep 0.1; done; mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt && echo moun''ted\n");
        emu.WaitForOutput("mounted");
        emu.Type("seq 200000 > /tmp/n; dd if=/tmp/n of=/mnt/whole bs=64k conv=fsync && echo ke''pt\n");
        emu.WaitForOutput("kept");
        emu.Type("i=0; while :; do i=$((i + 1)); dd if=/tmp/n of=/mnt/n$((i % 8)) bs=4k conv=fsync 2>/dev/null; echo rou''nd $i; done\n");
        emu.WaitForOutput("round 5\r");
        emu.Kill("KILL");
        Assert.Equal(128 + 9, emu.Wait().ExitCode);

        Assert.True(FileSystemImage.NeedsRecovery(disk));
        Assert.True(FileSystemImage.Recover(disk));
        Assert.True(FileSystemImage.IsSound(disk));
        byte[] expected = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 200_000).Select(static i => $"{i}\n")));
        Assert.Equal(expected, FileSystemImage.Read(folder, disk, "whole"));
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

    [Theory]
    [InlineData(true, 0xFC)] // 0xFFFC0
    [InlineData(false, 0x00)] // 0xFC008000
    public void Old_linux_finds_the_root_of_its_tables_below_1_mib(bool isLinux, int expected)
    {
        using TestFiles.TemporaryFolder folder = new();
        // MOV EAX, [EBX+32] (rsdp_paddr); SHR EAX, 4; OUT 0xF4, AL
        string kernel = folder.Write("kernel", TinyKernel.Build(isLinux, 0x8B, 0x43, 0x20, 0xC1, 0xE8, 0x04, 0xE6, 0xF4));
        EmuResult result = EmuProcess.Run("run", kernel, "--machine", "xen");
        Assert.True(result.ExitCode == (((expected << 1) | 1) & 0xFF), Report(result));
    }

    private static string Report(EmuResult result) =>
        $"exit code {result.ExitCode}\n{(result.Console.Length > 4000 ? result.Console[^4000..] : result.Console)}\n--- stderr\n{result.Error}";
}
