using System.CommandLine;
using Emu.Host.Recording;

namespace Emu.Host.CommandLine;

/// <summary>The options of <c>emu replay</c> that replay a run in parts, which may be on several processors or computers at the same time.</summary>
internal sealed class IntervalArguments
{
    private readonly Option<string?> _interval = new("--interval")
    {
        HelpName = "K/N",
        Description = "Replay the K-th of N equal parts alone, from the nearest snapshot before it; trace and console are that part's. docs/parallel-replay.md",
    };

    private readonly Option<string?> _cut = new("--cut")
    {
        HelpName = "N",
        Description = "Replay everything once, and leave snapshots between N parts for --interval, in place of those that are there.",
    };

    private readonly Option<string?> _folder = new("--cut-dir") { HelpName = "DIR", Description = "Where these snapshots are. [beside FILE]" };

    /// <summary>The options in the order of help.</summary>
    public IReadOnlyList<Option> Options => [_interval, _cut, _folder];

    /// <summary>Binds them.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">What it asks for else.</param>
    /// <returns>The same, with the parts.</returns>
    /// <exception cref="UsageException">They cannot be understood, or do not fit together.</exception>
    public ReplayOptions Bind(ParseResult result, ReplayOptions options)
    {
        ReplayPart? interval = result.GetValue(_interval) is { } text ? ReplayPart.Parse("--interval", text) : null;
        ulong? cut = OptionText.Count("--cut", result.GetValue(_cut));
        string? folder = result.GetValue(_folder);
        if (cut is < 2 or > ReplayCuts.MostParts)
            throw new UsageException($"--cut takes a number of parts from 2 to {ReplayCuts.MostParts}, not {cut}.");
        if (folder is not null && interval is null && cut is null)
            throw new UsageException("--cut-dir needs --cut or --interval.");
        if (interval is not null && cut is not null)
            throw new UsageException("--cut prepares what --interval then uses: replay twice, first with --cut.");
        string? part = interval is not null ? "--interval" : cut is not null ? "--cut" : null;
        if (part is not null && Beside(options.Host, interval is not null) is { } other)
            throw new UsageException($"{other} is for the replay of a whole run; {part} cannot be given beside it.");
        return options with { Interval = interval, Cut = cut, CutFolder = folder };
    }

    private static string? Beside(RunOptions host, bool isInterval) =>
        host.Debugger is not null ? "--gdb"
        : host.MaximumInstructions is not null ? "--max-instructions"
        : isInterval && host.DumpAt.Count != 0 ? "--dump-at"
        : isInterval && host.XenTraceFile is not null ? "--trace-xen"
        : null;
}
