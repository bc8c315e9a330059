using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>What trace a machine is to make.</summary>
public sealed record TraceOptions
{
    /// <summary>What it holds of each instruction; anything but blocks is much slower.</summary>
    public TraceDetail Detail { get; init; }

    /// <summary>What belongs to it; null for everything.</summary>
    public TraceFilter? Filter { get; init; }

    /// <summary>What it is to say of itself, by name.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>Names the code at a linear address, executed at a privilege level; null where no names are known.</summary>
    public Func<ulong, int, TraceSymbol?>? FindSymbol { get; init; }
}
