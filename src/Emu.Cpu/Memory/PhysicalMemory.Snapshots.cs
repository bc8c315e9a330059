using System.Runtime.CompilerServices;
using Emu.Cpu.Snapshots;

namespace Emu.Cpu.Memory;

// Which pages were written since a snapshot was taken, and what a snapshot has of the memory beside its pages.
//
// A page is *kept* while the last snapshot has its contents; before the first one, while it is as it was made, all zeros. Nothing may write to it
// unseen: when a snapshot is taken, all TLBs lose their tags for writes, and the first write to each page takes the slow way, which ends its being
// kept and gives the tag back. So a snapshot costs what was written since the last one, and a write costs something once for each page and snapshot.
public sealed unsafe partial class PhysicalMemory : IStateful
{
    /// <summary>Called after all pages became kept: writes may no longer go straight through.</summary>
    internal Action? AllKept { get; set; }

    private ulong UsualPlainLimit => _lowRomSize == 0 ? LowLimit : 0;

    /// <summary>Finds pages that may have been written since <see cref="KeepAll"/>, or since the memory was made. ROM is never one.</summary>
    /// <param name="frame">The number, in the host mapping, of the first page to look at.</param>
    /// <returns>The number of the first such page; -1 where there is none.</returns>
    public int NextWritten(int frame)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(frame);
        if (frame >= PageCount)
            return -1;
        Span<byte> unwritten = [KeptBit, KeptBit | HoldsCodeBit, ReadOnlyBit, ReadOnlyBit | HoldsCodeBit];
        var distance = PageState.AsSpan(frame).IndexOfAnyExcept(unwritten);
        return distance < 0 ? -1 : frame + distance;
    }

    /// <summary>Notes that a snapshot has all pages as they are now: <see cref="NextWritten"/> finds what is written from now on.</summary>
    public void KeepAll()
    {
        foreach (ref var state in PageState.AsSpan())
        {
            if ((state & ReadOnlyBit) == 0)
                state |= KeptBit;
        }
        AllKept?.Invoke();
    }

    /// <summary>Notes that a page is about to be written.</summary>
    /// <param name="host">A byte of it in the host mapping.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void NoteWrite(byte* host)
    {
        ref var state = ref PageState[(nuint)(host - Host) / PageSize];
        if ((state & KeptBit) != 0)
            state &= unchecked((byte)~KeptBit);
    }

    /// <inheritdoc/>
    /// <remarks>What is remapped; the pages themselves are apart. To be restored before the vCPUs: their TLBs forget everything here.</remarks>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("memory map");
        var entries = Remappings.ToList();
        stream.Transfer(entries, int.MaxValue, remapped =>
        {
            stream.Transfer(ref remapped.Address);
            stream.Transfer(ref remapped.Entry);
            return remapped;
        });
        if (!stream.IsRestoring || (_remapping is null && entries.Count == 0))
            return;
        _remapping = entries.Count == 0 ? null : new PageRemapping(RemappableBits);
        PlainLimit = UsualPlainLimit;
        foreach (var (address, entry) in entries)
        {
            stream.Require(_remapping!.Covers(address) && address % PageSize == 0, "a page is remapped that there cannot be");
            stream.Require(entry == PageRemapping.Hole || (uint)PageRemapping.Frame(entry) < (uint)PageCount, "a page shows one that there is not");
            _remapping[address] = entry;
            PlainLimit = Math.Min(PlainLimit, address);
        }
        Remapped?.Invoke();
    }
}
