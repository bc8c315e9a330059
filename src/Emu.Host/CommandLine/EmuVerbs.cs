namespace Emu.Host.CommandLine;

/// <summary>What carries out each verb; all return the exit code.</summary>
public sealed record EmuVerbs
{
    /// <summary>Carries out <c>run</c>.</summary>
    public Func<RunOptions, int> Run { get; init; } = static _ => throw Missing();

    /// <summary>Carries out <c>replay</c>.</summary>
    public Func<ReplayOptions, int> Replay { get; init; } = static _ => throw Missing();

    /// <summary>Carries out <c>inspect</c> for a file and an amount of RAM in bytes.</summary>
    public Func<string, ulong, int> Inspect { get; init; } = static (_, _) => throw Missing();

    /// <summary>Carries out <c>explain</c>.</summary>
    public Func<ExplainOptions, int> Explain { get; init; } = static _ => throw Missing();

    /// <summary>Carries out <c>symbols</c>.</summary>
    public Func<SymbolsOptions, int> Symbols { get; init; } = static _ => throw Missing();

    /// <summary>Carries out <c>trace</c>.</summary>
    public TraceVerbs Trace { get; init; } =
        new(
            static _ => throw Missing(), static _ => throw Missing(), static (_, _, _) => throw Missing(), static (_, _) => throw Missing(), static _ => throw Missing());

    private static InvalidOperationException Missing() => new("Nothing carries out this verb.");
}
