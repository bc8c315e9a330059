using System.Numerics;

namespace Emu.Pvh.Compression.Zstd;

/// <summary>A Huffman table for literals (RFC 8878, §4.2): one lookup of the longest code's length per symbol.</summary>
internal sealed unsafe class HuffmanTable
{
    private const int MaximumBits = 11;
    private const int MaximumWeightLog = 6;

    // Low byte: the symbol; high byte: how many bits its code has.
    private readonly ushort[] _entries = new ushort[1 << MaximumBits];
    private readonly FseTable _weights = new();
    private int _bits;

    /// <summary>True when a table has been read.</summary>
    public bool IsReady => _bits != 0;

    /// <summary>Forgets the table, as a new frame does.</summary>
    public void Clear() => _bits = 0;

    /// <summary>Reads the description of a table.</summary>
    /// <param name="data">Where it begins.</param>
    /// <returns>How many bytes it takes; negative when it is damaged.</returns>
    public int Read(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            return -1;
        Span<byte> weights = stackalloc byte[256];
        int header = data[0];
        int length;
        int count;
        if (header >= 128)
        {
            count = header - 127;
            length = 1 + ((count + 1) / 2);
            if (length > data.Length)
                return -1;
            for (int i = 0; i < count; i++)
                weights[i] = (byte)((data[1 + (i / 2)] >> ((i & 1) == 0 ? 4 : 0)) & 15);
        }
        else
        {
            length = 1 + header;
            if (length > data.Length)
                return -1;
            count = CompressedWeights(data.Slice(1, header), weights);
        }

        return count > 0 && Build(weights, count) ? length : -1;
    }

    /// <summary>Decodes one stream of literals.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="literals">Where they go; all of it is filled.</param>
    /// <returns>False when the stream does not hold exactly so many.</returns>
    public bool Decode(ReadOnlySpan<byte> stream, Span<byte> literals)
    {
        fixed (byte* input = stream)
        fixed (ushort* entries = _entries)
        fixed (byte* output = literals)
        {
            if (!BackwardBits.TryCreate(input, stream.Length, out BackwardBits bits))
                return false;
            int width = _bits;
            for (int i = 0; i < literals.Length; i++)
            {
                uint entry = entries[bits.Peek(width)];
                output[i] = (byte)entry;
                bits.Skip((int)(entry >> 8));
            }

            return bits.Remaining == 0;
        }
    }

    /// <summary>Two interleaved FSE states take turns until the stream has no more bits for one of them; the other one ends it.</summary>
    private int CompressedWeights(ReadOnlySpan<byte> data, Span<byte> weights)
    {
        int used = _weights.Read(data, MaximumWeightLog, maximumSymbol: 255);
        if (used < 0)
            return -1;
        ReadOnlySpan<byte> stream = data[used..];
        fixed (byte* input = stream)
        {
            if (!BackwardBits.TryCreate(input, stream.Length, out BackwardBits bits))
                return -1;
            uint first = _weights.Start(ref bits);
            uint second = _weights.Start(ref bits);
            if (bits.Remaining < 0)
                return -1;
            int count = 0;
            while (count < 254)
            {
                weights[count++] = _weights.Symbol(first);
                if (bits.Remaining < _weights.NextBits(first))
                {
                    weights[count++] = _weights.Symbol(second);
                    return count;
                }

                first = _weights.Next(first, ref bits);
                (first, second) = (second, first);
            }
        }

        return -1;
    }

    /// <summary>Symbols of low weight have the longest codes and come first; the last symbol's weight fills what is left.</summary>
    private bool Build(Span<byte> weights, int count)
    {
        Span<int> ranks = stackalloc int[MaximumBits + 2];
        uint sum = 0;
        for (int i = 0; i < count; i++)
        {
            if (weights[i] > MaximumBits)
                return false;
            ranks[weights[i]]++;
            sum += weights[i] == 0 ? 0 : 1u << (weights[i] - 1);
        }

        if (sum == 0 || count > 255)
            return false;
        int bits = BitOperations.Log2(sum) + 1;
        uint rest = (1u << bits) - sum;
        if (bits > MaximumBits || !BitOperations.IsPow2(rest))
            return false;
        weights[count] = (byte)(BitOperations.Log2(rest) + 1);
        ranks[weights[count]]++;

        Span<int> next = stackalloc int[MaximumBits + 2];
        for (int weight = 1, at = 0; weight <= bits; weight++)
        {
            next[weight] = at;
            at += ranks[weight] << (weight - 1);
        }

        for (int symbol = 0; symbol <= count; symbol++)
        {
            int weight = weights[symbol];
            if (weight == 0)
                continue;
            int span = 1 << (weight - 1);
            _entries.AsSpan(next[weight], span).Fill((ushort)(((bits + 1 - weight) << 8) | symbol));
            next[weight] += span;
        }

        _bits = bits;
        return true;
    }
}
