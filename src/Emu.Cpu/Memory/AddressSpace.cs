using System.Runtime.InteropServices;

namespace Emu.Cpu.Memory;

/// <summary>What the TLB holds for one process-context identifier: three direct-mapped banks of data, and the pages of code.</summary>
internal sealed unsafe partial class AddressSpace : IDisposable
{
    private const int Banks = 3;

    private readonly TlbEntry* _entries;

    // Slots that were filled since the last full flush, each once, so that a flush costs what was used and not what there is.
    private readonly ushort[] _filled = new ushort[Banks * Tlb.Entries];
    private int _fills;

    // INVLPG forgets all of a large page whichever of its addresses it names (SDM Vol. 3, 4.10.4.1); a page that begins to hold
    // translated code loses its tags for writes. Both search, but only where the filter says that there may be something.
    private readonly PageFilter _large = new();
    private readonly PageFilter _hostPages = new();
    private uint _keys;

    /// <summary>Makes an empty one.</summary>
    public AddressSpace()
    {
        _entries = (TlbEntry*)NativeMemory.AlignedAlloc((nuint)(Banks * Tlb.Entries * sizeof(TlbEntry)), 64);
        for (var i = 0; i < Banks * Tlb.Entries; i++)
            _entries[i] = TlbEntry.Empty;
    }

    /// <summary>The identifier that it belongs to.</summary>
    public uint Pcid { get; set; }

    /// <summary>When it was last made the current one, in changes of address space.</summary>
    public ulong LastUse { get; set; }

    /// <summary>Which generation of its code's addresses this is.</summary>
    public ulong Epoch { get; set; }

    /// <summary>Pages of code that are not global.</summary>
    public FetchTlb Fetches { get; } = new();

    /// <summary>The entries of a bank.</summary>
    public TlbEntry* Bank(TlbBank bank) => _entries + (int)bank * Tlb.Entries;

    /// <summary>Enters a translation.</summary>
    /// <param name="slot">Where: its slot in a bank of this space.</param>
    /// <param name="entry">The translation.</param>
    public void Insert(TlbEntry* slot, in TlbEntry entry)
    {
        if (slot->Identity == 0)
            _filled[_fills++] = (ushort)(slot - _entries);
        *slot = entry;
        Note(in entry);
    }

    /// <summary>Forgets everything, or everything that is not global.</summary>
    public void Flush(bool keepGlobal)
    {
        var kept = 0;
        _large.Clear();
        _hostPages.Clear();
        _keys = 0;
        for (var i = 0; i < _fills; i++)
        {
            var entry = _entries + _filled[i];
            if (keepGlobal && (entry->Identity & TlbEntry.Global) != 0)
            {
                _filled[kept++] = _filled[i];
                Note(in *entry);
                continue;
            }
            *entry = TlbEntry.Empty;
        }
        _fills = kept;
    }

    /// <summary>Forgets one page of data, and all of a large page that an address lies in.</summary>
    /// <param name="linear">The address.</param>
    /// <param name="only">Flags that an entry must have: <see cref="TlbEntry.Global"/> or none.</param>
    /// <param name="except">Flags that it may not have.</param>
    public void FlushPage(ulong linear, ulong only, ulong except)
    {
        for (var bank = 0; bank < Banks; bank++)
        {
            var slot = Tlb.Slot(_entries + bank * Tlb.Entries, linear);
            // An empty slot looks like page 0; a mark of something dropped would keep it out of the list when it is filled.
            if (slot->Identity != 0 && (slot->Identity ^ linear) >> 12 == 0)
                Drop(slot, only, except);
        }
        if (!_large.MayHoldLarge(linear))
            return;
        for (var i = 0; i < _fills; i++)
        {
            var entry = _entries + _filled[i];
            if (entry->PageSizeShift != 12 && (entry->Identity ^ linear) >> entry->PageSizeShift == 0)
                Drop(entry, only, except);
        }
    }

    /// <summary>Forgets the pages of data whose protection key is one of a set.</summary>
    /// <param name="keys">Bit n stands for key n.</param>
    public void FlushKeys(uint keys)
    {
        if ((_keys & keys) == 0)
            return;
        for (var i = 0; i < _fills; i++)
        {
            var entry = _entries + _filled[i];
            if (((keys >> entry->Key) & 1) != 0)
                *entry = TlbEntry.Dropped;
        }
        _keys &= ~keys;
    }

    /// <summary>Withdraws the right to write without a look from every translation of a page of RAM.</summary>
    public void ProtectFromWrites(byte* hostPage)
    {
        if (!_hostPages.MayHold((ulong)hostPage))
            return;
        for (var i = 0; i < _fills; i++)
        {
            var entry = _entries + _filled[i];
            if (entry->WriteTag != TlbEntry.Never && (byte*)((nint)entry->WriteTag + entry->Addend) == hostPage)
                entry->WriteTag = TlbEntry.Never;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_entries);

    private static void Drop(TlbEntry* entry, ulong only, ulong except)
    {
        if ((entry->Identity & only) == only && (entry->Identity & except) == 0)
            *entry = TlbEntry.Dropped;
    }

    private void Note(in TlbEntry entry)
    {
        _keys |= 1u << entry.Key;
        if (entry.PageSizeShift != 12)
            _large.Add(PageFilter.LargePage(entry.Identity, entry.PageSizeShift));
        if (entry.WriteTag != TlbEntry.Never)
            _hostPages.Add((ulong)((nint)entry.WriteTag + entry.Addend));
    }
}
