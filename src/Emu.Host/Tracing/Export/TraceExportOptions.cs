namespace Emu.Host.Tracing.Export;

/// <summary>What a trace is turned into.</summary>
public enum TraceExportFormat
{
    /// <summary>Trace Event Format: calls as bars over time, for Perfetto, chrome://tracing and speedscope.</summary>
    Chrome,

    /// <summary>Call stacks, one a line with the instructions spent in it, for flamegraph.pl and speedscope.</summary>
    Folded,

    /// <summary>Which code was executed, as DynamoRIO's drcov writes it, for Lighthouse and others.</summary>
    Drcov,

    /// <summary>Registers and memory after each instruction, for Tenet.</summary>
    Tenet,

    /// <summary>Comma-separated values, a line for each instruction and event (RFC 4180).</summary>
    Csv,

    /// <summary>A JSON object a line for each instruction and event.</summary>
    Ndjson,
}

/// <summary>What <c>emu trace export</c> was asked for.</summary>
/// <param name="File">The trace.</param>
/// <param name="Format">What it is turned into.</param>
public sealed record TraceExportOptions(string File, TraceExportFormat Format)
{
    /// <summary>Where it goes; null for standard output.</summary>
    public string? Output { get; init; }

    /// <summary>The count of retired instructions before the first that is exported.</summary>
    public ulong From { get; init; }

    /// <summary>How many instructions and events are exported; null for all.</summary>
    public ulong? Count { get; init; }

    /// <summary>The vCPU that is exported; null for all, or the first where a format knows only one.</summary>
    public int? Vcpu { get; init; }

    /// <summary>Further names for addresses; null for those that the trace carries.</summary>
    public string? SymbolFile { get; init; }

    /// <summary>Chrome: calls that took fewer instructions are left out; null for a 100000th of what is exported.</summary>
    public ulong? MinimumDuration { get; init; }

    /// <summary>Drcov: the file whose code it is, or a name for it; null for the kernel as the trace names it.</summary>
    public string? Module { get; init; }

    /// <summary>Drcov: the linear address that has the offset 0 in the module; null for where the file says that it begins.</summary>
    public ulong? ModuleBase { get; init; }
}
