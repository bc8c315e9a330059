using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>How runs end and what is said about them, with kernels of a few bytes.</summary>
public sealed class RunTests : IDisposable
{
    /// <summary>jmp $</summary>
    private static readonly byte[] Endless = [0xEB, 0xFE];

    /// <summary>ud2</summary>
    private static readonly byte[] Invalid = [0x0F, 0x0B];

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Console_bytes_come_out_unchanged()
    {
        // mov dx, 0x3f8; for each: mov al, imm8; out dx, al; then exit
        byte[] code = [0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x41, 0xEE, 0xB0, 0x0A, 0xEE, 0xB0, 0xC3, 0xEE, 0xB0, 0xBC, 0xEE, .. Exit(0)];

        EmuResult result = Run(code);

        Assert.Equal("A\nü", result.Output);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData(null, "", "A")]
    [InlineData("stdout", "A", "")]
    [InlineData("none", "", "")]
    public void The_debug_console_is_apart_from_the_console(string? where, string output, string error)
    {
        // mov al, 'A'; out 0xe9, al; then exit
        byte[] code = [0xB0, 0x41, 0xE6, 0xE9, .. Exit(0)];

        EmuResult result = where is null ? Run(code) : Run(code, "--debug-console", where);

        Assert.Equal(output, result.Output);
        Assert.Equal(error, result.Error);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 11)]
    [InlineData(0x7F, 255)]
    public void A_write_to_port_0xF4_ends_with_twice_the_value_and_one(byte value, int expected)
    {
        Assert.Equal(expected, Run(Exit(value)).ExitCode);
    }

    [Fact]
    public void A_limit_on_instructions_is_exact()
    {
        JsonElement statistics = Statistics(4, Endless, "--max-instructions", "12345");

        Assert.Equal(12345UL, statistics.GetProperty("instructions").GetUInt64());
        Assert.Equal("instruction-limit", statistics.GetProperty("exit").GetProperty("reason").GetString());
        Assert.Equal(4, statistics.GetProperty("exit").GetProperty("code").GetInt32());
    }

    [Fact]
    public void A_limit_on_time_ends_an_endless_loop()
    {
        JsonElement statistics = Statistics(4, Endless, "--timeout", "0.3");

        Assert.Equal("timeout", statistics.GetProperty("exit").GetProperty("reason").GetString());
        Assert.InRange(statistics.GetProperty("wallSeconds").GetDouble(), 0.1, 30);
    }

    [Fact]
    public void Statistics_say_what_the_design_promises()
    {
        JsonElement statistics = Statistics(1, Exit(0));

        Assert.Equal(2UL, statistics.GetProperty("instructions").GetUInt64());
        Assert.Equal(JsonValueKind.Number, statistics.GetProperty("virtualNanoseconds").ValueKind);
        Assert.Equal(JsonValueKind.Number, statistics.GetProperty("wallSeconds").ValueKind);
        Assert.Equal(JsonValueKind.Number, statistics.GetProperty("mips").ValueKind);
        Assert.Matches("^[0-9a-f]{64}$", statistics.GetProperty("stateHash").GetString()!);
        Assert.Equal("debug-exit", statistics.GetProperty("exit").GetProperty("reason").GetString());
        Assert.Equal(1, statistics.GetProperty("exit").GetProperty("code").GetInt32());
        ulong tiers = 0;
        foreach (JsonProperty tier in statistics.GetProperty("tiers").EnumerateObject())
            tiers += tier.Value.GetUInt64();
        Assert.Equal(2UL, tiers);
    }

    [Fact]
    public void Equal_runs_have_equal_hashes_and_different_ones_do_not()
    {
        string Hash(params string[] options) => Statistics(1, Exit(0), options).GetProperty("stateHash").GetString()!;

        Assert.Equal(Hash(), Hash());
        Assert.NotEqual(Hash(), Hash("--append", "x"));
        Assert.NotEqual(Hash(), Hash("--entry-profile", "xen"));
    }

    [Fact]
    public void A_guest_that_halts_for_good_ends_with_0_and_a_sentence()
    {
        // cli; hlt
        EmuResult result = Run([0xFA, 0xF4]);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("halt", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_triple_fault_ends_with_3_and_a_post_mortem_that_names_the_cause()
    {
        // mov ecx, 0x12345678; ud2
        EmuResult result = Run([0xB9, 0x78, 0x56, 0x34, 0x12, .. Invalid], "--entry-profile", "xen");

        Assert.Equal(3, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains("triple fault", result.Error, StringComparison.Ordinal);
        Assert.Contains("#UD invalid opcode at 0x100105", result.Error, StringComparison.Ordinal);
        Assert.Contains("There is no interrupt table yet", result.Error, StringComparison.Ordinal);
        Assert.Contains("Last instructions", result.Error, StringComparison.Ordinal);
        Assert.Contains("mov ecx, 0x12345678", result.Error, StringComparison.Ordinal);
        Assert.Contains("ud2", result.Error, StringComparison.Ordinal);
        Assert.Contains("RCX=0000000012345678", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_post_mortem_of_a_page_fault_shows_the_walk()
    {
        // An empty page directory at 2 MiB, then paging on: the next fetch has no page.
        byte[] code =
        [
            0xB8, 0x00, 0x00, 0x20, 0x00,       // mov eax, 0x200000
            0x0F, 0x22, 0xD8,                   // mov cr3, eax
            0x0F, 0x20, 0xC0,                   // mov eax, cr0
            0x0D, 0x00, 0x00, 0x00, 0x80,       // or eax, 0x80000000
            0x0F, 0x22, 0xC0,                   // mov cr0, eax
            0x90,
        ];
        EmuResult result = Run(code);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("#PF page fault at 0x100113, address 0x100113", result.Error, StringComparison.Ordinal);
        Assert.Contains("instruction fetch; no page is mapped", result.Error, StringComparison.Ordinal);
        Assert.Contains("Page walk of 0x100113", result.Error, StringComparison.Ordinal);
        Assert.Contains("PD   entry at 0x200000: 0x0000000000000000 not present", result.Error, StringComparison.Ordinal);
        Assert.Contains("mov cr0, eax", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trace_has_a_line_for_each_instruction_with_the_state_before_it()
    {
        string trace = _folder.File("trace.txt");
        // mov eax, 1; inc eax; inc eax; exit
        Assert.Equal(1, Run([0xB8, 1, 0, 0, 0, 0x40, 0x40, .. Exit(0)], "--trace", trace).ExitCode);

        string[][] lines = [.. File.ReadLines(trace).Where(line => !line.StartsWith('#')).Select(line => line.Split(" ; ")[0].Split(' '))];
        Assert.Equal(["0", "1", "2", "3", "4"], lines.Select(line => line[0]));
        Assert.Equal(["0000000000100100", "0000000000100105", "0000000000100106", "0000000000100107", "0000000000100109"], lines.Select(line => line[1][5..]));
        Assert.Equal("0000000000000003", lines[3][3]);
        Assert.All(lines, line => Assert.Equal(19, line.Length));
        Assert.EndsWith(" ; mov eax, 1", File.ReadLines(trace).First(line => !line.StartsWith('#')), StringComparison.Ordinal);
    }

    [Fact]
    public void A_trace_can_be_cut_out_of_the_middle_and_shows_faults()
    {
        string trace = _folder.File("trace.txt");
        Run([0x90, 0x90, 0x90, .. Invalid], "--trace", trace, "--trace-from", "2", "--trace-count", "2");

        string[] lines = [.. File.ReadLines(trace).Where(line => !line.StartsWith('#'))];
        Assert.StartsWith("2 ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("3 ", lines[1], StringComparison.Ordinal);
        Assert.Contains("int v=06", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_dump_shows_the_state_at_a_count()
    {
        EmuResult result = Run([0xB9, 1, 0, 0, 0, 0xB9, 2, 0, 0, 0, .. Exit(0)], "--dump-at", "1", "--dump-at", "2");

        string[] dumps = result.Error.Split("State after ");
        Assert.Equal(3, dumps.Length);
        Assert.StartsWith("1 instructions", dumps[1], StringComparison.Ordinal);
        Assert.Contains("RCX=0000000000000001", dumps[1], StringComparison.Ordinal);
        Assert.Contains("RCX=0000000000000002", dumps[2], StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public void A_signal_ends_the_run_with_statistics(string signal, int expected)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no POSIX signals.");
        string statistics = _folder.File("stats.json");
        // Says A, then loops.
        string kernel = _folder.Write("kernel", TinyKernel.Build([0x66, 0xBA, 0xF8, 0x03, 0xB0, 0x41, 0xEE, .. Endless]));
        using EmuProcess emu = EmuProcess.Start("run", kernel, "--stats", statistics);
        emu.WaitForOutput("A");
        emu.Kill(signal);

        Assert.Equal(expected, emu.Wait().ExitCode);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(statistics));
        Assert.Equal("signal", json.RootElement.GetProperty("exit").GetProperty("reason").GetString());
    }

    /// <summary>mov al, value; out 0xf4, al</summary>
    private static byte[] Exit(byte value) => [0xB0, value, 0xE6, 0xF4];

    private EmuResult Run(byte[] code, params string[] options) =>
        EmuProcess.Run(["run", _folder.Write("kernel", TinyKernel.Build(code)), "--timeout", "60", .. options]);

    private JsonElement Statistics(int exitCode, byte[] code, params string[] options)
    {
        string file = _folder.File("stats.json");
        string kernel = _folder.Write("kernel", TinyKernel.Build(code));
        EmuResult result = EmuProcess.Run(["run", kernel, .. options, "--stats", file]);
        Assert.True(result.ExitCode == exitCode, $"exit code {result.ExitCode}: {result.Error}");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.Clone();
    }
}
