using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>What a trace says of itself.</summary>
public sealed record TraceHeader
{
    /// <summary>What it holds of each instruction.</summary>
    public TraceDetail Detail { get; init; }

    /// <summary>True where it lacks instructions between its first and its last one that a filter kept out.</summary>
    public bool IsFiltered { get; init; }

    /// <summary>How many vCPUs the machine has.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>Instructions that the machine had retired before the first one.</summary>
    public ulong FirstCount { get; init; }

    /// <summary>Whether the traces of two intervals may be put together: they hold the same of the same machine.</summary>
    /// <param name="other">The other's header.</param>
    /// <returns>Whether they may.</returns>
    public bool IsLike(TraceHeader other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Detail == other.Detail && Vcpus == other.Vcpus;
    }

    /// <summary>Anything else that is worth knowing, by name: the kernel's file, its hash, the version of what made the trace.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}
