using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>
/// A machine as it was between two instructions: vCPUs, memory, devices, hypervisor, time. Immutable; the pages in which nothing has changed are
/// shared with the snapshot before it.
/// </summary>
public sealed class MachineSnapshot
{
    internal MachineSnapshot(PageTable pages, ReadOnlyMemory<byte> state, IReadOnlyList<SnapshotPage> statePages, ulong instructionsRetired, ulong virtualTime)
    {
        Pages = pages;
        State = state;
        StatePages = statePages;
        InstructionsRetired = instructionsRetired;
        VirtualTime = virtualTime;
    }

    /// <summary>Instructions that all vCPUs together had retired.</summary>
    public ulong InstructionsRetired { get; }

    /// <summary>Virtual time, in nanoseconds since the start.</summary>
    public ulong VirtualTime { get; }

    /// <summary>Memory.</summary>
    internal PageTable Pages { get; }

    /// <summary>Everything else, but for what is in <see cref="StatePages"/>.</summary>
    internal ReadOnlyMemory<byte> State { get; }

    /// <summary>Pages that belong to the state, in the order in which it asks for them: what guests have written to disks that are kept in memory.</summary>
    internal IReadOnlyList<SnapshotPage> StatePages { get; }

    /// <summary>How much memory it takes where another one is kept, too.</summary>
    /// <param name="other">The other, of the same machine; null for none.</param>
    /// <returns>Bytes of pages that are not all zeros nor the other's, and of all that is not in pages.</returns>
    internal long BytesBeside(MachineSnapshot? other)
    {
        var pages = Pages.DifferentFrom(other?.Pages ?? PageTable.Zeros(Pages.Count)).Count(static page => page.Page is not null);
        pages += StatePages.Except(other?.StatePages ?? []).Count();
        return State.Length + ((long)PhysicalMemory.PageSize * pages);
    }
}
