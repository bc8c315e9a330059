namespace Emu.Cpu.Memory;

/// <summary>The guest-physical pages that do not show what their address says: other pages of the host mapping, or nothing.</summary>
/// <remarks>A hypervisor's doing: Xen lets a domain move, share and give back pages of its physical memory.</remarks>
internal sealed class PageRemapping
{
    /// <summary>What <see cref="this"/> says of a page that is where it always is.</summary>
    public const int Usual = 0;

    /// <summary>What it says of a page that shows nothing.</summary>
    public const int Hole = -1;

    private const int PageShift = 12;
    private const int ChunkShift = 18;
    private const int ReadOnlyBit = 1;

    // Chunks of 1 GiB of guest-physical memory.
    private readonly int[]?[] _chunks;

    /// <summary>Makes a table in which every page is where it always is.</summary>
    /// <param name="addressBits">Width of guest-physical addresses.</param>
    public PageRemapping(int addressBits) => _chunks = new int[]?[1 << (addressBits - PageShift - ChunkShift)];

    /// <summary>The entry of a page: <see cref="Usual"/>, <see cref="Hole"/>, or what <see cref="Entry"/> made.</summary>
    /// <param name="address">Any address of the page; beyond the width is usual.</param>
    public int this[ulong address]
    {
        get
        {
            var chunk = address >> (PageShift + ChunkShift);
            return chunk < (ulong)_chunks.Length && _chunks[chunk] is { } entries
                ? entries[(address >> PageShift) & ((1 << ChunkShift) - 1)]
                : Usual;
        }

        set
        {
            var entries = _chunks[address >> (PageShift + ChunkShift)] ??= new int[1 << ChunkShift];
            entries[(address >> PageShift) & ((1 << ChunkShift) - 1)] = value;
        }
    }

    /// <summary>The pages that are not where they always are, in ascending order, with their entries.</summary>
    public IEnumerable<(ulong Address, int Entry)> Unusual
    {
        get
        {
            for (var chunk = 0; chunk < _chunks.Length; chunk++)
            {
                for (var page = 0; page < _chunks[chunk]?.Length; page++)
                {
                    if (_chunks[chunk]![page] is var entry and not Usual)
                        yield return (((ulong)chunk << (PageShift + ChunkShift)) | ((ulong)page << PageShift), entry);
                }
            }
        }
    }

    /// <summary>Whether an address is within the width of the table.</summary>
    /// <param name="address">A guest-physical address.</param>
    /// <returns>True where its page may be remapped.</returns>
    public bool Covers(ulong address) => address >> (PageShift + ChunkShift) < (ulong)_chunks.Length;

    /// <summary>The entry for a page of the host mapping.</summary>
    /// <param name="frame">Its number there.</param>
    /// <param name="isReadOnly">Whether the guest may not write it here.</param>
    /// <returns>The entry.</returns>
    public static int Entry(int frame, bool isReadOnly) => ((frame + 1) << 1) | (isReadOnly ? ReadOnlyBit : 0);

    /// <summary>The page of the host mapping that an entry names.</summary>
    /// <param name="entry">Neither <see cref="Usual"/> nor <see cref="Hole"/>.</param>
    /// <returns>Its number.</returns>
    public static int Frame(int entry) => (entry >> 1) - 1;

    /// <summary>Whether an entry forbids writes.</summary>
    /// <param name="entry">Neither <see cref="Usual"/> nor <see cref="Hole"/>.</param>
    /// <returns>True where it does.</returns>
    public static bool IsReadOnly(int entry) => (entry & ReadOnlyBit) != 0;
}
