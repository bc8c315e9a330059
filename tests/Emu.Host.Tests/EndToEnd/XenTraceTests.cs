using System.Text;

namespace Emu.Host.Tests.EndToEnd;

public sealed class XenTraceTests : IDisposable
{
    private static readonly string Kernel = Path.Combine(TestFiles.TestKernels, "hypercall-page", "hypercall-page.elf");

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("interpreter")]
    [InlineData("jit")]
    public void A_kernels_trace_is_always_the_same(string engine)
    {
        string golden = Path.Combine(TestFiles.Repository, "tests", "Emu.Host.Tests", "Tracing", "hypercall-page.trace.txt");

        Assert.Equal(File.ReadAllText(golden).ReplaceLineEndings("\n"), Trace("--engine", engine));
    }

    [Fact]
    public void Symbols_name_the_place()
    {
        string symbols = _folder.Write("System.map", "0000000000100000 T text\n0000000000100230 T write\n"u8.ToArray());

        Assert.Contains(" @ write+0xe\n", Trace("--symbols", symbols), StringComparison.Ordinal);
    }

    [Fact]
    public void The_trace_can_go_to_stderr()
    {
        EmuResult result = EmuProcess.Run("run", Kernel, "--machine", "xen", "--trace-xen", "stderr");

        Assert.Contains(" call xen_version.version() = 262161", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("xen_version", result.Output.Replace("xen_version through the page", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Tracing_changes_nothing_of_the_run()
    {
        string with = _folder.File("with.json"), without = _folder.File("without.json");
        EmuProcess.Run("run", Kernel, "--machine", "xen", "--stats", without);
        EmuProcess.Run("run", Kernel, "--machine", "xen", "--stats", with, "--trace-xen", _folder.File("trace"));

        Assert.Equal(Hash(without), Hash(with));
    }

    [Theory]
    [InlineData("run", "--trace-xen", "-")]
    [InlineData("run", "--machine", "pc", "--trace-xen", "x")]
    [InlineData("run", "--symbols", "x")]
    [InlineData("run", "--firmware", "x", "--trace-xen", "y")]
    [InlineData("run", "--trace-xen", "no-such-folder/x")]
    [InlineData("run", "--trace-xen", "x", "--symbols", "no-such-file")]
    [InlineData("trace")]
    [InlineData("trace", "show")]
    [InlineData("trace", "diff")]
    [InlineData("trace", "diff", "one")]
    [InlineData("trace", "diff", "one", "two", "three")]
    [InlineData("trace", "diff", "--bogus", "one", "two")]
    [InlineData("trace", "diff", "no-such-file", "two")]
    public void A_mistake_ends_with_2_and_a_sentence(params string[] arguments)
    {
        EmuResult result = EmuProcess.Run(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Matches("^emu: [^\n]+\n$", result.Error.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Comparing_ends_with_0_or_5_or_2()
    {
        string one = _folder.File("one"), other = _folder.File("other"), empty = _folder.Write("empty", []);
        File.WriteAllText(one, "1 v0 0000000000000000 call sched_op.yield() = 0\n");
        File.WriteAllText(other, "1 v0 0000000000000000 call sched_op.block() = 0\n");

        EmuResult equal = EmuProcess.Run("trace", "diff", one, one);
        EmuResult different = EmuProcess.Run("trace", "diff", one, other);
        EmuResult unusable = EmuProcess.Run("trace", "diff", one, empty);

        Assert.Equal((0, "Equal: the same calls, 1 and 1 of them.\n"), (equal.ExitCode, equal.Console));
        Assert.Equal(5, different.ExitCode);
        Assert.StartsWith("After 0 equal calls the call is sched_op.yield and sched_op.block.", different.Output, StringComparison.Ordinal);
        Assert.Equal((2, ""), (unusable.ExitCode, unusable.Output));
    }

    [Fact]
    public void Help_teaches_with_an_example()
    {
        EmuResult result = EmuProcess.Run("trace", "diff", "--help");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:", result.Output, StringComparison.Ordinal);
    }

    private static string Hash(string path) => File.ReadAllLines(path).Single(static line => line.Contains("stateHash", StringComparison.Ordinal));

    private string Trace(params string[] options)
    {
        string path = _folder.File("trace.txt");
        EmuResult result = EmuProcess.Run(["run", Kernel, "--machine", "xen", "--cpu-vendor", "amd", "--trace-xen", path, .. options]);
        Assert.True(result.ExitCode == 0, result.Error);
        return File.ReadAllText(path, Encoding.UTF8);
    }
}
