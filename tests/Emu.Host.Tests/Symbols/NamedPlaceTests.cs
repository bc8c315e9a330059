using System.Text;
using Emu.Host.Symbols;

namespace Emu.Host.Tests.Symbols;

/// <summary>Where runs show names for addresses without being asked.</summary>
public sealed class NamedPlaceTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_text_trace_names_each_instruction()
    {
        string trace = _folder.File("trace.txt");
        EmuProcess.Run("run", TestFiles.TourKernel, "--trace", trace, "--trace-count", "2", "--max-instructions", "2");

        string[] lines = [.. File.ReadLines(trace).Where(static line => !line.StartsWith('#'))];
        Assert.EndsWith(" @ pvh_entry", lines[0], StringComparison.Ordinal);
        Assert.Contains(" @ pvh_entry+0x", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_adds_to_what_the_kernel_knows()
    {
        string map = _folder.Write("System.map", "0000000000101163 T inside\n"u8.ToArray());
        string trace = _folder.File("trace.txt");
        EmuProcess.Run("run", TestFiles.TourKernel, "--trace", trace, "--trace-count", "2", "--max-instructions", "2", "--symbols", map);

        string[] lines = [.. File.ReadLines(trace).Where(static line => !line.StartsWith('#'))];
        Assert.EndsWith(" @ pvh_entry", lines[0], StringComparison.Ordinal);
        Assert.Contains(" @ inside+0x", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_post_mortem_names_faults_and_instructions()
    {
        EmuResult result = EmuProcess.Run("run", Path.Combine(TestFiles.TestKernels, "triple-fault", "triple-fault.elf"));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("  1. #UD invalid opcode at 0x100427 @ main+0x13\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("ud2 @ main+0x13\n", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_does_nothing_to_a_terminal()
    {
        SymbolTable table = SymbolReader.FromText(Encoding.UTF8.GetBytes("0000000000001000 T \u001b[2Jx\n"));

        Assert.Equal("?[2Jx", table.Describe(0x1000));
    }
}
