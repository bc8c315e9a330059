using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Xen.Grants;

namespace Emu.Xen.Domains;

/// <content>What a snapshot holds of it: which page is where is in the machine's memory, and comes first.</content>
public sealed partial class Physmap : IStateful
{
    /// <summary>Pages of the host mapping.</summary>
    internal int FrameCount => FirstSpare + _memory.SparePages;

    /// <summary>How many more pages <see cref="AllocatePage"/> can make.</summary>
    internal int PagesLeft => _pages.Length - _pageCount;

    private int FirstSpare => (int)((_memory.Size + _memory.RomSize) / PhysicalMemory.PageSize);

    /// <summary>Transfers who owns which page. Whoever has pinned one pins it again when its own state is restored, after this.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("physmap");
        HighestGfn = stream.Transferred(HighestGfn);
        RamPages = stream.Transferred(RamPages);
        stream.Require(HighestGfn <= LastGfn, "a page lies beyond the width of addresses");
        TransferPages(stream);
        TransferForeign(stream);
        _free.Transfer(stream, FrameCount);
        TransferFreed(stream);
        if (!stream.IsRestoring)
            return;
        _pins.Clear();
        CheckOwners(stream);
    }

    /// <summary>Transfers which of the hypervisor's pages somebody uses.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="page">The page; anything where state is restored.</param>
    /// <returns>The page that it is to be.</returns>
    internal XenPage Transfer(StateStream stream, XenPage? page)
    {
        var number = stream.Transferred(page?.Number ?? 0);
        stream.Require((uint)number < (uint)_pageCount, "a page of the hypervisor does not exist");
        return _pages[number];
    }

    /// <summary>Transfers where something is that the hypervisor holds for as long as it uses it.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="place">Where; null for nowhere.</param>
    /// <param name="length">Bytes of it that are used.</param>
    internal void Transfer(StateStream stream, ref MappedBytes? place, int length)
    {
        var isHeld = stream.Transferred(place is not null);
        if (isHeld)
        {
            var frame = stream.Transferred(place?.Frame ?? 0);
            var offset = stream.Transferred(place?.Offset ?? 0);
            stream.Require((uint)frame < (uint)FrameCount && (uint)offset <= (uint)(PhysicalMemory.PageSize - length), "what is held is nowhere");
            if (stream.IsRestoring)
                Pin(frame);
            place = new MappedBytes(_memory, frame, offset);
        }
        else
        {
            place = null;
        }
    }

    private void TransferPages(StateStream stream)
    {
        _pageCount = stream.Count(_pageCount, _pages.Length);
        if (stream.IsRestoring)
            _special.Clear();
        foreach (var page in _pages)
        {
            var isUsed = page.Number < _pageCount;
            page.Frame = isUsed ? stream.Transferred(page.Frame) : FirstSpare + page.Number;
            var gfn = isUsed ? page.Gfn : null;
            if (isUsed)
                stream.Transfer(ref gfn);
            page.Gfn = gfn;
            if (stream.IsRestoring && gfn is { } place)
                stream.Require(_special.TryAdd(place, page), "two pages of the hypervisor are at one place");
        }
    }

    private void TransferForeign(StateStream stream)
    {
        var places = _foreign.Order().ToList();
        stream.Transfer(places, GrantHandles.Maximum, gfn => stream.Transferred(gfn));
        if (!stream.IsRestoring)
            return;
        _foreign.Clear();
        foreach (var gfn in places)
            stream.Require(FrameAt(gfn) >= 0 && !_special.ContainsKey(gfn) && _foreign.Add(gfn), "another domain's page is nowhere");
    }

    private void TransferFreed(StateStream stream)
    {
        var frames = _freedWhilePinned.Order().ToList();
        stream.Transfer(frames, FrameCount, frame => stream.Transferred(frame));
        if (!stream.IsRestoring)
            return;
        _freedWhilePinned.Clear();
        foreach (var frame in frames)
            stream.Require((uint)frame < (uint)FrameCount && _freedWhilePinned.Add(frame), "a freed page does not exist");
    }

    // A page has one owner, and RAM shows at one place: all else that is done with pages rests on that.
    private void CheckOwners(StateStream stream)
    {
        HashSet<int> owned = [.. _freedWhilePinned];
        foreach (var frame in _free.Frames)
            stream.Require(owned.Add(frame), "a page is free twice");
        for (var i = 0; i < _pageCount; i++)
        {
            var page = _pages[i];
            stream.Require((uint)page.Frame < (uint)FrameCount && owned.Add(page.Frame), "a page of the hypervisor has two owners");
            stream.Require(page.Gfn is not { } gfn || (gfn <= LastGfn && FrameAt(gfn) == page.Frame), "a page of the hypervisor is somewhere else");
        }

        foreach (var (address, _) in _memory.Remappings)
        {
            if (IsRam(address >> PageShift))
                stream.Require(owned.Add(FrameAt(address >> PageShift)), "a page of RAM has two owners");
        }

        foreach (var frame in owned)
            stream.Require(!IsAtHome(frame), "a page of RAM has two owners");
    }

    // Where its number says, as all RAM is that was never moved.
    private bool IsAtHome(int frame)
    {
        var offset = (ulong)frame * PhysicalMemory.PageSize;
        var address = offset < _memory.LowLimit ? offset : offset - _memory.LowLimit + (1UL << 32);
        return offset < _memory.Size && FrameAt(address >> PageShift) == frame && IsRam(address >> PageShift);
    }
}
