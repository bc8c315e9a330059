using System.Runtime.InteropServices;
using Emu.Cpu.Snapshots;

namespace Emu.Cpu.Memory;

// What a snapshot has of the TLB: all that the guest can tell, hence the translations and what they allow, not the tags, epochs and filters, which
// follow from them.
public sealed unsafe partial class Tlb
{
    /// <summary>Withdraws the right to write without a look from every translation.</summary>
    public void WithdrawWrites()
    {
        foreach (var space in _spaces)
            space.WithdrawWrites();
    }

    /// <summary>Transfers the state: see <see cref="IStateful"/>. Caches of code by linear address know nothing of the time before.</summary>
    /// <param name="stream">Where it goes to, or comes from.</param>
    /// <param name="memory">What the translations lead to.</param>
    internal void Transfer(StateStream stream, PhysicalMemory memory)
    {
        stream.Section("translations");
        _globalFetches.Transfer(stream);
        stream.Transfer(ref _changes);
        var count = stream.Count(_spaces.Count, MaxSpaces);
        stream.Require(count != 0, "there is no address space");
        while (_spaces.Count > count)
        {
            _spaces[^1].Dispose();
            _spaces.RemoveAt(_spaces.Count - 1);
        }
        while (_spaces.Count < count)
            _spaces.Add(new AddressSpace());
        foreach (var space in _spaces)
            space.Transfer(stream, memory);
        var current = stream.Transferred(_spaces.IndexOf(_current));
        stream.Require((uint)current < (uint)count, "the address space in use is not there");
        _current = _spaces[current];
        if (!stream.IsRestoring)
            return;
        WithdrawWatched();
        RenewAll();
    }
}

// What a snapshot has of an address space.
internal sealed unsafe partial class AddressSpace
{
    /// <summary>Withdraws the right to write without a look from every translation.</summary>
    public void WithdrawWrites()
    {
        for (var i = 0; i < _fills; i++)
            _entries[_filled[i]].WriteTag = TlbEntry.Never;
    }

    /// <summary>Transfers the state.</summary>
    /// <param name="stream">Where it goes to, or comes from.</param>
    /// <param name="memory">What the translations lead to.</param>
    public void Transfer(StateStream stream, PhysicalMemory memory)
    {
        Pcid = stream.Transferred(Pcid);
        LastUse = stream.Transferred(LastUse);
        Fetches.Transfer(stream);
        // In the order of slots: that in which they were filled is no state.
        Span<ushort> valid = stackalloc ushort[Banks * Tlb.Entries];
        var count = 0;
        for (var i = 0; i < _fills; i++)
        {
            if ((_entries[_filled[i]].Identity & (TlbEntry.Readable | TlbEntry.Writable)) != 0)
                valid[count++] = _filled[i];
        }
        valid[..count].Sort();
        count = stream.Count(count, Banks * Tlb.Entries);
        if (stream.IsRestoring)
            Flush(keepGlobal: false);
        for (var i = 0; i < count; i++)
        {
            var slot = stream.Transferred(valid[i]);
            stream.Require(slot < Banks * Tlb.Entries, "a translation is entered nowhere");
            Transfer(stream, memory, _entries + slot);
        }
    }

    private void Transfer(StateStream stream, PhysicalMemory memory, TlbEntry* slot)
    {
        var entry = *slot;
        var page = entry.Identity & ~0xFFFUL;
        stream.Transfer(ref entry.Identity);
        var frame = stream.Transferred(memory.FrameOf((byte*)((nint)page + entry.Addend)));
        if (!stream.IsRestoring)
            return;
        stream.Require((uint)frame < (uint)memory.PageCount, "a translation leads to a page that there is not");
        stream.Require((entry.Identity & (TlbEntry.Readable | TlbEntry.Writable)) != 0 && slot->Identity == 0, "a translation allows nothing, or is another's");
        page = entry.Identity & ~0xFFFUL;
        var host = memory.Host + (nuint)frame * PhysicalMemory.PageSize;
        entry.Addend = (nint)host - (nint)page;
        entry.ReadTag = (entry.Identity & TlbEntry.Readable) != 0 ? page : TlbEntry.Never;
        entry.WriteTag = (entry.Identity & TlbEntry.Writable) != 0 && !memory.WatchesWrites(host) ? page : TlbEntry.Never;
        Insert(slot, in entry);
    }
}
