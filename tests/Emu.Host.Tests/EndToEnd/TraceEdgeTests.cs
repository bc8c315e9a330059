using System.Text;
using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Where traces begin and end, in which life of the guest, and what becomes of files when something is wrong.</summary>
public sealed class TraceEdgeTests : IDisposable
{
    // 100 turns of a loop, "R" on port 0xE9, reset: 105 instructions.
    private static readonly byte[] Reboots = TinyKernel.Build(0xB9, 100, 0, 0, 0, 0xE2, 0xFE, 0xB0, (byte)'R', 0xE6, 0xE9, 0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE);

    private const int LifeLength = 105;

    private const string Old = "what was there before";

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string File(string name) => _folder.File(name);

    [Theory]
    [InlineData("--trace-on on:nowhere", "--trace-on on:nowhere was not reached\\.")]
    [InlineData("--trace-on 0x100100 --trace-from 5", "--trace-on 0x100100 was not reached after the first 5 instructions\\.")]
    [InlineData("--trace-from 1_000_000", "the run ended after [0-9]+ instructions, before it was to begin after 1000000\\.")]
    [InlineData("--trace-only 0x5", "nothing of what --trace-only names was executed while it was taken\\.")]
    public void Trace_that_never_begins_is_empty_and_says_why(string options, string reason)
    {
        string trace = File("x.emut");

        EmuResult run = EmuProcess.Run(["run", Talker("ab"), "--trace", trace, .. options.Split(' ')]);
        EmuResult stats = EmuProcess.Run("trace", "stats", trace);

        Assert.Matches($"^emu: The trace '[^']+' is empty: {reason}\n$", run.Error.ReplaceLineEndings("\n"));
        Assert.Equal(0, stats.ExitCode);
        Assert.Contains(", 0 of them", stats.Console, StringComparison.Ordinal);
    }

    [Fact]
    public void Trace_as_text_that_never_begins_says_why()
    {
        EmuResult run = EmuProcess.Run("run", Talker("ab"), "--trace", File("x.txt"), "--trace-from", "1000000");

        Assert.Contains("is empty: the run ended after ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("interpreter")]
    [InlineData("jit")]
    public void Text_on_the_console_begins_and_ends_a_trace_right_behind_its_last_byte(string engine)
    {
        // Each character is MOV, OUT, and a loop of 11 instructions; one MOV comes before all.
        string kernel = Talker("abLOGIN:cdLOGIN:e"), trace = File("x.emut");

        EmuProcess.Run("run", kernel, "--engine", engine, "--trace", trace, "--trace-on", "on:LOGIN:");
        Assert.Contains(": instructions 94–", EmuProcess.Run("trace", "stats", trace).Console, StringComparison.Ordinal);
        EmuProcess.Run("run", kernel, "--engine", engine, "--trace", trace, "--trace-on", "on:LOGIN:", "--trace-off", "on:LOGIN:");
        Assert.Contains(": instructions 94–198,", EmuProcess.Run("trace", "stats", trace).Console, StringComparison.Ordinal);
        // From 100 on the first one is the second one.
        EmuProcess.Run("run", kernel, "--engine", engine, "--trace", trace, "--trace-on", "on:LOGIN:", "--trace-from", "100");
        Assert.Contains(": instructions 198–", EmuProcess.Run("trace", "stats", trace).Console, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--trace-only", "nosuch")]
    [InlineData("--trace-only", "0x2000-0x1000")]
    [InlineData("--trace-on", "nosuch")]
    [InlineData("--trace-on", "on")]
    [InlineData("--trace-on", "on:")]
    [InlineData("--trace-off", "nosuch")]
    [InlineData("--trace-detail", "nosuch")]
    [InlineData("--initrd", "/no/such/file")]
    [InlineData("--memory", "1M")]
    public void Run_that_is_refused_leaves_files_as_they_were(string option, string value)
    {
        string[] files = [File("x.emut"), File("stats.json")];
        foreach (string file in files)
            System.IO.File.WriteAllText(file, Old);

        EmuResult run = EmuProcess.Run("run", Talker("ab"), "--trace", files[0], "--stats", files[1], option, value);
        EmuResult second = EmuProcess.Run("run", Talker("ab"), "--trace", File("new.emut"), option, value);

        Assert.Equal((2, 2), (run.ExitCode, second.ExitCode));
        Assert.Matches("^emu: [^\n]+\n$", run.Error.ReplaceLineEndings("\n"));
        Assert.All(files, static file => Assert.Equal(Old, System.IO.File.ReadAllText(file)));
        Assert.False(System.IO.File.Exists(File("new.emut")));
    }

    [Fact]
    public void Trace_replaces_a_longer_file()
    {
        string trace = File("x.emut");
        System.IO.File.WriteAllBytes(trace, new byte[1 << 20]);

        EmuProcess.Run("run", Talker("ab"), "--trace", trace);

        Assert.Equal(0, EmuProcess.Run("trace", "stats", trace).ExitCode);
        Assert.True(new FileInfo(trace).Length < 1 << 16);
    }

    [SkippableFact]
    public void Device_takes_a_trace_and_an_export()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no /dev.");
        string trace = File("x.emut"), kernel = Talker("ab");

        Assert.Equal("", EmuProcess.Run("run", kernel, "--trace", "/dev/null", "--stats", "/dev/null").Error);
        EmuProcess.Run("run", kernel, "--trace", trace);
        Assert.StartsWith("count,", EmuProcess.Run("trace", "export", trace, "--format", "csv", "--output", "/dev/stdout").Output, StringComparison.Ordinal);
        Assert.Equal("", EmuProcess.Run("trace", "export", trace, "--format", "csv", "--output", "/dev/null").Error);
    }

    [Fact]
    public void Merge_that_fails_changes_no_file()
    {
        string first = File("1.emut"), second = File("2.emut"), whole = File("whole.emut");
        string kernel = Talker("ab");
        EmuProcess.Run("run", kernel, "--trace", first, "--trace-count", "10");
        EmuProcess.Run("run", kernel, "--trace", second, "--trace-from", "10");
        byte[] bytes = System.IO.File.ReadAllBytes(second);
        // In the stream or the dictionary: found when it is read, when the first part has been written already.
        bytes[^120] ^= 1;
        System.IO.File.WriteAllBytes(second, bytes);
        System.IO.File.WriteAllText(whole, Old);

        EmuResult merge = EmuProcess.Run("trace", "merge", first, second, "--output", whole);

        Assert.Equal(2, merge.ExitCode);
        Assert.Contains(second, merge.Error, StringComparison.Ordinal);
        Assert.Equal(Old, System.IO.File.ReadAllText(whole));
        Assert.Equal(3, Directory.GetFiles(Path.GetDirectoryName(whole)!, "*.emut*").Length);
    }

    [Fact]
    public void What_follows_the_end_of_a_trace_is_refused()
    {
        string trace = File("x.emut");
        EmuProcess.Run("run", Talker("ab"), "--trace", trace);
        System.IO.File.AppendAllText(trace, "more");

        EmuResult stats = EmuProcess.Run("trace", "stats", trace);

        Assert.Equal(2, stats.ExitCode);
        Assert.Contains("4 byte(s) that do not belong to it follow its end", stats.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Diff_names_the_file_that_is_no_binary_trace()
    {
        string trace = File("x.emut"), other = _folder.Write("other", Encoding.ASCII.GetBytes(Old));
        EmuProcess.Run("run", Talker("ab"), "--trace", trace);

        foreach (string[] files in new string[][] { [trace, other], [other, trace] })
            Assert.StartsWith($"emu: '{other}' is no binary trace", EmuProcess.Run(["trace", "diff", .. files]).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("all")]
    public void Trace_goes_on_through_all_lives_and_is_that_of_the_replay_and_of_its_parts(string detail)
    {
        string kernel = _folder.Write("kernel", Reboots), recording = File("x.rec"), whole = File("whole.emut"), replayed = File("replayed.emut"), merged = File("merged.emut");

        EmuProcess.Run("run", kernel, "--restarts", "3", "--record", recording);
        EmuProcess.Run("run", kernel, "--restarts", "3", "--trace", whole, "--trace-detail", detail, "--stats", File("stats.json"));
        EmuProcess.Run("replay", recording, "--trace", replayed, "--trace-detail", detail, "--engine", "interpreter");
        foreach (string part in new[] { "1", "2", "3" })
            Assert.Equal(0, EmuProcess.Run("replay", recording, "--interval", $"{part}/3", "--trace", File($"{part}.emut"), "--trace-detail", detail).ExitCode);
        Assert.Equal(0, EmuProcess.Run("trace", "merge", File("1.emut"), File("2.emut"), File("3.emut"), "--output", merged).ExitCode);

        Assert.StartsWith($"Equal: {4 * LifeLength} ", EmuProcess.Run("trace", "diff", whole, replayed).Console, StringComparison.Ordinal);
        Assert.StartsWith($"Equal: {4 * LifeLength} ", EmuProcess.Run("trace", "diff", whole, merged).Console, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(System.IO.File.ReadAllText(File("stats.json")));
        Assert.Equal(4 * LifeLength, json.RootElement.GetProperty("instructions").GetInt32());
        string stats = EmuProcess.Run("trace", "stats", merged).Console;
        Assert.Contains($"life 4 of the guest, which began after {3 * LifeLength} instructions: {LifeLength} of them", stats, StringComparison.Ordinal);
        Assert.Contains(", verified", stats, StringComparison.Ordinal);
        Assert.Matches($"(?m)^{LifeLength} life2 r0 0000000000100100: mov ecx, 0x64", EmuProcess.Run("trace", "show", merged).Console);
    }

    [Fact]
    public void Trace_begins_in_a_later_life_where_that_is_asked_for()
    {
        string kernel = _folder.Write("kernel", Reboots), trace = File("x.emut"), text = File("x.txt");

        EmuProcess.Run("run", kernel, "--restarts", "3", "--trace", trace, "--trace-on", "0x100107", "--trace-from", "150", "--trace-count", $"{LifeLength}");
        EmuResult show = EmuProcess.Run("trace", "show", trace);
        EmuProcess.Run("run", kernel, "--restarts", "3", "--trace", text, "--trace-from", "206", "--trace-count", "10");

        string[] lines = show.Console.TrimEnd('\n').Split('\n');
        Assert.Equal(LifeLength, lines.Length);
        Assert.StartsWith("206 life2 r0 0000000000100107: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("310 life3 ", lines[^1], StringComparison.Ordinal);
        string[] steps = System.IO.File.ReadAllLines(text);
        Assert.Contains("# life 3 of the guest", steps);
        Assert.Equal(10, steps.Count(static line => line.Contains(" ; ", StringComparison.Ordinal) && line[0] != '#'));
    }

    [Fact]
    public void Exports_tell_lives_apart()
    {
        string kernel = _folder.Write("kernel", Reboots), trace = File("x.emut");
        EmuProcess.Run("run", kernel, "--restarts", "1", "--trace", trace, "--trace-detail", "all");

        string[] rows = Export("csv").TrimEnd().Split("\r\n");
        Assert.EndsWith(",life", rows[0], StringComparison.Ordinal);
        Assert.EndsWith(",1", rows[LifeLength], StringComparison.Ordinal);
        Assert.EndsWith(",2", rows[LifeLength + 1], StringComparison.Ordinal);
        Assert.Equal(LifeLength, Export("ndjson").Split('\n').Count(static line => line.Contains("\"life\":2", StringComparison.Ordinal)));
        using JsonDocument chrome = JsonDocument.Parse(Export("chrome", "--min-duration", "1"));
        Assert.Equal([1, 1, 2, 2], chrome.RootElement.GetProperty("traceEvents").EnumerateArray()
            .Where(static item => item.GetProperty("ph").GetString() is "B" or "E").Select(static item => item.GetProperty("pid").GetInt32()));
        // All registers stand before the first instruction of each life.
        Assert.Equal(2, Export("tenet").Split('\n').Count(static line => line.Contains("esp=", StringComparison.Ordinal)));

        string Export(string format, params string[] options) => EmuProcess.Run(["trace", "export", trace, "--format", format, .. options]).Output;
    }

    [Fact]
    public void Diff_tells_another_life_from_another_turn_of_a_loop()
    {
        // The same instructions at the same counts, but for the last of each round, which is left out: one resets, the other jumps back.
        byte[] loops = [.. Reboots];
        loops[^4] = 0xEB;
        loops[^3] = 0xF1;
        string one = File("1.emut"), two = File("2.emut");
        EmuProcess.Run("run", _folder.Write("kernel", Reboots), "--restarts", "1", "--trace", one, "--trace-only", "0x100100-0x10010c");
        EmuProcess.Run("run", _folder.Write("loops", loops), "--max-instructions", $"{2 * LifeLength}", "--trace", two, "--trace-only", "0x100100-0x10010c");

        EmuResult diff = EmuProcess.Run("trace", "diff", one, two);

        Assert.Equal(5, diff.ExitCode);
        Assert.StartsWith(
            $"The first difference is after {LifeLength} instructions: A is in the guest's life 2 there, B in life 1.\n", diff.Console, StringComparison.Ordinal);
    }

    // Writes a text to COM1, with a loop behind each character, and powers off.
    private string Talker(string text)
    {
        List<byte> code = [0xBA, 0xF8, 3, 0, 0];
        foreach (byte character in Encoding.ASCII.GetBytes(text))
            code.AddRange([0xB0, character, 0xEE, 0xB9, 10, 0, 0, 0, 0xE2, 0xFE]);
        code.AddRange([0xB0, 0, 0xE6, 0xF4]);
        return _folder.Write("talker", TinyKernel.Build([.. code]));
    }
}
