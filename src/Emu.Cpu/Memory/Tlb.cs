using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emu.Cpu.Memory;

/// <summary>A translation that needs no further check: a page of RAM and what the current privilege may do with it.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public unsafe struct TlbEntry
{
    /// <summary>No access hits: no page's address has its low bits set.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>The linear page's address if reads may go straight to RAM, else <see cref="Never"/>.</summary>
    public ulong ReadTag;

    /// <summary>The same for writes: the page is writable, dirty, and holds no translated code.</summary>
    public ulong WriteTag;

    /// <summary>The same for instruction fetches.</summary>
    public ulong FetchTag;

    /// <summary>Host address minus linear address.</summary>
    public nint Addend;
}

/// <summary>Which set of permissions a TLB bank holds.</summary>
public enum TlbBank
{
    /// <summary>CPL 0–2 and implicit system accesses that SMAP lets through (EFLAGS.AC set, or SMAP off: then both are one).</summary>
    SupervisorOverride,

    /// <summary>CPL 0–2 under SMAP with AC clear.</summary>
    Supervisor,

    /// <summary>CPL 3.</summary>
    User,

    /// <summary>Always empty: every access takes the slow path (alignment checks, data breakpoints).</summary>
    Checked,
}

/// <summary>The translation look-aside buffer: direct-mapped banks, one for each set of permissions.</summary>
public sealed unsafe class Tlb : IDisposable
{
    /// <summary>Entries in a bank.</summary>
    public const int Entries = 1024;

    private const int Banks = 4;

    private readonly TlbEntry* _entries;

    // Slots that were filled since the last full flush, each once, so that a flush costs what was used and not what there is.
    private readonly ushort[] _filled = new ushort[Banks * Entries];
    private readonly SlotState[] _state = new SlotState[Banks * Entries];
    private int _fills;

    // INVLPG forgets all of a large page whichever of its addresses it names (SDM Vol. 3, 4.10.4.1): which large page each slot is a
    // piece of, or 0, and a filter of those, so that most uses need no search.
    private readonly ulong[] _largePage = new ulong[Banks * Entries];
    private readonly ulong[] _largeFilter = new ulong[64];

    /// <summary>Makes an empty TLB.</summary>
    public Tlb()
    {
        _entries = (TlbEntry*)NativeMemory.AlignedAlloc((nuint)(Banks * Entries * sizeof(TlbEntry)), 64);
        Clear();
    }

    private enum SlotState : byte
    {
        Unused,
        Filled,
        FilledGlobal,
    }

    /// <summary>The entries of a bank.</summary>
    public TlbEntry* Bank(TlbBank bank) => _entries + (int)bank * Entries;

    /// <summary>The slot of a linear address in a bank.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TlbEntry* Slot(TlbEntry* bank, ulong linear) => bank + ((linear >> 12) & (Entries - 1));

    /// <summary>Enters a translation.</summary>
    /// <param name="bank">Where.</param>
    /// <param name="page">The linear page's address.</param>
    /// <param name="read">Reads may go straight to RAM.</param>
    /// <param name="write">Writes may.</param>
    /// <param name="fetch">Fetches may.</param>
    /// <param name="global">Survives a write to CR3.</param>
    /// <param name="sizeShift">Binary logarithm of the size of the page that the tables name.</param>
    /// <param name="host">The page in the host's memory.</param>
    public TlbEntry* Insert(TlbBank bank, ulong page, bool read, bool write, bool fetch, bool global, byte sizeShift, byte* host)
    {
        var slot = Slot(Bank(bank), page);
        *slot = new TlbEntry
        {
            ReadTag = read ? page : TlbEntry.Never,
            WriteTag = write ? page : TlbEntry.Never,
            FetchTag = fetch ? page : TlbEntry.Never,
            Addend = (nint)host - (nint)page,
        };
        var index = (int)(slot - _entries);
        if (_state[index] == SlotState.Unused)
            _filled[_fills++] = (ushort)index;
        _state[index] = global ? SlotState.FilledGlobal : SlotState.Filled;
        _largePage[index] = sizeShift == 12 ? 0 : LargePage(page, sizeShift);
        NoteLarge(_largePage[index]);
        return slot;
    }

    /// <summary>Forgets everything that is not global (a write to CR3 without PCID), or everything.</summary>
    public void Flush(bool keepGlobal)
    {
        var kept = 0;
        Array.Clear(_largeFilter);
        for (var i = 0; i < _fills; i++)
        {
            var index = _filled[i];
            if (keepGlobal && _state[index] == SlotState.FilledGlobal)
            {
                _filled[kept++] = index;
                NoteLarge(_largePage[index]);
                continue;
            }
            _state[index] = SlotState.Unused;
            Empty(_entries + index);
        }
        _fills = kept;
    }

    /// <summary>Forgets one page, whatever its size, in every bank (INVLPG).</summary>
    public void FlushPage(ulong linear)
    {
        var page = linear & ~0xFFFUL;
        for (var bank = 0; bank < Banks; bank++)
        {
            var slot = Slot(_entries + bank * Entries, page);
            if (slot->ReadTag == page || slot->WriteTag == page || slot->FetchTag == page)
                Empty(slot);
        }
        FlushLarge(LargePage(linear, 21));
        FlushLarge(LargePage(linear, 22));
        FlushLarge(LargePage(linear, 30));
    }

    /// <summary>Withdraws the right to write without a check from every translation of a page of RAM: it now holds translated code.</summary>
    public void ProtectFromWrites(byte* hostPage)
    {
        for (var i = 0; i < Banks * Entries; i++)
        {
            var entry = _entries + i;
            if (entry->WriteTag != TlbEntry.Never && (byte*)((nint)entry->WriteTag + entry->Addend) == hostPage)
                entry->WriteTag = TlbEntry.Never;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_entries);

    private static ulong LargePage(ulong linear, byte sizeShift) => (linear >> sizeShift << 6) | sizeShift;

    private static int FilterBit(ulong largePage) => (int)((largePage * 0x9E37_79B9_7F4A_7C15) >> 52);

    private void NoteLarge(ulong largePage)
    {
        var bit = FilterBit(largePage);
        if (largePage != 0)
            _largeFilter[bit >> 6] |= 1UL << bit;
    }

    private void FlushLarge(ulong largePage)
    {
        var bit = FilterBit(largePage);
        if ((_largeFilter[bit >> 6] & (1UL << bit)) == 0)
            return;
        for (var i = 0; i < _fills; i++)
        {
            if (_largePage[_filled[i]] == largePage)
                Empty(_entries + _filled[i]);
        }
    }

    private static void Empty(TlbEntry* entry) =>
        *entry = new TlbEntry { ReadTag = TlbEntry.Never, WriteTag = TlbEntry.Never, FetchTag = TlbEntry.Never };

    private void Clear()
    {
        for (var i = 0; i < Banks * Entries; i++)
            Empty(_entries + i);
    }
}
