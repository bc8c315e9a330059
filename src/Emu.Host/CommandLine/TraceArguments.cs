using System.CommandLine;
using Emu.Cpu.Instrumentation;
using Emu.Host.Tracing;

namespace Emu.Host.CommandLine;

/// <summary>The options of <c>emu run</c> that say what a trace holds, and how their text becomes a <see cref="TraceRequest"/>.</summary>
internal sealed class TraceArguments
{
    private const string Suffix = ".emut";

    private readonly Option<string?> _trace = Text(
        "--trace", "FILE", "Write what is executed: a binary trace of all blocks where FILE ends in .emut; else one line of text for each instruction, which is slow.");

    private readonly Option<string?> _from = Text("--trace-from", "N", "Begin the trace after N instructions. [0]");
    private readonly Option<string?> _count = Text("--trace-count", "M", "End the trace after M instructions. [all]");

    private readonly Option<string?> _detail = Text(
        "--trace-detail", "LEVEL", "What a binary trace holds: blocks, registers (what each instruction changes; slow), memory (its accesses; slow), or all. [blocks]");

    /// <summary>The options in the order of help.</summary>
    public IReadOnlyList<Option> Options => [_trace, _from, _count, _detail];

    /// <summary>Binds them.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">What it asks for else.</param>
    /// <returns>The same, with the trace.</returns>
    /// <exception cref="UsageException">They do not fit together.</exception>
    public RunOptions Bind(ParseResult result, RunOptions options)
    {
        string? file = result.GetValue(_trace);
        foreach (Option option in Options.Skip(1))
        {
            if (file is null && result.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} needs --trace FILE.");
        }

        ulong from = OptionText.Count("--trace-from", result.GetValue(_from)) ?? 0;
        ulong? count = OptionText.Count("--trace-count", result.GetValue(_count));
        if (file is null)
            return options;
        if (!file.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase))
        {
            if (result.GetValue(_detail) is not null)
                throw new UsageException($"--trace-detail is for a binary trace, whose file's name ends in {Suffix}.");
            return options with { TraceFile = file, TraceFrom = from, TraceCount = count };
        }

        return options with { BinaryTrace = new TraceRequest(file, from, count) { Detail = Detail(result.GetValue(_detail)) } };
    }

    private static TraceDetail Detail(string? text) => OptionText.Choice(
        "--trace-detail",
        text,
        TraceDetail.Blocks,
        ("blocks", TraceDetail.Blocks),
        ("registers", TraceDetail.Registers),
        ("memory", TraceDetail.Memory),
        ("all", TraceDetail.Registers | TraceDetail.Memory));

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };
}
