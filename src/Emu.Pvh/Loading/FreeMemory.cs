namespace Emu.Pvh;

/// <summary>
/// The RAM below 4 GiB that nobody claims yet. Page 0 (an address of 0 means "absent") and the PC's video and ROM window (Linux
/// reserves it whatever the map says) are never given out.
/// </summary>
internal sealed class FreeMemory
{
    private const ulong PageSize = 0x1000;
    private const ulong FourGiB = 1UL << 32;
    private static readonly GuestRange PageZero = new(0, PageSize);
    private static readonly GuestRange LegacyWindow = GuestRange.FromEnds(0xA0000, 0x100000);

    private readonly List<GuestRange> _free = [];

    public FreeMemory(IReadOnlyList<GuestRange> ram)
    {
        foreach (GuestRange region in ram)
        {
            if (region.Start < FourGiB)
                _free.Add(GuestRange.FromEnds(region.Start, Math.Min(region.End, FourGiB)));
        }

        Claim(PageZero);
        Claim(LegacyWindow);
    }

    /// <summary>Takes a range out, where it is free.</summary>
    public void Claim(GuestRange taken)
    {
        if (taken.IsEmpty)
            return;
        for (int i = _free.Count - 1; i >= 0; i--)
        {
            GuestRange free = _free[i];
            if (!free.Overlaps(taken))
                continue;
            _free.RemoveAt(i);
            if (taken.End < free.End)
                _free.Insert(i, GuestRange.FromEnds(taken.End, free.End));
            if (taken.Start > free.Start)
                _free.Insert(i, GuestRange.FromEnds(free.Start, taken.Start));
        }
    }

    /// <summary>Takes whole pages at the lowest free address from <paramref name="preferred"/> on, else from 1 MiB, else anywhere.</summary>
    /// <returns>The range, page-aligned and of the length asked for; null when nothing fits.</returns>
    public GuestRange? Allocate(ulong length, ulong preferred)
    {
        ulong size = Math.Max(AlignUp(length, PageSize), PageSize);
        ulong? at = Find(size, PageSize, preferred, ulong.MaxValue) ?? Find(size, PageSize, LegacyWindow.End, ulong.MaxValue)
            ?? Find(size, PageSize, 0, ulong.MaxValue);
        if (at is not { } start)
            return null;
        Claim(new GuestRange(start, size));
        return new GuestRange(start, length);
    }

    /// <summary>The lowest free address at or after a minimum where so many bytes fit and end at or before a maximum.</summary>
    public ulong? Find(ulong size, ulong alignment, ulong minimum, ulong maximumEnd)
    {
        foreach (GuestRange free in _free)
        {
            ulong from = Math.Max(free.Start, minimum);
            if (from > ulong.MaxValue - (alignment - 1))
                continue;
            ulong start = AlignUp(from, alignment);
            ulong end = Math.Min(free.End, maximumEnd);
            if (start < end && size <= end - start)
                return start;
        }

        return null;
    }

    /// <summary>The highest free address at or after a minimum where so many bytes fit and end at or before a maximum.</summary>
    public ulong? FindLast(ulong size, ulong alignment, ulong minimum, ulong maximumEnd)
    {
        for (int i = _free.Count - 1; i >= 0; i--)
        {
            ulong end = Math.Min(_free[i].End, maximumEnd);
            if (end < size)
                continue;
            ulong start = (end - size) & ~(alignment - 1);
            if (start >= Math.Max(_free[i].Start, minimum))
                return start;
        }

        return null;
    }

    private static ulong AlignUp(ulong value, ulong alignment) => (value + alignment - 1) & ~(alignment - 1);
}
