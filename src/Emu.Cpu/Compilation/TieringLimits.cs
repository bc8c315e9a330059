namespace Emu.Cpu.Compilation;

/// <summary>When blocks are compiled, and how much at once.</summary>
public sealed record TieringLimits
{
    /// <summary>Everything that is executed a second time is compiled at once, however little it is worth.</summary>
    public static TieringLimits Immediate => new() { Executions = 2, LeastTraceInstructions = 1, IsSynchronous = true };

    /// <summary>Executions of a block after which it asks to be compiled: as long as the interpreter takes for them, RyuJIT takes for the block.</summary>
    public int Executions { get; init; } = 8000;

    /// <summary>A neighbour belongs to the region when it has been executed at least one in so many times as often.</summary>
    public int Coldness { get; init; } = 4;

    /// <summary>Most instructions in a region with a loop: the time to compile one grows faster than its size.</summary>
    public int RegionInstructions { get; init; } = 150;

    /// <summary>Most instructions in a region without a loop.</summary>
    public int TraceInstructions { get; init; } = 40;

    /// <summary>Fewest instructions in a region without a loop: what is shorter takes longer to enter and leave than to interpret.</summary>
    public int LeastTraceInstructions { get; init; } = 8;

    /// <summary>Most instructions in all regions together; beyond, all are given up, and what is still hot is compiled again.</summary>
    public int TotalInstructions { get; init; } = 400_000;

    /// <summary>Compile at once, on the thread that asks, instead of in the background.</summary>
    public bool IsSynchronous { get; init; }
}
