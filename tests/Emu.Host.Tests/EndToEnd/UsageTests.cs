using System.Security.Cryptography;
using System.Text;

namespace Emu.Host.Tests.EndToEnd;

public sealed class UsageTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Help_teaches_with_an_example_on_each_verb()
    {
        foreach (string[] verb in new string[][] { [], ["run"], ["replay"], ["inspect"] })
        {
            EmuResult result = EmuProcess.Run([.. verb, "--help"]);

            Assert.Equal(0, result.ExitCode);
            Assert.Contains("Examples:", result.Output, StringComparison.Ordinal);
            Assert.Contains("emu ", result.Output, StringComparison.Ordinal);
            Assert.Empty(result.Error);
        }
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("run", "--bogus")]
    [InlineData("run", "--memory", "lots")]
    [InlineData("run", "--entry", "multiboot3")]
    [InlineData("run", "--disk", "disk.img", "--machine", "pc")]
    [InlineData("run", "--xl", "1s:vcpu-set=2")]
    [InlineData("run", "--xl", "1s:mem-set=1G")]
    [InlineData("run", "--vcpus", "33")]
    [InlineData("inspect")]
    public void A_mistake_on_the_command_line_ends_with_2(params string[] arguments)
    {
        EmuProcess.Refused(arguments);
    }

    [Fact]
    public void A_kernel_that_is_not_there_ends_with_2()
    {
        Assert.Contains("missing.elf", EmuProcess.Refused("run", _folder.File("missing.elf")), StringComparison.Ordinal);
        Assert.Contains("missing.elf", EmuProcess.Refused("inspect", _folder.File("missing.elf")), StringComparison.Ordinal);
    }

    [Fact]
    public void Our_own_files_are_known_where_a_kernel_is_expected()
    {
        string recording = _folder.File("run.rec");
        string snapshot = _folder.File("run.snapshot");
        string trace = _folder.File("run.emut");
        EmuProcess.Run(
            "run", "--record", recording, "--snapshot-at", "1000", "--snapshot-file", snapshot, "--trace", trace, "--trace-count", "10");

        Assert.Contains("emu replay", EmuProcess.Refused("run", recording), StringComparison.Ordinal);
        Assert.Contains("emu run --resume", EmuProcess.Refused("run", snapshot), StringComparison.Ordinal);
        Assert.Contains("emu trace show", EmuProcess.Refused("inspect", trace), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_kernel()
    {
        EmuProcess.Refused("run", _folder.Path);
        EmuProcess.Refused("run", TestFiles.TourKernel, "--initrd", _folder.Path);
    }

    [Fact]
    public void A_rom_that_is_none_ends_with_2()
    {
        Assert.Contains("missing.rom", EmuProcess.Refused("run", "--firmware", _folder.File("missing.rom")), StringComparison.Ordinal);
        EmuProcess.Refused("run", "--firmware", _folder.Path);
        foreach (int size in new[] { 0, 1000, (16 << 20) + 65536 })
        {
            File.WriteAllBytes(_folder.File("odd.rom"), new byte[size]);
            Assert.Contains("64 KiB", EmuProcess.Refused("run", "--firmware", _folder.File("odd.rom")), StringComparison.Ordinal);
        }

        File.WriteAllBytes(_folder.File("good.rom"), new byte[65536]);
        Assert.Contains("Xen", EmuProcess.Refused("run", "--firmware", _folder.File("good.rom"), "--machine", "xen"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_initrd_or_module_that_is_not_there_ends_with_2()
    {
        Assert.Contains("nothing.gz", EmuProcess.Refused("run", TestFiles.TourKernel, "--initrd", _folder.File("nothing.gz")), StringComparison.Ordinal);
        Assert.Contains("nothing.gz", EmuProcess.Refused("run", TestFiles.TourKernel, "--module", _folder.File("nothing.gz") + ",text"), StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_trace_or_log_that_cannot_be_written_end_with_2_before_the_guest_starts()
    {
        string nowhere = Path.Combine(_folder.Path, "no", "such", "folder", "file");
        foreach (string option in new[] { "--stats", "--trace", "--log-file" })
        {
            EmuResult result = EmuProcess.Run("run", TestFiles.TourKernel, option, nowhere);

            Assert.Equal(2, result.ExitCode);
            Assert.Empty(result.Output);
            Assert.Contains(nowhere, result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Damaged_kernels_end_with_2_in_both_verbs()
    {
        byte[] tour = File.ReadAllBytes(TestFiles.TourKernel);
        Dictionary<string, byte[]> damaged = new()
        {
            ["empty"] = [],
            ["text"] = Encoding.UTF8.GetBytes("#!/bin/sh\necho this is no kernel\n"),
            ["noise"] = SHA256.HashData(tour),
            ["header-only"] = tour[..64],
            ["half"] = tour[..(tour.Length / 2)],
            ["gzip-cut"] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3],
            ["no-note"] = WithoutNote(tour),
        };
        foreach ((string name, byte[] content) in damaged)
        {
            string path = _folder.Write(name, content);
            EmuProcess.Refused("run", path);
            EmuProcess.RefusedWithReport("inspect", path);
        }
    }

    [Fact]
    public void A_kernel_that_does_not_fit_into_memory_ends_with_2()
    {
        EmuProcess.Refused("run", TestFiles.TourKernel, "--memory", "1M");
    }

    /// <summary>Runs what must be refused and returns the one sentence.</summary>

    /// <summary>The kernel with its PHYS32_ENTRY note's name destroyed.</summary>
    private static byte[] WithoutNote(byte[] kernel)
    {
        byte[] copy = [.. kernel];
        int at = copy.AsSpan().IndexOf("Xen\0"u8);
        Assert.True(at > 0);
        copy[at] = (byte)'Q';
        return copy;
    }
}
