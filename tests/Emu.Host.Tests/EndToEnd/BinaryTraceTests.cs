using System.Text.RegularExpressions;

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

        Assert.Equal(2, result.ExitCode);
        Assert.NotEmpty(result.Output);
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

    [Fact]
    public void Calls_are_shown_indented_and_closed_where_they_were_opened()
    {
        string[] lines = EmuProcess.Run("trace", "show", Trace("calls"), "--calls").Console.TrimEnd('\n').Split('\n');

        Stack<string> open = new();
        int closed = 0, leaves = 0;
        foreach (string line in lines)
        {
            Match call = Regex.Match(line, "^ *[0-9]+ +(?<executed>[0-9]*) \\| (?<indent> *)(?<what>.*)$");
            Assert.True(call.Success, line);
            string what = call.Groups["what"].Value;
            if (what.StartsWith("-- in ", StringComparison.Ordinal))
            {
                // Another stack, of which nothing is known.
                open.Clear();
                continue;
            }

            if (what.StartsWith("} ", StringComparison.Ordinal) && open.TryPop(out string? name))
            {
                Assert.Equal($"{call.Groups["indent"].Value}{what[2..]}", name);
                Assert.NotEqual("", call.Groups["executed"].Value);
                closed++;
            }
            else if (what.EndsWith(" {", StringComparison.Ordinal))
            {
                open.Push(call.Groups["indent"].Value + what[..^2].Replace("()", "", StringComparison.Ordinal));
            }
            else
            {
                leaves++;
            }
        }

        Assert.InRange(closed, 3, int.MaxValue);
        Assert.InRange(leaves, 10, int.MaxValue);
        Assert.Contains(lines, static line => line.EndsWith("#PF {", StringComparison.Ordinal) || line.EndsWith("#PF", StringComparison.Ordinal));
    }

    [Fact]
    public void Calls_of_one_function_tell_who_called_it_and_what_it_executed()
    {
        string trace = Trace("calls");
        string all = EmuProcess.Run("trace", "show", trace, "--calls").Console;
        // The first call that is shown in one line.
        Match leaf = Regex.Match(all, @"(?m)^ *(?<count>[0-9]+) +(?<executed>[0-9]+) \| {3,}(?<name>[a-z_0-9]+)\(\)$");
        Assert.True(leaf.Success, all);
        string name = leaf.Groups["name"].Value;

        string one = EmuProcess.Run("trace", "show", trace, "--calls", "--only", name, "--depth", "1").Console;
        Assert.Matches($"^ *{leaf.Groups["count"].Value} +{leaf.Groups["executed"].Value} \\| {name}\\(\\)  < [a-z_0-9]+\n", one);
        Assert.Equal(Regex.Count(all, $@"(?m)\| *{name}\(\)( \{{)?$"), one.TrimEnd('\n').Split('\n').Length);
        // What it executed is all there is until it returns.
        string[] instructions = EmuProcess.Run("trace", "show", trace, "--from", leaf.Groups["count"].Value, "--count", leaf.Groups["executed"].Value)
            .Console.TrimEnd('\n').Split('\n');
        Assert.All(instructions, line => Assert.Matches($" {name}(\\+0x[0-9a-f]+)?: ", line));
        Assert.EndsWith(": ret", instructions[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Part_of_a_trace_is_shown()
    {
        string trace = Trace("part");
        string whole = EmuProcess.Run("trace", "show", trace).Console;
        string name = Regex.Match(whole, "(?m)^[0-9]+ r0 [0-9a-f]{16} (?<name>[a-z_0-9]+): ").Groups["name"].Value;

        Assert.Equal(Lines(whole, $"^[0-9]+ r0 [0-9a-f]{{16}} {name}(\\+0x[0-9a-f]+)?: |^[0-9]+ -- .* {name}(\\+0x[0-9a-f]+)?(,|$)"), Show("--only", name));
        Assert.Equal(Lines(whole, "^[0-9]+ r3 "), Show("--only", "user").Where(static line => !line.Contains(" -- ", StringComparison.Ordinal)));
        Assert.Equal(Lines(whole, " -- "), Show("--events"));
        Assert.Equal(Lines(whole, "")[..5], Show("--vcpu", "0", "--count", "5"));

        string[] Show(params string[] options) => Lines(EmuProcess.Run(["trace", "show", trace, .. options]).Console, "");
        static string[] Lines(string text, string pattern) => [.. text.TrimEnd('\n').Split('\n').Where(line => Regex.IsMatch(line, pattern))];
    }

    [Theory]
    [InlineData("--vcpu", "1")]
    [InlineData("--only", "no_such_function")]
    [InlineData("--calls", "--only", "no_such_function")]
    [InlineData("--calls", "--only", "0x1000")]
    [InlineData("--calls", "--events")]
    [InlineData("--only", "kernel", "--only", "user")]
    [InlineData("--depth", "1")]
    public void What_a_trace_cannot_show_is_refused_in_a_sentence(params string[] options)
    {
        EmuResult result = EmuProcess.Run(["trace", "show", Trace("refused"), .. options]);

        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Matches("^emu: [^\n]+\n$", result.Error.ReplaceLineEndings("\n"));
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
