using Emu.Cpu.Memory;

namespace Emu.Xen.Domains;

/// <summary>
/// A domain's physical memory as its hypervisor sees it: which guest-physical frame (GFN) shows which page, and what the domain has
/// given back.
/// </summary>
/// <remarks>
/// Pages are named by their number in the host mapping ("frame"). A domain's frames only ever come from its own RAM and the spare pages
/// behind it, so nothing that it does makes the host's memory grow.
/// <para>
/// When the domain places one of the hypervisor's pages over RAM of its own, that RAM is freed, as in Xen; here the page moves into the
/// freed frame, so that physical memory stays a plain array as long as a domain does nothing stranger.
/// </para>
/// </remarks>
public sealed partial class Physmap
{
    private const int PageShift = 12;

    /// <summary>The local APICs' registers, which no memory can take the place of.</summary>
    private const ulong LocalApicGfn = 0xFEE00;

    private readonly PhysicalMemory _memory;
    private readonly Dictionary<ulong, XenPage> _special = [];
    private readonly HashSet<ulong> _foreign = [];

    // Freed frames; the one freed last is used first, but each where it was at home if it is asked for there.
    private readonly FrameStack _free = new();

    // Pages that the hypervisor or a back end uses, with the number of uses; and those of them that the domain has freed meanwhile.
    private readonly Dictionary<int, int> _pins = [];
    private readonly HashSet<int> _freedWhilePinned = [];

    // All that the machine has; the first ones are in use.
    private readonly XenPage[] _pages;
    private int _pageCount;

    internal Physmap(PhysicalMemory memory, int addressBits)
    {
        _memory = memory;
        LastGfn = (1UL << (addressBits - PageShift)) - 1;
        _pages = [.. Enumerable.Range(0, memory.SparePages).Select(number => new XenPage(number, FirstSpare + number))];
        RamPages = MaximumRamPages = memory.Size / PhysicalMemory.PageSize;
        HighestGfn = (memory.Size > memory.LowLimit ? (1UL << 32) + memory.Size - memory.LowLimit : memory.Size) / PhysicalMemory.PageSize - 1;
    }

    /// <summary>The highest GFN that an address can name.</summary>
    public ulong LastGfn { get; }

    /// <summary>The highest GFN that shows anything, or has since the start.</summary>
    public ulong HighestGfn { get; private set; }

    /// <summary>RAM that the domain has now, in pages, the hypervisor's own not counted.</summary>
    public ulong RamPages { get; private set; }

    /// <summary>RAM that the domain may have, in pages.</summary>
    public ulong MaximumRamPages { get; }

    /// <summary>Makes a page of the hypervisor, zeroed; the domain sees it nowhere yet.</summary>
    /// <returns>The page.</returns>
    /// <exception cref="InvalidOperationException">The machine has too few spare pages.</exception>
    public XenPage AllocatePage()
    {
        if (_pageCount == _pages.Length)
            throw new InvalidOperationException("The machine has too few spare pages.");
        return _pages[_pageCount++];
    }

    /// <summary>The page that a GFN shows.</summary>
    /// <param name="gfn">The GFN; anything.</param>
    /// <returns>Its frame; -1 where there is no memory.</returns>
    public int FrameAt(ulong gfn) => gfn > LastGfn ? -1 : _memory.FrameAt(gfn << PageShift);

    /// <summary>True where a GFN shows RAM that is the domain's own.</summary>
    /// <param name="gfn">The GFN; anything.</param>
    /// <returns>Whether it does.</returns>
    public bool IsRam(ulong gfn) => FrameAt(gfn) >= 0 && !_special.ContainsKey(gfn) && !_foreign.Contains(gfn);

    /// <summary>True where a GFN shows a page of another domain.</summary>
    /// <param name="gfn">The GFN; anything.</param>
    /// <returns>Whether it does.</returns>
    public bool IsForeign(ulong gfn) => _foreign.Contains(gfn);

    /// <summary>Shows a page of the hypervisor at a GFN, and nowhere else any more. RAM that was there is freed.</summary>
    /// <param name="page">The page.</param>
    /// <param name="gfn">The GFN.</param>
    /// <returns>0; -EINVAL for a GFN that cannot be, -ENXIO for one where another domain's page is, -EPERM for that of the local APICs.</returns>
    public long Place(XenPage page, ulong gfn)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (CheckTarget(gfn) is var error and not 0)
            return error;
        if (page.Gfn == gfn)
            return 0;
        if (page.Gfn is { } old)
            Hide(old);
        var ram = IsRam(gfn) ? _memory.FrameAt(gfn << PageShift) : -1;
        Vacate(gfn);
        if (ram >= 0 && !_pins.ContainsKey(ram) && !_pins.ContainsKey(page.Frame))
        {
            // The page moves into the frame that Vacate has just freed.
            _free.Remove(ram);
            _memory.Frame(page.Frame).CopyTo(_memory.WritableFrame(ram, 0, PhysicalMemory.PageSize));
            _free.Add(page.Frame);
            page.Frame = ram;
        }

        Show(gfn, page.Frame);
        _special[gfn] = page;
        page.Gfn = gfn;
        return 0;
    }

    /// <summary>Shows a page of another owner, a granted one, at a GFN. RAM that was there is freed.</summary>
    /// <param name="gfn">The GFN.</param>
    /// <param name="frame">The page.</param>
    /// <param name="isReadOnly">Whether the domain may not write it there.</param>
    /// <returns>0; what <see cref="Place"/> returns for a GFN where nothing can be put.</returns>
    public long PlaceForeign(ulong gfn, int frame, bool isReadOnly)
    {
        if (CheckTarget(gfn) is var error and not 0)
            return error;
        Vacate(gfn);
        Show(gfn, frame, isReadOnly);
        _foreign.Add(gfn);
        return 0;
    }

    /// <summary>Takes away what <see cref="PlaceForeign"/> has placed.</summary>
    /// <param name="gfn">The GFN.</param>
    /// <param name="frame">The page that is to be there.</param>
    /// <returns>False where no such page is there.</returns>
    public bool RemoveForeign(ulong gfn, int frame)
    {
        if (!_foreign.Contains(gfn) || FrameAt(gfn) != frame)
            return false;
        Hide(gfn);
        return true;
    }

    /// <summary>Lets a page stay what it is while it is used, even if the domain frees it.</summary>
    /// <param name="frame">The page.</param>
    public void Pin(int frame) => _pins[frame] = _pins.GetValueOrDefault(frame) + 1;

    /// <summary>Ends what <see cref="Pin"/> began.</summary>
    /// <param name="frame">The page; nothing happens where it is not pinned.</param>
    public void Unpin(int frame)
    {
        if (!_pins.TryGetValue(frame, out var pins))
            return;
        if (pins > 1)
        {
            _pins[frame] = pins - 1;
            return;
        }

        _pins.Remove(frame);
        if (_freedWhilePinned.Remove(frame))
            _free.Add(frame);
    }

    /// <summary>Moves what a GFN shows to another (XENMAPSPACE_gmfn).</summary>
    /// <param name="from">RAM of the domain, or a page of the hypervisor.</param>
    /// <param name="to">Where it shall show; RAM that is there is freed.</param>
    /// <returns>0; -EINVAL where there is nothing to move; what <see cref="Place"/> returns for a GFN where nothing can be put.</returns>
    public long Move(ulong from, ulong to)
    {
        if (FrameAt(from) < 0 || _foreign.Contains(from))
            return XenError.Invalid;
        if (CheckTarget(to) is var error and not 0)
            return error;
        if (from == to)
            return 0;
        if (_special.TryGetValue(from, out var page))
            return Place(page, to);
        var frame = FrameAt(from);
        Hide(from);
        Vacate(to);
        Show(to, frame);
        return 0;
    }

    /// <summary>
    /// Hides what a GFN shows (XENMEM_remove_from_physmap). Xen does not free RAM so: it goes on counting as the domain's, which cannot get
    /// at it any more.
    /// </summary>
    /// <param name="gfn">The GFN.</param>
    /// <returns>0; -ENOENT where there is nothing, or another domain's page.</returns>
    public long Remove(ulong gfn)
    {
        if (FrameAt(gfn) < 0 || _foreign.Contains(gfn))
            return XenError.NoEntry;
        Hide(gfn);
        return 0;
    }

    /// <summary>Frees the RAM that a GFN shows; a page of the hypervisor is just not seen any more (XENMEM_decrease_reservation).</summary>
    /// <param name="gfn">The GFN.</param>
    /// <returns>0; -ENOENT where there is nothing; -ENXIO for another domain's page.</returns>
    public long Free(ulong gfn)
    {
        if (FrameAt(gfn) < 0)
            return XenError.NoEntry;
        if (_foreign.Contains(gfn))
            return XenError.NoAddress;
        Vacate(gfn);
        return 0;
    }

    /// <summary>
    /// Gives the domain pages of zeros (XENMEM_populate_physmap). RAM that was there is lost as by <see cref="Remove"/>, so that no list of
    /// frames is ever served for longer than there are free pages.
    /// </summary>
    /// <param name="first">The first GFN.</param>
    /// <param name="count">How many.</param>
    /// <returns>False where the domain has too few pages left to get, or one of the GFNs can have none; nothing has changed then.</returns>
    public bool Populate(ulong first, ulong count)
    {
        if (count > (ulong)_free.Count || first + count < first)
            return false;
        for (var gfn = first; gfn < first + count; gfn++)
        {
            if (CheckTarget(gfn) != 0)
                return false;
        }

        for (var gfn = first; gfn < first + count; gfn++)
        {
            Hide(gfn);
            var frame = gfn << PageShift < _memory.LowLimit && _free.Remove((int)gfn) ? (int)gfn : _free.Pop();
            _memory.WritableFrame(frame, 0, PhysicalMemory.PageSize).Clear();
            Show(gfn, frame);
            RamPages++;
        }

        return true;
    }

    private long CheckTarget(ulong gfn) => gfn switch
    {
        LocalApicGfn => XenError.NotPermitted,
        _ when gfn > LastGfn => XenError.Invalid,
        _ => _foreign.Contains(gfn) ? XenError.NoAddress : 0,
    };

    private void Show(ulong gfn, int frame, bool isReadOnly = false)
    {
        _memory.Remap(gfn << PageShift, frame, isReadOnly);
        HighestGfn = Math.Max(HighestGfn, gfn);
    }

    // Nothing shows at the GFN any more; RAM that was there is free.
    private void Vacate(ulong gfn)
    {
        var frame = FrameAt(gfn);
        if (frame < 0)
            return;
        if (IsRam(gfn))
        {
            if (_pins.ContainsKey(frame))
                _freedWhilePinned.Add(frame);
            else
                _free.Add(frame);
            RamPages--;
        }

        Hide(gfn);
    }

    private void Hide(ulong gfn)
    {
        _memory.Remap(gfn << PageShift, -1);
        _foreign.Remove(gfn);
        if (_special.Remove(gfn, out var page))
            page.Gfn = null;
    }
}
