using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>The pages of a snapshot by their number in the host mapping: what is not there is all zeros.</summary>
/// <remarks>
/// Two levels of tables. A snapshot shares each lower table in which nothing has changed with the one before it, and each page in the others:
/// so taking one costs what was written since, and so does the comparison of two.
/// </remarks>
internal sealed class PageTable
{
    private const int Shift = 9;
    private const int Entries = 1 << Shift;

    private readonly SnapshotPage?[]?[] _tables;

    private PageTable(int count, SnapshotPage?[]?[] tables)
    {
        Count = count;
        _tables = tables;
    }

    /// <summary>How many pages there are, those that are all zeros included.</summary>
    public int Count { get; }

    /// <summary>A page; null where it is all zeros.</summary>
    /// <param name="frame">Its number, less than <see cref="Count"/>.</param>
    public SnapshotPage? this[int frame] => _tables[frame >> Shift]?[frame & (Entries - 1)];

    /// <summary>Memory that nobody has written to.</summary>
    /// <param name="count">How many pages it has.</param>
    /// <returns>All zeros.</returns>
    public static PageTable Zeros(int count) => new(count, new SnapshotPage?[]?[(count + Entries - 1) >> Shift]);

    /// <summary>Begins a table that differs from this one in a few pages.</summary>
    /// <returns>What makes it.</returns>
    public Builder Change() => new(this);

    /// <summary>The pages that are not all zeros, in ascending order.</summary>
    /// <returns>Their numbers, with what is in them.</returns>
    public IEnumerable<(int Frame, SnapshotPage Page)> NonZero()
    {
        foreach (var (frame, page) in DifferentFrom(Zeros(Count)))
        {
            if (page is not null)
                yield return (frame, page);
        }
    }

    /// <summary>Finds the pages that this table and another do not share, in ascending order.</summary>
    /// <param name="other">The other, of equal length.</param>
    /// <returns>Their numbers, with what this one has there. Contents are not compared.</returns>
    public IEnumerable<(int Frame, SnapshotPage? Page)> DifferentFrom(PageTable other)
    {
        for (var table = 0; table < _tables.Length; table++)
        {
            var mine = _tables[table];
            var others = other._tables[table];
            if (mine == others)
                continue;
            for (var entry = 0; entry < Entries; entry++)
            {
                if (mine?[entry] is var page && page != others?[entry])
                    yield return ((table << Shift) + entry, page);
            }
        }
    }

    /// <summary>Makes a table out of another.</summary>
    public sealed class Builder
    {
        private readonly PageTable _from;
        private readonly SnapshotPage?[]?[] _tables;

        internal Builder(PageTable from)
        {
            _from = from;
            _tables = [.. from._tables];
        }

        /// <summary>Sets a page.</summary>
        /// <param name="frame">Its number.</param>
        /// <param name="page">What is in it; null for zeros.</param>
        public void Set(int frame, SnapshotPage? page)
        {
            ref var table = ref _tables[frame >> Shift];
            if (table is null)
            {
                if (page is null)
                    return;
                table = new SnapshotPage?[Entries];
            }
            else if (table == _from._tables[frame >> Shift])
            {
                table = [.. table];
            }

            table[frame & (Entries - 1)] = page;
        }

        /// <summary>The table; not to be changed any more.</summary>
        /// <returns>It.</returns>
        public PageTable Build() => new(_from.Count, _tables);
    }
}
