namespace Emu.Pvh.Tests.Support;

/// <summary>Guest memory that commits a page only when something other than zero is written to it, and remembers what was asked.</summary>
internal sealed class SparseGuestMemory(params GuestRange[] regions) : IGuestMemory
{
    private const int PageSize = 4096;
    private readonly Dictionary<ulong, byte[]> _pages = [];

    public static SparseGuestMemory OfSize(ulong size) => new(new GuestRange(0, size));

    public IReadOnlyList<GuestRange> RamRegions { get; } = regions;

    public int CommittedPages => _pages.Count;

    public List<GuestRange> Writes { get; } = [];

    public List<GuestRange> Zeroed { get; } = [];

    public void Write(ulong address, ReadOnlySpan<byte> data)
    {
        Check(address, (ulong)data.Length);
        Writes.Add(new GuestRange(address, (ulong)data.Length));
        while (!data.IsEmpty)
        {
            int offset = (int)(address % PageSize);
            int count = Math.Min(PageSize - offset, data.Length);
            if (!_pages.TryGetValue(address / PageSize, out byte[]? page))
                _pages.Add(address / PageSize, page = new byte[PageSize]);
            data[..count].CopyTo(page.AsSpan(offset));
            address += (ulong)count;
            data = data[count..];
        }
    }

    public void Zero(ulong address, ulong length)
    {
        Check(address, length);
        Zeroed.Add(new GuestRange(address, length));
        foreach ((ulong number, byte[] page) in _pages)
        {
            ulong start = Math.Max(number * PageSize, address);
            ulong end = Math.Min((number + 1) * PageSize, address + length);
            if (start < end)
                page.AsSpan((int)(start - (number * PageSize)), (int)(end - start)).Clear();
        }
    }

    public void Read(ulong address, Span<byte> destination)
    {
        Check(address, (ulong)destination.Length);
        for (int i = 0; i < destination.Length; i++)
        {
            ulong at = address + (ulong)i;
            destination[i] = _pages.TryGetValue(at / PageSize, out byte[]? page) ? page[at % PageSize] : (byte)0;
        }
    }

    public byte[] Read(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Read(address, bytes.AsSpan());
        return bytes;
    }

    private void Check(ulong address, ulong length)
    {
        GuestRange range = new(address, length);
        if (!RamRegions.Any(region => region.Contains(range)))
            throw new InvalidOperationException($"The loader touched {range}, which is not RAM.");
    }
}
