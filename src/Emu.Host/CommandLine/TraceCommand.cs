using System.CommandLine;
using Emu.Host.Tracing.Comparison;

namespace Emu.Host.CommandLine;

/// <summary><c>emu trace diff A B</c>.</summary>
internal static class TraceCommand
{
    /// <summary>What is shown below the options by <c>emu trace diff --help</c>.</summary>
    public const string Examples = """
        Examples:
          Do two boots make the same hypercalls, whatever the vCPUs' order?
            emu run vmlinuz --machine xen --vcpus 2 --trace-xen one.log
            emu trace diff --by-vcpu one.log two.log

          Does a kernel here ask for the same things in the same order as on real Xen?
            emu trace diff --distinct one.log real-xen.log

        Instruction counts, addresses of the guest's buffers and times never count. docs/xen-trace.md describes both forms of logs.

        Exit codes:
          0 the logs are equal      5 they differ; the first difference stands on stdout      2 a log cannot be used
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="diff">What compares; returns the exit code.</param>
    /// <param name="diffCommand">The command below it.</param>
    /// <returns>The command.</returns>
    public static Command Create(Func<TraceDiffOptions, int> diff, out Command diffCommand)
    {
        Argument<string[]> logs = new("A B") { Description = "The two logs.", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> distinct = new("--distinct") { Description = "Compare only in which order the calls come for the first time." };
        Option<bool> byVcpu = new("--by-vcpu") { Description = "Compare what each vCPU does by itself: how they take turns does not count." };
        Option<string[]> ignore = new("--ignore")
        {
            HelpName = "CALL",
            Description = "A call that does not count, such as event_channel_op.send; repeat it for more.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> until = new("--until") { HelpName = "CALL", Description = "Compare up to the first such call." };
        diffCommand = new Command("diff", "Compares the hypercalls of two logs, and shows the first difference of substance.") { logs, distinct, byVcpu, ignore, until };
        diffCommand.SetAction(result =>
        {
            string[] files = result.GetValue(logs) ?? [];
            if (files.FirstOrDefault(static file => file is ['-', ..]) is { } option)
                throw new UsageException($"'{option}' is not an option of 'emu trace diff'; 'emu trace diff --help' lists them.");
            if (files is not [var first, var second])
                throw new UsageException("'emu trace diff' needs two logs: emu trace diff A B.");
            return diff(new TraceDiffOptions(first, second)
            {
                DistinctOnly = result.GetValue(distinct),
                ByVcpu = result.GetValue(byVcpu),
                Ignored = result.GetValue(ignore) ?? [],
                Until = result.GetValue(until),
            });
        });
        Command trace = new("trace", "Works on traces of runs.") { diffCommand };
        trace.SetAction(int (ParseResult _) => throw new UsageException("'emu trace' needs to know what to do: 'emu trace diff A B' compares two logs."));
        return trace;
    }
}
