using System.CommandLine;
using Emu.Host.Snapshots;

namespace Emu.Host.CommandLine;

/// <summary>The options of <c>emu run</c> that take a guest's state out of a run, or begin with one.</summary>
internal sealed class SnapshotArguments
{
    private readonly Option<string[]> _at = new("--snapshot-at")
    {
        HelpName = "N|TIME|on:TEXT",
        Description = "Save the whole machine after N instructions, at a virtual time (2s, 1500ms), or when TEXT has appeared on the console. Repeat it for more. docs/snapshots.md",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _file = new("--snapshot-file")
    {
        HelpName = "FILE",
        Description = "Where the snapshot goes. Further ones hold what has changed since the one before and go to FILE with .2, .3 … before its extension. [guest.snapshot]",
    };

    private readonly Option<bool> _exit = new("--snapshot-exit") { Description = "End the run, with exit code 0, once the last snapshot is taken." };

    private readonly Option<string?> _resume = new("--resume")
    {
        HelpName = "FILE",
        Description = "Go on from a snapshot instead of booting. The guest, its disks and its networks are the snapshot's; KERNEL and what belongs to it are not given.",
    };

    private readonly Option<string?> _cache = new("--boot-cache")
    {
        HelpName = "DIR,at=WHEN",
        Description = "Boot once only: save the machine in folder DIR at a moment as for --snapshot-at, and go on from there whenever kernel, files, options and this program are the same again.",
    };

    /// <summary>The options in the order of help.</summary>
    public IReadOnlyList<Option> Options => [_at, _file, _exit, _resume, _cache];

    /// <summary>The snapshot to begin with; null for none.</summary>
    /// <param name="result">The command line.</param>
    public string? Resumed(ParseResult result) => result.GetValue(_resume);

    /// <summary>Binds them.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">What it asks for else.</param>
    /// <returns>The same, with the snapshots.</returns>
    /// <exception cref="UsageException">They cannot be understood, or do not fit together.</exception>
    public RunOptions Bind(ParseResult result, RunOptions options)
    {
        SnapshotMoment[] moments = [.. (result.GetValue(_at) ?? []).Select(static text => SnapshotMoment.Parse("--snapshot-at", text))];
        foreach (Option option in new Option[] { _file, _exit })
        {
            if (moments.Length == 0 && result.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} needs --snapshot-at, which says when the snapshot is taken.");
        }

        BootCacheRequest? cache = result.GetValue(_cache) is { } text ? BootCacheRequest.Parse("--boot-cache", text) : null;
        if (cache is not null && result.GetValue(_resume) is not null)
            throw new UsageException("--boot-cache finds the snapshot to go on from; --resume names one: only one of them can be had.");
        return options with
        {
            Snapshots = moments.Length == 0 ? null : new SnapshotRequest(moments, result.GetValue(_file) ?? "guest.snapshot", result.GetValue(_exit)),
            ResumedFile = result.GetValue(_resume),
            BootCache = cache,
        };
    }
}
