using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression.Zstd;

/// <summary>
/// A bit stream that zstd wrote forwards and a decoder reads backwards: the highest set bit of the last byte marks its end. Bits before
/// the first byte read as zeros; <see cref="Remaining"/> then turns negative, which callers check once at the end.
/// </summary>
internal unsafe struct BackwardBits
{
    private readonly byte* _start;
    private readonly int _length;

    /// <summary>Starts at the end of a stream.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">The length in bytes.</param>
    /// <param name="bits">The stream.</param>
    /// <returns>False when the stream is empty or its end mark is missing.</returns>
    public static bool TryCreate(byte* start, int length, out BackwardBits bits)
    {
        bits = default;
        if (length <= 0 || start[length - 1] == 0)
            return false;
        bits = new BackwardBits(start, length);
        return true;
    }

    private BackwardBits(byte* start, int length)
    {
        _start = start;
        _length = length;
        Remaining = ((long)(length - 1) * 8) + 31 - System.Numerics.BitOperations.LeadingZeroCount((uint)start[length - 1]);
    }

    /// <summary>How many bits are left; negative when more were read than there were.</summary>
    public long Remaining { get; private set; }

    /// <summary>Reads bits, the first one highest.</summary>
    /// <param name="count">At most 32.</param>
    /// <returns>The bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Read(int count)
    {
        uint value = Peek(count);
        Remaining -= count;
        return value;
    }

    /// <summary>The next bits without moving on.</summary>
    /// <param name="count">At most 32.</param>
    /// <returns>The bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Peek(int count)
    {
        long low = Remaining - count;
        long index = low >> 3;
        if (low < 0 || index + 8 > _length)
            return PeekAtEdge(low, count);
        return (uint)((Unsafe.ReadUnaligned<ulong>(_start + index) >> (int)(low & 7)) & ((1ul << count) - 1));
    }

    /// <summary>Moves on.</summary>
    /// <param name="count">By how many bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(int count) => Remaining -= count;

    private readonly uint PeekAtEdge(long low, int count)
    {
        ulong value = 0;
        for (int i = 0; i < count; i++)
        {
            long bit = low + i;
            if (bit >= 0 && (bit >> 3) < _length && ((_start[bit >> 3] >> (int)(bit & 7)) & 1) != 0)
                value |= 1ul << i;
        }

        return (uint)value;
    }
}
