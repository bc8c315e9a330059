using Emu.Cpu.Snapshots;

namespace Emu.Cpu.Memory;

/// <summary>Translations of pages that code has been fetched from: every one since the table was last emptied.</summary>
/// <remarks>
/// Nothing is ever replaced here. Caches of code by virtual address ask no more once they know a page, each engine's at its own
/// times; so that none can tell, a translation that was used once stays until the guest's own doing ends it, or the table is full and
/// all of it goes at once, together with those caches.
/// </remarks>
internal sealed class FetchTlb : IStateful
{
    private const int Slots = 4096;
    private const int Capacity = Slots / 2;
    private const ulong Valid = 1, User = 2, Removed = 4;

    private readonly Slot[] _slots = new Slot[Slots];
    private readonly ushort[] _used = new ushort[Capacity];
    private readonly PageFilter _large = new();
    private int _count;

    // Key: the linear page, Valid, User. Physical: the page, and in its low bits the binary logarithm of the size of the page that the
    // tables name.
    private struct Slot
    {
        public ulong Key, Physical;
    }

    /// <summary>Finds a page.</summary>
    /// <param name="linear">An address in it.</param>
    /// <param name="user">Whether it is fetched from at CPL 3.</param>
    /// <param name="physical">The physical page's address.</param>
    public bool TryFind(ulong linear, bool user, out ulong physical)
    {
        var key = KeyOf(linear, user);
        for (var i = Hash(key); ; i = (i + 1) & (Slots - 1))
        {
            ref var slot = ref _slots[i];
            if (slot.Key == key)
            {
                physical = slot.Physical & ~0xFFFUL;
                return true;
            }
            if (slot.Key == 0)
            {
                physical = 0;
                return false;
            }
        }
    }

    /// <summary>Enters a page that is not there.</summary>
    /// <returns>False where the table is full: nothing was entered.</returns>
    public bool TryAdd(ulong linear, bool user, ulong physical, byte sizeShift)
    {
        if (_count == Capacity)
            return false;
        var key = KeyOf(linear, user);
        var i = Hash(key);
        while (_slots[i].Key != 0)
            i = (i + 1) & (Slots - 1);
        _slots[i] = new Slot { Key = key, Physical = (physical & ~0xFFFUL) | sizeShift };
        _used[_count++] = (ushort)i;
        if (sizeShift != 12)
            _large.Add(PageFilter.LargePage(linear, sizeShift));
        return true;
    }

    /// <summary>Forgets a page, and all of a large page that a linear address lies in.</summary>
    /// <returns>True where anything was forgotten.</returns>
    public bool Remove(ulong linear)
    {
        if (_large.MayHoldLarge(linear))
            return RemoveAll(linear);
        return RemoveOne(KeyOf(linear, false)) | RemoveOne(KeyOf(linear, true));
    }

    /// <summary>Forgets everything.</summary>
    /// <returns>True where there was anything.</returns>
    public bool Clear()
    {
        for (var i = 0; i < _count; i++)
            _slots[_used[i]] = default;
        var any = _count != 0;
        _count = 0;
        _large.Clear();
        return any;
    }

    /// <inheritdoc/>
    /// <remarks>Those that were removed count: the table is full when as many have been entered as it has room for.</remarks>
    public void Transfer(StateStream stream)
    {
        if (stream.IsRestoring)
            Clear();
        var count = stream.Count(_count, Capacity);
        for (_count = 0; _count < count; _count++)
        {
            var index = stream.Transferred(_used[_count]);
            stream.Require(index < Slots, "a page of code is entered nowhere");
            var slot = _slots[index];
            stream.Require(!stream.IsRestoring || slot.Key == 0, "two pages of code are entered in one place");
            stream.Transfer(ref slot.Key);
            stream.Transfer(ref slot.Physical);
            stream.Require(slot.Key == Removed || (slot.Key & Valid) != 0, "a page of code is neither entered nor removed");
            _used[_count] = index;
            _slots[index] = slot;
            var sizeShift = (int)(slot.Physical & 0xFFF);
            if (stream.IsRestoring && sizeShift != 12)
                _large.Add(PageFilter.LargePage(slot.Key, sizeShift));
        }
    }

    private bool RemoveOne(ulong key)
    {
        for (var i = Hash(key); _slots[i].Key != 0; i = (i + 1) & (Slots - 1))
        {
            if (_slots[i].Key == key)
            {
                // The slot stays taken, so that those behind it are found.
                _slots[i].Key = Removed;
                return true;
            }
        }
        return false;
    }

    private bool RemoveAll(ulong linear)
    {
        var any = false;
        for (var i = 0; i < _count; i++)
        {
            ref var slot = ref _slots[_used[i]];
            if (slot.Key == Removed || (slot.Key ^ linear) >> (int)(slot.Physical & 0xFFF) != 0)
                continue;
            slot.Key = Removed;
            any = true;
        }
        return any;
    }

    private static ulong KeyOf(ulong linear, bool user) => (linear & ~0xFFFUL) | Valid | (user ? User : 0);

    private static int Hash(ulong key) => (int)(((key >> 12) ^ (key << 3)) * 0x9E37_79B9_7F4A_7C15 >> 52);
}
