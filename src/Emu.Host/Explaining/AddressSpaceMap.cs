using System.Buffers.Binary;
using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Explaining;

/// <summary>
/// What an address space maps: its page tables read from the top, pages that follow one another in both spaces and have equal rights joined to
/// ranges.
/// </summary>
/// <remarks>
/// <code>
///  63 XD | 51:12 address | 8 G | 7 PS (PD, PDPT) | 6 D | 5 A | 4 PCD | 3 PWT | 2 U/S | 1 R/W | 0 P
/// </code>
/// Rights are what all levels together allow. A table that leads back to itself is read as often as a processor would, within the limit of tables
/// that are read at all: a guest can build more than anybody wants to see.
/// </remarks>
internal sealed unsafe class AddressSpaceMap
{
    private const ulong FrameMask = 0x000F_FFFF_FFFF_F000;
    private const ulong Writable = 2, User = 4, NoExecution = 1UL << 63;
    private const int MostTables = 4096;
    private const int MostRanges = 512;

    private readonly Vcpu _vcpu;
    private readonly bool _hasLongEntries;
    private readonly List<Range> _ranges = [];
    private readonly long[] _tables = new long[6];
    private readonly long[] _pages = new long[4];
    private int _tablesRead;

    private AddressSpaceMap(Vcpu vcpu)
    {
        _vcpu = vcpu;
        CpuState* state = vcpu.State;
        _hasLongEntries = (state->Cr4 & Cr4.Pae) != 0;
        if ((state->Efer & Efer.Lma) != 0)
            Levels = (state->Cr4 & Cr4.La57) != 0 ? 5 : 4;
        else
            Levels = _hasLongEntries ? 3 : 2;
        Read(Levels, Levels == 3 ? state->Cr3 & 0xFFFF_FFE0 : state->Cr3 & (_hasLongEntries ? FrameMask : 0xFFFF_F000), 0, Writable | User);
    }

    /// <summary>How deep the tables are: 2 to 5.</summary>
    public int Levels { get; }

    /// <summary>Whether anything was left out.</summary>
    public bool IsCut => _tablesRead >= MostTables || _ranges.Count >= MostRanges;

    /// <summary>Reads the tables of a processor that has paging on.</summary>
    public static AddressSpaceMap Of(Vcpu vcpu) => new(vcpu);

    /// <summary>How many tables and pages there are, in words.</summary>
    public string Summary()
    {
        List<string> parts = [];
        for (int level = Levels; level > 0; level--)
        {
            if (_tables[level] != 0)
                parts.Add($"{_tables[level]} {TableName(level)}{(_tables[level] == 1 ? "" : "s")}");
        }

        List<string> pages = [];
        for (int level = 3; level > 0; level--)
        {
            if (_pages[level] != 0)
                pages.Add(string.Create(CultureInfo.InvariantCulture, $"{_pages[level]:N0} of {Size(PageSize(level))}"));
        }

        return $"{string.Join(", ", parts)}; pages: {(pages.Count == 0 ? "none" : string.Join(", ", pages))}{(IsCut ? " (not all were looked at)" : "")}";
    }

    /// <summary>The ranges.</summary>
    /// <param name="most">How many at most.</param>
    public Detail Table(int most)
    {
        List<IReadOnlyList<string>> rows = [];
        foreach (Range range in _ranges.Take(most))
        {
            string rights = ((range.Rights & Writable) != 0 ? "rw" : "r-") + ((range.Rights & NoExecution) != 0 ? "-" : "x") + ((range.Rights & User) != 0 ? " ring 3" : "");
            rows.Add(
            [
                string.Create(CultureInfo.InvariantCulture, $"{range.Linear:x}–{range.Linear + range.Length - 1:x}"),
                string.Create(CultureInfo.InvariantCulture, $"{range.Physical:x}"),
                Size(range.Length), Size(range.PageSize), rights, range.Linear == range.Physical ? "identity" : "",
            ]);
        }

        return new Detail("What is mapped", ["linear", "physical", "size", "pages of", "rights", ""], rows, _ranges.Count - rows.Count);
    }

    /// <summary>A number of bytes in the largest unit that leaves it whole.</summary>
    public static string Size(ulong bytes) => bytes switch
    {
        _ when bytes != 0 && bytes % (1UL << 40) == 0 => $"{bytes >> 40} TiB",
        _ when bytes != 0 && bytes % (1UL << 30) == 0 => $"{bytes >> 30} GiB",
        _ when bytes != 0 && bytes % (1UL << 20) == 0 => $"{bytes >> 20} MiB",
        _ when bytes != 0 && bytes % (1UL << 10) == 0 => $"{bytes >> 10} KiB",
        _ => $"{bytes} bytes",
    };

    private void Read(int level, ulong table, ulong linear, ulong rights)
    {
        bool isRoot = level == Levels;
        int entries = Levels == 3 && isRoot ? 4 : _hasLongEntries ? 512 : 1024;
        int size = _hasLongEntries ? 8 : 4;
        byte[] bytes = new byte[entries * size];
        if (_tablesRead++ >= MostTables || !_vcpu.Memory.TryRead(table, bytes))
            return;
        _tables[level]++;
        ulong reach = PageSize(level);
        for (int i = 0; i < entries && !IsCut; i++)
        {
            ulong entry = _hasLongEntries ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(i * 8)) : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i * 4));
            if ((entry & 1) == 0)
                continue;
            ulong at = linear + ((ulong)i * reach);
            // The upper half of the address space is the one whose top bit is set.
            if (isRoot && Levels > 3 && i >= 256)
                at |= ulong.MaxValue << (Levels == 5 ? 57 : 48);
            // The four entries of PAE paging's first table have no rights.
            ulong allowed = Levels == 3 && isRoot ? rights : (rights & entry & (Writable | User)) | ((rights | entry) & NoExecution);
            bool isPage = level == 1 || ((entry & 0x80) != 0 && (_hasLongEntries ? level is 2 or 3 && !(Levels == 3 && isRoot) : (_vcpu.State->Cr4 & Cr4.Pse) != 0));
            if (!isPage)
                Read(level - 1, entry & (_hasLongEntries ? FrameMask : 0xFFFF_F000), at, allowed);
            else
                Add(level, at, Frame(entry, reach), reach, allowed);
        }
    }

    // Pages of 4 MiB have bits 39:32 of their address in bits 20:13 of the entry.
    private ulong Frame(ulong entry, ulong reach) =>
        _hasLongEntries || reach == 4096 ? entry & FrameMask & ~(reach - 1) : (entry & 0xFFC0_0000) | ((entry >> 13 & 0xFF) << 32);

    private void Add(int level, ulong linear, ulong physical, ulong size, ulong rights)
    {
        _pages[level]++;
        if (_ranges.Count != 0 && _ranges[^1] is var last && last.Linear + last.Length == linear && last.Physical + last.Length == physical
            && last.Rights == rights && last.PageSize == size)
        {
            _ranges[^1] = last with { Length = last.Length + size };
            return;
        }

        _ranges.Add(new Range(linear, physical, size, size, rights));
    }

    private ulong PageSize(int level) => level == 1 ? 4096 : 1UL << (12 + ((_hasLongEntries ? 9 : 10) * (level - 1)));

    private string TableName(int level) => level switch
    {
        5 => "PML5",
        4 => "PML4",
        3 => "PDPT",
        2 => _hasLongEntries ? "PD" : "page directory",
        _ => _hasLongEntries ? "PT" : "page table",
    };

    private readonly record struct Range(ulong Linear, ulong Physical, ulong Length, ulong PageSize, ulong Rights);
}
