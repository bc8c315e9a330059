using System.CommandLine;
using Emu.Host.Tracing;
using Emu.Host.Tracing.Comparison;
using Emu.Host.Tracing.Export;
using Emu.Host.Verbs;

namespace Emu.Host.CommandLine;

/// <summary>What carries out the verbs of <c>emu trace</c>; each returns the exit code.</summary>
/// <param name="Diff">Carries out <c>emu trace diff</c>.</param>
/// <param name="Show">Carries out <c>emu trace show</c>.</param>
/// <param name="Stats">Carries out <c>emu trace stats</c>: a trace, further symbols or null, and how many of each kind are told.</param>
/// <param name="Merge">Carries out <c>emu trace merge</c>: the traces in their order, and where the whole goes.</param>
/// <param name="Export">Carries out <c>emu trace export</c>.</param>
public sealed record TraceVerbs(
    Func<TraceDiffOptions, int> Diff,
    Func<TraceShowOptions, int> Show,
    Func<string, string?, int, int> Stats,
    Func<IReadOnlyList<string>, string, int> Merge,
    Func<TraceExportOptions, int> Export);

/// <summary><c>emu trace diff|show|stats|merge|export</c>.</summary>
internal static class TraceCommand
{
    /// <summary>What is shown below the options by <c>emu trace diff --help</c>.</summary>
    private const string DiffExamples = """
        Examples:
          Do two runs execute the same instructions? Where does the first other one stand?
            emu run kernel.elf --trace one.emut
            emu trace diff one.emut two.emut

          Do two boots make the same hypercalls, whatever the vCPUs' order?
            emu run vmlinuz --machine xen --vcpus 2 --trace-xen one.log
            emu trace diff --by-vcpu one.log two.log

          Does a kernel here ask for the same things in the same order as on real Xen?
            emu trace diff --distinct one.log real-xen.log

        Two binary traces are compared by their hashes first, so that long ones take no longer; what the options say is for logs of hypercalls.
        In those, instruction counts, addresses of the guest's buffers and times never count. docs/trace-format.md and docs/xen-trace.md have the rest.

        Exit codes:
          0 they are equal      5 they differ; the first difference stands on stdout      2 one of them cannot be used
        """;

    private const string ShowExamples = """
        Examples:
          What was executed from instruction 1000000 on?
            emu trace show boot.emut --from 1000000 --count 50

          Which interrupts and exceptions were there?
            emu trace show boot.emut --events

          Who calls whom, as Linux's function_graph shows it? How often, and from where, is a function called, and how long does it take?
            emu trace show boot.emut --calls --from 1000000 --count 50
            emu trace show boot.emut --calls --only do_sys_openat2 --depth 1
            emu trace show boot.emut --calls --only '#PF' --depth 3

          What does a function execute?
            emu trace show boot.emut --only setup_arch --count 200
        """;

    private const string StatsExamples = """
        Examples:
          Where does a boot spend its time?
            emu run vmlinuz --initrd initrd.gz --trace boot.emut
            emu trace stats boot.emut
        """;

    private const string MergeExamples = """
        Examples:
          Put the traces of consecutive intervals of one run together; the hash is that of a trace taken at once
            emu trace merge 1.emut 2.emut 3.emut --output whole.emut
        """;

    /// <summary>Makes the commands.</summary>
    /// <param name="verbs">What carries them out.</param>
    /// <param name="examples">The commands with what is shown below their options.</param>
    /// <returns>The command <c>trace</c>.</returns>
    public static Command Create(TraceVerbs verbs, out (Command Command, string Examples)[] examples)
    {
        Command diff = Diff(verbs.Diff), show = Show(verbs.Show), stats = Stats(verbs.Stats), merge = Merge(verbs.Merge), export = TraceExportCommand.Create(verbs.Export);
        examples = [(diff, DiffExamples), (show, ShowExamples), (stats, StatsExamples), (merge, MergeExamples), (export, TraceExportCommand.Examples)];
        Command trace = new("trace", "Works on traces of runs.") { diff, show, stats, merge, export };
        trace.SetAction(int (ParseResult _) => throw new UsageException(
            "'emu trace' needs to know what to do: 'emu trace show', 'stats', 'diff', 'merge' and 'export' work on traces; 'emu trace --help' explains them."));
        return trace;
    }

    private static Command Diff(Func<TraceDiffOptions, int> diff)
    {
        Argument<string[]> logs = Files("A B", "The two traces, or logs of hypercalls.");
        Option<bool> distinct = new("--distinct") { Description = "Compare only in which order the calls come for the first time." };
        Option<bool> byVcpu = new("--by-vcpu") { Description = "Compare what each vCPU does by itself: how they take turns does not count." };
        Option<string[]> ignore = new("--ignore")
        {
            HelpName = "CALL",
            Description = "A call that does not count, such as event_channel_op.send; repeat it for more.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> until = Text("--until", "CALL", "Compare up to the first such call.");
        Command command = new("diff", "Compares two traces, or the hypercalls of two logs, and shows the first difference of substance.")
        {
            logs, distinct, byVcpu, ignore, until,
        };
        command.SetAction(result =>
        {
            string[] files = Values("diff", result.GetValue(logs));
            if (files is not [var first, var second])
                throw new UsageException("'emu trace diff' needs two traces or logs: emu trace diff A B.");
            return diff(new TraceDiffOptions(first, second)
            {
                DistinctOnly = result.GetValue(distinct),
                ByVcpu = result.GetValue(byVcpu),
                Ignored = result.GetValue(ignore) ?? [],
                Until = result.GetValue(until),
            });
        });
        return command;
    }

    private static Command Show(Func<TraceShowOptions, int> show)
    {
        Argument<string[]> traces = Files("TRACE", "The binary trace.");
        Option<string?> from = Text("--from", "N", "Begin after N instructions. [0]");
        Option<string?> count = Text("--count", "M", "End after M lines. [all]");
        Option<bool> events = new("--events") { Description = "Show interrupts and exceptions alone." };
        Option<bool> calls = new("--calls") { Description = "Show calls instead of instructions, indented, with how many instructions each executed." };
        Option<string?> depth = Text("--depth", "N", "Show calls to this depth. [all]");
        Option<string[]> only = new("--only")
        {
            HelpName = "WHAT",
            Description = "Show a function, 0xFIRST-0xLAST, kernel or user alone; with --calls, a function and what it calls, or an event ('#PF', 'interrupt 0xec', syscall). Repeat it for more. [all]",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> vcpu = Text("--vcpu", "N", "Show that vCPU alone. [all]");
        Option<string?> symbols = Symbols();
        Command command = new("show", "Shows a binary trace as text, disassembled, one line for each instruction and event, or for each call.")
        {
            traces, from, count, only, vcpu, events, calls, depth, symbols,
        };
        command.SetAction(result =>
        {
            string[] wanted = result.GetValue(only) ?? [];
            bool showsCalls = result.GetValue(calls);
            if (showsCalls && result.GetValue(events))
                throw new UsageException("--calls shows interrupts and exceptions, too; leave out --events.");
            if (result.GetValue(depth) is not null && !showsCalls)
                throw new UsageException("--depth is for --calls.");
            if (wanted.Contains("kernel") && wanted.Contains("user"))
                throw new UsageException("--only takes kernel or user; both are everything.");
            if (showsCalls && wanted.FirstOrDefault(static what => what is "kernel" or "user" || what.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) is { } other)
                throw new UsageException($"--only takes functions beside --calls; '{other}' is none.");
            return show(new TraceShowOptions(One("show", result.GetValue(traces)))
            {
                From = OptionText.Count("--from", result.GetValue(from)) ?? 0,
                Count = OptionText.Count("--count", result.GetValue(count)),
                EventsOnly = result.GetValue(events),
                Calls = showsCalls,
                Depth = OptionText.Integer("--depth", result.GetValue(depth), int.MaxValue, 1, int.MaxValue),
                Only = [.. wanted.Where(what => what is not ("kernel" or "user") && !(showsCalls && IsEvent(what))).Select(static what => new TracePlace("--only", what))],
                OnlyEvents = [.. wanted.Where(what => showsCalls && IsEvent(what))],
                Ring = wanted.Contains("kernel") ? 0 : wanted.Contains("user") ? 3 : null,
                Vcpu = result.GetValue(vcpu) is { } number ? OptionText.Integer("--vcpu", number, 0, 0, int.MaxValue) : null,
                SymbolFile = result.GetValue(symbols),
            });
        });
        return command;
    }

    // As call stacks have them: "#PF", "interrupt 0xec", "int 0x80".
    private static bool IsEvent(string what) => what is ['#', ..] or "NMI" or "syscall" or "sysenter" || what.Contains(' ', StringComparison.Ordinal);

    private static Command Stats(Func<string, string?, int, int> stats)
    {
        Argument<string[]> traces = Files("TRACE", "The binary trace.");
        Option<string?> top = Text("--top", "N", "Tell the N most frequent of each kind. [20]");
        Option<string?> symbols = Symbols();
        Command command = new("stats", "Tells where a run's time went: functions, blocks, instructions, modes, events. Verifies the hash.") { traces, top, symbols };
        command.SetAction(result => stats(
            One("stats", result.GetValue(traces)), result.GetValue(symbols), OptionText.Integer("--top", result.GetValue(top), 20, 1, 1_000_000)));
        return command;
    }

    private static Command Merge(Func<IReadOnlyList<string>, string, int> merge)
    {
        Argument<string[]> traces = Files("TRACE…", "The binary traces, in any order: each begins where another ends.");
        Option<string?> output = Text("--output", "FILE", "Where the whole goes.");
        output.Aliases.Add("-o");
        Command command = new("merge", "Puts the traces of consecutive intervals of one run together.") { traces, output };
        command.SetAction(result =>
        {
            string[] files = Values("merge", result.GetValue(traces));
            if (files.Length == 0 || result.GetValue(output) is not { } path)
                throw new UsageException("'emu trace merge' needs traces and where the whole goes: emu trace merge A B --output FILE.");
            return merge(files, path);
        });
        return command;
    }

    private static Argument<string[]> Files(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.ZeroOrMore };

    private static Option<string?> Text(string name, string value, string description) => new(name) { HelpName = value, Description = description };

    private static Option<string?> Symbols() => Text("--symbols", "FILE", "Further names for addresses: an ELF file, a System.map, or a copy of /proc/kallsyms. [those in the trace]");

    /// <summary>The one trace that a verb works on.</summary>
    internal static string One(string verb, string[]? files) =>
        Values(verb, files) is [var file] ? file : throw new UsageException($"'emu trace {verb}' needs one trace: emu trace {verb} TRACE.");

    private static string[] Values(string verb, string[]? files)
    {
        if (files?.FirstOrDefault(static file => file is ['-', ..]) is { } option)
            throw new UsageException($"'{option}' is not an option of 'emu trace {verb}'; 'emu trace {verb} --help' lists them.");
        return files ?? [];
    }
}
