using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>The copy that every Lempel-Ziv decoder ends in.</summary>
internal static unsafe class MatchCopy
{
    /// <summary>Repeats what stands <paramref name="distance"/> bytes back, overlapping or not.</summary>
    /// <param name="at">Where to write.</param>
    /// <param name="distance">At least 1; the caller has checked that it stays in the dictionary.</param>
    /// <param name="length">How many bytes; the caller has checked that they fit.</param>
    /// <param name="capacity">The end of the buffer: up to here more than the length may be overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(byte* at, uint distance, uint length, byte* capacity)
    {
        byte* from = at - distance;
        byte* end = at + length;
        if (distance >= 8 && capacity - end >= 8)
        {
            do
            {
                *(ulong*)at = Unsafe.ReadUnaligned<ulong>(from);
                at += 8;
                from += 8;
            }
            while (at < end);
            return;
        }

        while (at < end)
            *at++ = *from++;
    }
}
