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
    private const int PagesInTable = 512;
    private const int TableShift = 9;
    private const int ReadOnlyBit = 1;

    // Like page tables: 2 MiB to a table, 1 GiB to a directory. A table goes with its last entry, so that what a guest has remapped, and not
    // what it ever touched, decides how much room this takes.
    private readonly Table?[]?[] _directories;

    /// <summary>Makes a table in which every page is where it always is.</summary>
    /// <param name="addressBits">Width of guest-physical addresses.</param>
    public PageRemapping(int addressBits) => _directories = new Table?[]?[1 << (addressBits - PageShift - (2 * TableShift))];

    private sealed class Table
    {
        public readonly int[] Entries = new int[PagesInTable];
        public int Unusual;
    }

    /// <summary>The entry of a page: <see cref="Usual"/>, <see cref="Hole"/>, or what <see cref="Entry"/> made.</summary>
    /// <param name="address">Any address of the page; beyond the width is usual.</param>
    public int this[ulong address]
    {
        get
        {
            var directory = address >> (PageShift + (2 * TableShift));
            return directory < (ulong)_directories.Length && _directories[directory]?[Index(address, TableShift)] is { } table
                ? table.Entries[Index(address, 0)]
                : Usual;
        }

        set
        {
            ref var directory = ref _directories[address >> (PageShift + (2 * TableShift))];
            directory ??= new Table?[PagesInTable];
            ref var table = ref directory[Index(address, TableShift)];
            table ??= new Table();
            ref var entry = ref table.Entries[Index(address, 0)];
            table.Unusual += (value == Usual ? 0 : 1) - (entry == Usual ? 0 : 1);
            entry = value;
            if (table.Unusual == 0)
                table = null;
        }
    }

    /// <summary>The pages that are not where they always are, in ascending order, with their entries.</summary>
    public IEnumerable<(ulong Address, int Entry)> Unusual
    {
        get
        {
            for (var directory = 0; directory < _directories.Length; directory++)
            {
                for (var table = 0; table < _directories[directory]?.Length; table++)
                {
                    for (var page = 0; page < _directories[directory]![table]?.Entries.Length; page++)
                    {
                        if (_directories[directory]![table]!.Entries[page] is var entry and not Usual)
                            yield return (((((ulong)directory << TableShift) + (ulong)table << TableShift) + (ulong)page) << PageShift, entry);
                    }
                }
            }
        }
    }

    /// <summary>Whether an address is within the width of the table.</summary>
    /// <param name="address">A guest-physical address.</param>
    /// <returns>True where its page may be remapped.</returns>
    public bool Covers(ulong address) => address >> (PageShift + (2 * TableShift)) < (ulong)_directories.Length;

    private static int Index(ulong address, int shift) => (int)(address >> (PageShift + shift)) & (PagesInTable - 1);

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
