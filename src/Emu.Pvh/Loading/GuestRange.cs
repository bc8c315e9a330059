namespace Emu.Pvh;

/// <summary>A half-open range of guest-physical addresses, [<see cref="Start"/>, <see cref="End"/>). It never wraps.</summary>
public readonly record struct GuestRange : IComparable<GuestRange>
{
    /// <summary>Creates a range.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="length">The length in bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range would run past 2^64 − 1.</exception>
    public GuestRange(ulong start, ulong length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ulong.MaxValue - start);
        Start = start;
        Length = length;
    }

    /// <summary>The first address.</summary>
    public ulong Start { get; }

    /// <summary>The length in bytes.</summary>
    public ulong Length { get; }

    /// <summary>The first address after the range.</summary>
    public ulong End => Start + Length;

    /// <summary>True when the range holds no address.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>Makes a range from its two ends.</summary>
    /// <param name="start">The first address.</param>
    /// <param name="end">The first address after the range, at least <paramref name="start"/>.</param>
    /// <returns>The range.</returns>
    public static GuestRange FromEnds(ulong start, ulong end)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        return new GuestRange(start, end - start);
    }

    /// <summary>True when <paramref name="address"/> lies in the range.</summary>
    /// <param name="address">A guest-physical address.</param>
    /// <returns>Whether it lies in the range.</returns>
    public bool Contains(ulong address) => address - Start < Length;

    /// <summary>True when all of <paramref name="other"/> lies in this range.</summary>
    /// <param name="other">Another range.</param>
    /// <returns>Whether it lies in this range.</returns>
    public bool Contains(GuestRange other) => other.Start >= Start && other.End <= End;

    /// <summary>True when the ranges share at least one address; an empty range shares none.</summary>
    /// <param name="other">Another range.</param>
    /// <returns>Whether they overlap.</returns>
    public bool Overlaps(GuestRange other) => Start < other.End && other.Start < End && !IsEmpty && !other.IsEmpty;

    /// <summary>Orders ranges by their start, then by their length.</summary>
    /// <param name="other">Another range.</param>
    /// <returns>The order.</returns>
    public int CompareTo(GuestRange other)
    {
        int byStart = Start.CompareTo(other.Start);
        return byStart != 0 ? byStart : Length.CompareTo(other.Length);
    }

    /// <summary>The range as people write it: first and last address.</summary>
    /// <returns>For instance "0x100000-0x1fffff".</returns>
    public override string ToString() => IsEmpty ? $"0x{Start:x} (empty)" : $"0x{Start:x}-0x{End - 1:x}";

    /// <summary>Orders ranges by start, then length.</summary>
    public static bool operator <(GuestRange left, GuestRange right) => left.CompareTo(right) < 0;

    /// <summary>Orders ranges by start, then length.</summary>
    public static bool operator <=(GuestRange left, GuestRange right) => left.CompareTo(right) <= 0;

    /// <summary>Orders ranges by start, then length.</summary>
    public static bool operator >(GuestRange left, GuestRange right) => left.CompareTo(right) > 0;

    /// <summary>Orders ranges by start, then length.</summary>
    public static bool operator >=(GuestRange left, GuestRange right) => left.CompareTo(right) >= 0;
}
