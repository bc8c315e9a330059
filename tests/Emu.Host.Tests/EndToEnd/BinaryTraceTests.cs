namespace Emu.Host.Tests.EndToEnd;

public sealed class BinaryTraceTests : IDisposable
{
    private static readonly string Kernel = Path.Combine(TestFiles.TestKernels, "exceptions", "exceptions.elf");

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_runs_on_different_engines_have_equal_traces()
    {
        string one = Trace("one", "--engine", "jit"), two = Trace("two", "--engine", "interpreter");

        EmuResult result = EmuProcess.Run("trace", "diff", one, two);

        Assert.Equal(0, result.ExitCode);
        Assert.Matches("^Equal: [0-9]+ instructions and events, hash [0-9a-f]{16}\\.\n$", result.Console);
    }

    [Fact]
    public void Damaged_trace_is_equal_to_nothing()
    {
        string one = Trace("one"), two = Trace("two");
        byte[] bytes = File.ReadAllBytes(two);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(two, bytes);

        EmuResult result = EmuProcess.Run("trace", "diff", one, two);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("checksum", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Trace_that_was_cut_off_is_shown_with_a_word_about_it()
    {
        string trace = Trace("one");
        byte[] bytes = File.ReadAllBytes(trace);
        File.WriteAllBytes(trace, bytes[..^10]);

        EmuResult result = EmuProcess.Run("trace", "show", trace, "--count", "1");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("lacks its end", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_difference_is_shown_with_what_comes_before_it()
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "start-info", "start-info.elf");
        string one = _folder.File("one.emut"), two = _folder.File("two.emut");
        EmuProcess.Run("run", kernel, "--start-info", "v1", "--append", "layout=v1", "--trace", one);
        EmuProcess.Run("run", kernel, "--start-info", "v0", "--append", "layout=v0", "--trace", two);

        EmuResult result = EmuProcess.Run("trace", "diff", one, two);

        Assert.Equal(5, result.ExitCode);
        string[] lines = result.Console.Split('\n');
        Assert.Matches("^The first difference is after [0-9]+ instructions\\.$", lines[0]);
        Assert.Equal(8, lines.Count(static line => line.StartsWith("  ", StringComparison.Ordinal)));
        Assert.Contains(lines, static line => line.StartsWith("A ", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.StartsWith("B ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_trace_is_shown_with_names_from_any_instruction_on()
    {
        EmuResult result = EmuProcess.Run("trace", "show", Trace("shown"), "--from", "1", "--count", "2");

        string[] lines = result.Console.TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Matches("^1 r0 [0-9a-f]{16} [a-z_0-9.+]+: [a-z]+", lines[0]);
        Assert.StartsWith("2 r0 ", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Events_alone_can_be_shown()
    {
        EmuResult result = EmuProcess.Run("trace", "show", Trace("shown"), "--events");

        Assert.All(result.Console.TrimEnd('\n').Split('\n'), static line => Assert.Matches("^[0-9]+ -- (#[A-Z]+|interrupt|NMI|exception)", line));
        Assert.Contains("#PF error", result.Console, StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_verify_the_hash_and_count_what_was_executed()
    {
        EmuResult result = EmuProcess.Run("trace", "stats", Trace("counted"));

        Assert.Equal(0, result.ExitCode);
        foreach (string title in new[] { ", verified", "Modes", "Events", "Page faults", "Functions", "Blocks", "Instructions" })
            Assert.Contains(title, result.Console, StringComparison.Ordinal);
    }

    [Fact]
    public void Registers_and_accesses_stand_behind_each_instruction()
    {
        EmuResult result = EmuProcess.Run("trace", "show", Trace("all", "--trace-detail", "all"), "--count", "200");

        Assert.Matches(" ; .*rsp=[0-9a-f]+ .*w[48]\\[[0-9a-f]+\\]=", result.Console);
    }

    [Fact]
    public void Traces_of_intervals_become_one()
    {
        string whole = Trace("whole"), first = Trace("first", "--trace-count", "5000"), rest = Trace("rest", "--trace-from", "5000"), merged = _folder.File("merged.emut");

        Assert.Equal(0, EmuProcess.Run("trace", "merge", rest, first, "--output", merged).ExitCode);
        Assert.Equal(0, EmuProcess.Run("trace", "diff", whole, merged).ExitCode);
        Assert.Equal(2, EmuProcess.Run("trace", "merge", rest, whole, "--output", merged).ExitCode);
    }

    [Fact]
    public void A_function_begins_and_limits_a_trace()
    {
        EmuResult all = EmuProcess.Run("trace", "stats", Trace("all"), "--top", "1000");
        string name = all.Console.Split("Functions\n")[1].Split('\n')[2].Split("%  ")[1];

        EmuResult on = EmuProcess.Run("trace", "show", Trace("on", "--trace-on", name), "--count", "1");
        EmuResult only = EmuProcess.Run("trace", "show", Trace("only", "--trace-only", name));

        Assert.Matches($" {name}: ", on.Console);
        Assert.All(
            only.Console.TrimEnd('\n').Split('\n').Where(static line => !line.StartsWith('…') && !line.Contains(" -- ", StringComparison.Ordinal)),
            line => Assert.Matches($" {name}(\\+0x[0-9a-f]+)?: ", line));
    }

    [Theory]
    [InlineData("run", "--trace", "x.emut", "--trace-on", "no_such_function")]
    [InlineData("run", "--trace", "x.emut", "--trace-only", "0x2000-0x1000")]
    [InlineData("run", "--trace", "x.emut", "--trace-only", "kernel", "--trace-only", "user")]
    [InlineData("run", "--trace", "x.emut", "--trace-detail", "everything")]
    [InlineData("run", "--trace", "x.txt", "--trace-detail", "all")]
    [InlineData("run", "--trace-on", "0x1000")]
    [InlineData("run", "--trace", "no-such-folder/x.emut")]
    [InlineData("trace", "show", "no-such-file")]
    [InlineData("trace", "show", "one", "two")]
    [InlineData("trace", "stats")]
    [InlineData("trace", "merge", "one")]
    [InlineData("trace", "merge", "one", "--output", "one")]
    public void A_mistake_ends_with_2_and_a_sentence(params string[] arguments)
    {
        EmuResult result = EmuProcess.Run([.. arguments.Select(argument => argument is "x.emut" or "x.txt" ? _folder.File(argument) : argument)]);

        Assert.Equal(2, result.ExitCode);
        Assert.Matches("^emu: [^\n]+\n$", result.Error.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Damaged_and_foreign_files_are_refused()
    {
        string trace = Trace("good"), damaged = _folder.File("damaged.emut"), cut = _folder.File("cut.emut");
        byte[] bytes = File.ReadAllBytes(trace);
        File.WriteAllBytes(cut, bytes[..30]);
        bytes[^200] ^= 1;
        File.WriteAllBytes(damaged, bytes);

        foreach (string[] arguments in new string[][]
        {
            ["trace", "stats", damaged], ["trace", "show", cut], ["trace", "stats", Kernel], ["trace", "diff", trace, Kernel], ["trace", "diff", trace, cut],
        })
        {
            EmuResult result = EmuProcess.Run(arguments);
            Assert.Equal(2, result.ExitCode);
            Assert.Matches("^emu: [^\n]+\n$", result.Error.ReplaceLineEndings("\n"));
        }
    }

    [Theory]
    [InlineData("show")]
    [InlineData("stats")]
    [InlineData("diff")]
    [InlineData("merge")]
    public void Help_teaches_with_an_example(string verb)
    {
        EmuResult result = EmuProcess.Run("trace", verb, "--help");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:", result.Output, StringComparison.Ordinal);
    }

    private string Trace(string name, params string[] options)
    {
        string path = _folder.File(name + ".emut");
        EmuResult result = EmuProcess.Run(["run", Kernel, "--machine", "pc", "--trace", path, .. options]);
        Assert.True(result.ExitCode == 0, result.Error);
        return path;
    }
}
