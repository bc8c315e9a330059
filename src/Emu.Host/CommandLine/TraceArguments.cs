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

    private readonly Option<string[]> _only = new("--trace-only")
    {
        HelpName = "WHAT",
        Description = "What belongs to a binary trace: a function, 0xFIRST-0xLAST, kernel (ring 0) or user (ring 3); repeat it for more. [all]",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _on = Text(
        "--trace-on", "PLACE", "Begin a binary trace when this function or address (0x…) is executed first, or behind a text on the console (on:TEXT); with --trace-from, when that first happens after N instructions.");

    private readonly Option<string?> _off = Text("--trace-off", "PLACE", "End a binary trace when this function or address is about to be executed, or behind a text on the console (on:TEXT).");

    /// <summary>The options in the order of help.</summary>
    public IReadOnlyList<Option> Options => [_trace, _from, _count, _detail, _only, _on, _off];

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
            foreach (Option option in new Option[] { _detail, _only, _on, _off })
            {
                if (result.GetResult(option) is { Implicit: false })
                    throw new UsageException($"{option.Name} is for a binary trace, whose file's name ends in {Suffix}.");
            }

            return options with { TraceFile = file, TraceFrom = from, TraceCount = count };
        }

        if (options.Debugger is not null)
            throw new UsageException("--gdb does not go with --trace: 'monitor trace FILE' in gdb traces from where it stands, also in the past.");
        string[] only = result.GetValue(_only) ?? [];
        if (only.Contains("kernel") && only.Contains("user"))
            throw new UsageException("--trace-only takes kernel or user; both are everything.");
        return options with
        {
            BinaryTrace = new TraceRequest(file, from, count)
            {
                Detail = Detail(result.GetValue(_detail)),
                Ring = only.Contains("kernel") ? 0 : only.Contains("user") ? 3 : null,
                Only = [.. only.Where(static what => what is not ("kernel" or "user")).Select(static what => new TracePlace("--trace-only", what))],
                On = result.GetValue(_on) is { } on ? TraceTrigger.Parse("--trace-on", on) : null,
                Off = result.GetValue(_off) is { } off ? TraceTrigger.Parse("--trace-off", off) : null,
            },
        };
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
