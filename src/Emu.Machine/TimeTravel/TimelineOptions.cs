namespace Emu.Machine.TimeTravel;

/// <summary>What may be spent on being able to go back.</summary>
public sealed record TimelineOptions
{
    /// <summary>Instructions between two snapshots to begin with; twice as many each time <see cref="Memory"/> is used up.</summary>
    public ulong Interval { get; init; } = 25_000_000;

    /// <summary>Host memory for the pages of snapshots, in bytes, about: beyond it every second one is given up.</summary>
    public long Memory { get; init; } = 1L << 30;
}
