using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Tests.CommandLine;

namespace Emu.Host.Tests.Running;

/// <summary>No option makes a run write over what it reads, or two things into one file.</summary>
public sealed class FileClaimsTests
{
    [Theory]
    [InlineData("--record cannot write 'k.elf': that is the kernel. Name another file.", "k.elf", "--record", "k.elf")]
    [InlineData("--trace cannot write './i.gz': that is a module. Name another file.", "k.elf", "--initrd", "i.gz", "--trace", "./i.gz")]
    [InlineData("--trace cannot write 'k.emut': that is the kernel. Name another file.", "k.emut", "--trace", "k.emut")]
    [InlineData("--record cannot write 'x': that is what --stats writes. Name another file.", "k.elf", "--stats", "x", "--record", "x")]
    [InlineData("--snapshot-file cannot write 'k.elf': that is the kernel. Name another file.", "k.elf", "--snapshot-at", "100", "--snapshot-file", "k.elf")]
    [InlineData(
        "--snapshot-file cannot write 'guest.snapshot': that is the snapshot that it goes on from. Name another file.",
        "--resume", "guest.snapshot", "--snapshot-at", "100")]
    [InlineData(
        "--snapshot-file cannot write 'a.2.snapshot': that is the snapshot that it goes on from. Name another file.",
        "--resume", "a.2.snapshot", "--snapshot-at", "100", "--snapshot-at", "200", "--snapshot-file", "a.snapshot")]
    public void File_that_is_needed_is_not_written_over(string refusal, params string[] line)
    {
        RunOptions options = RunLine.Parse(["run", .. line]);
        Assert.Equal(refusal, Assert.Throws<UsageException>(() => FileClaims.Check(options)).Message);
    }

    [Fact]
    public void What_goes_nowhere_may_go_there_twice()
    {
        if (OperatingSystem.IsWindows())
            return;
        FileClaims.Check(RunLine.Parse("run", "k.elf", "--stats", "/dev/null", "--trace", "/dev/null"));
    }

    [Fact]
    public void Links_do_not_hide_what_a_file_is()
    {
        using TestFiles.TemporaryFolder folder = new();
        string kernel = folder.Write("kernel", [1]);
        File.CreateSymbolicLink(folder.File("link"), kernel);
        RunOptions options = RunLine.Parse("run", kernel, "--record", folder.File("link"));
        Assert.Throws<UsageException>(() => FileClaims.Check(options));
    }
}
