using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>A canonical Huffman code of deflate: one lookup for codes of up to ten bits, a walk by length for longer ones.</summary>
internal sealed class DeflateCode(int maximumSymbols)
{
    private const int MaximumLength = 15;
    private const int FastBits = 10;

    // Symbol in the high twelve bits, length in the low four; 0 where the code is longer or unused.
    private readonly ushort[] _fast = new ushort[1 << FastBits];
    private readonly ushort[] _count = new ushort[MaximumLength + 1];
    private readonly ushort[] _symbols = new ushort[maximumSymbols];

    /// <summary>Makes the code from the lengths of its symbols.</summary>
    /// <param name="lengths">A length per symbol; 0 for an unused one.</param>
    /// <returns>False when the lengths do not make a code that can be decoded. A single code of one bit may stay incomplete.</returns>
    public bool Build(ReadOnlySpan<byte> lengths)
    {
        Array.Clear(_count);
        Array.Clear(_fast);
        foreach (byte length in lengths)
            _count[length]++;
        _count[0] = 0;
        int left = 1;
        int longest = 0;
        for (int length = 1; length <= MaximumLength; length++)
        {
            left = (left << 1) - _count[length];
            if (left < 0)
                return false;
            if (_count[length] != 0)
                longest = length;
        }

        if (left > 0 && longest > 1)
            return false;

        Span<ushort> offset = stackalloc ushort[MaximumLength + 2];
        Span<uint> next = stackalloc uint[MaximumLength + 2];
        offset[1] = 0;
        next[1] = 0;
        for (int length = 1; length <= MaximumLength; length++)
        {
            offset[length + 1] = (ushort)(offset[length] + _count[length]);
            next[length + 1] = (next[length] + _count[length]) << 1;
        }

        for (int symbol = 0; symbol < lengths.Length; symbol++)
        {
            int length = lengths[symbol];
            if (length == 0)
                continue;
            _symbols[offset[length]++] = (ushort)symbol;
            uint code = next[length]++;
            if (length > FastBits)
                continue;
            for (uint at = Reverse(code, length); at < 1u << FastBits; at += 1u << length)
                _fast[at] = (ushort)((symbol << 4) | length);
        }

        return true;
    }

    /// <summary>Decodes a symbol.</summary>
    /// <param name="bits">The next bits, the first one lowest.</param>
    /// <param name="length">How many of them the symbol takes.</param>
    /// <returns>The symbol; negative when there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Decode(uint bits, out int length)
    {
        int entry = _fast[bits & ((1u << FastBits) - 1)];
        length = entry & 15;
        return entry != 0 ? entry >> 4 : DecodeLong(bits, out length);
    }

    private int DecodeLong(uint bits, out int length)
    {
        int code = 0;
        int first = 0;
        int index = 0;
        for (length = 1; length <= MaximumLength; length++)
        {
            code |= (int)(bits & 1);
            bits >>= 1;
            int count = _count[length];
            if (code - count < first)
                return _symbols[index + code - first];
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }

        length = 0;
        return -1;
    }

    private static uint Reverse(uint code, int length)
    {
        uint reversed = 0;
        for (int i = 0; i < length; i++)
            reversed |= ((code >> i) & 1) << (length - 1 - i);
        return reversed;
    }
}
