using System.Numerics;

namespace Emu.Pvh.Compression.Zstd;

/// <summary>A decoding table of zstd's tabled asymmetric numeral systems (RFC 8878, §4.1).</summary>
internal sealed class FseTable
{
    private const int MaximumLog = 9;
    private const int MaximumSymbols = 256;

    private readonly byte[] _symbols = new byte[1 << MaximumLog];
    private readonly byte[] _bits = new byte[1 << MaximumLog];
    private readonly ushort[] _base = new ushort[1 << MaximumLog];

    /// <summary>A state has so many bits.</summary>
    public int AccuracyLog { get; private set; }

    /// <summary>The symbol of a state.</summary>
    /// <param name="state">A state.</param>
    /// <returns>The symbol.</returns>
    public byte Symbol(uint state) => _symbols[state];

    /// <summary>Reads the first state.</summary>
    /// <param name="bits">The stream.</param>
    /// <returns>The state.</returns>
    public uint Start(ref BackwardBits bits) => bits.Read(AccuracyLog);

    /// <summary>Reads the state after another one.</summary>
    /// <param name="state">The state to leave.</param>
    /// <param name="bits">The stream.</param>
    /// <returns>The next state.</returns>
    public uint Next(uint state, ref BackwardBits bits) => _base[state] + bits.Read(_bits[state]);

    /// <summary>How many bits <see cref="Next"/> reads.</summary>
    /// <param name="state">The state to leave.</param>
    /// <returns>A number of bits.</returns>
    public int NextBits(uint state) => _bits[state];

    /// <summary>Makes a table that holds one symbol and reads no bits.</summary>
    /// <param name="symbol">The symbol.</param>
    public void SetSingle(byte symbol)
    {
        AccuracyLog = 0;
        _symbols[0] = symbol;
        _bits[0] = 0;
        _base[0] = 0;
    }

    /// <summary>Reads the description of a table.</summary>
    /// <param name="data">Where it begins.</param>
    /// <param name="maximumLog">The largest accuracy that is allowed here.</param>
    /// <param name="maximumSymbol">The largest symbol that is allowed here.</param>
    /// <returns>How many bytes it takes; negative when it is damaged.</returns>
    public int Read(ReadOnlySpan<byte> data, int maximumLog, int maximumSymbol)
    {
        Span<short> counts = stackalloc short[MaximumSymbols];
        int position = 0;
        int log = (int)Bits(data, ref position, 4) + 5;
        if (log > maximumLog)
            return -1;
        int remaining = 1 << log;
        int symbol = 0;
        while (remaining > 0)
        {
            if (symbol > maximumSymbol)
                return -1;
            // A value up to remaining + 1 takes one bit less where the shorter form is unambiguous.
            int width = BitOperations.Log2((uint)remaining + 1) + 1;
            uint value = Bits(data, ref position, width);
            uint shortMask = (1u << (width - 1)) - 1;
            uint threshold = (1u << width) - 2 - (uint)remaining;
            if ((value & shortMask) < threshold)
            {
                position--;
                value &= shortMask;
            }
            else if (value > shortMask)
            {
                value -= threshold;
            }

            int count = (int)value - 1;
            remaining -= Math.Abs(count);
            counts[symbol++] = (short)count;
            if (count != 0)
                continue;
            uint repeat;
            do
            {
                repeat = Bits(data, ref position, 2);
                symbol += (int)repeat;
                if (symbol > maximumSymbol + 1)
                    return -1;
            }
            while (repeat == 3);
        }

        int length = (position + 7) / 8;
        return remaining == 0 && length <= data.Length && Build(counts[..symbol], log) ? length : -1;
    }

    /// <summary>Spreads the symbols over the states.</summary>
    /// <param name="counts">How many states each symbol has; −1 is one state of lowest probability.</param>
    /// <param name="log">The accuracy.</param>
    /// <returns>False when the counts do not fill the table.</returns>
    public bool Build(ReadOnlySpan<short> counts, int log)
    {
        int size = 1 << log;
        Span<ushort> next = stackalloc ushort[MaximumSymbols];
        int high = size;
        for (int s = 0; s < counts.Length; s++)
        {
            if (counts[s] != -1)
            {
                next[s] = (ushort)counts[s];
                continue;
            }

            if (high == 0)
                return false;
            _symbols[--high] = (byte)s;
            next[s] = 1;
        }

        int step = (size >> 1) + (size >> 3) + 3;
        int at = 0;
        for (int s = 0; s < counts.Length; s++)
        {
            for (int i = 0; i < counts[s]; i++)
            {
                _symbols[at] = (byte)s;
                do
                    at = (at + step) & (size - 1);
                while (at >= high && high != 0);
            }
        }

        if (at != 0)
            return false;
        for (int state = 0; state < size; state++)
        {
            uint count = next[_symbols[state]]++;
            int bits = log - BitOperations.Log2(count);
            _bits[state] = (byte)bits;
            _base[state] = (ushort)((count << bits) - (uint)size);
        }

        AccuracyLog = log;
        return true;
    }

    /// <summary>Bits of a forward stream, the first one lowest; zeros behind its end, which the caller finds by the length.</summary>
    private static uint Bits(ReadOnlySpan<byte> data, ref int position, int count)
    {
        uint value = 0;
        for (int i = 0; i < count; i++, position++)
        {
            int index = position >> 3;
            if (index < data.Length)
                value |= (uint)((data[index] >> (position & 7)) & 1) << i;
        }

        return value;
    }
}
