using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>Deflate (RFC 1951). Bits are taken lowest first; a match reaches back to where the stream's own output began.</summary>
internal ref struct Inflater
{
    private const int EndOfBlock = 256;
    private const int MaximumMatch = 258;

    private readonly ReadOnlySpan<byte> _input;
    private readonly UnpackBuffer _output;
    private readonly int _dictionary;
    private readonly DeflateCode _literals = new(288);
    private readonly DeflateCode _distances = new(32);
    private int _position;
    private ulong _bits;
    private int _bitCount;

    /// <summary>Prepares to read a stream.</summary>
    /// <param name="input">The input.</param>
    /// <param name="position">Where the stream begins in it.</param>
    /// <param name="output">Where the bytes go.</param>
    public Inflater(ReadOnlySpan<byte> input, int position, UnpackBuffer output)
    {
        _input = input;
        _position = position;
        _output = output;
        _dictionary = output.Length;
    }

    private static ReadOnlySpan<byte> CodeLengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static ReadOnlySpan<ushort> LengthBase =>
    [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
    ];

    private static ReadOnlySpan<byte> LengthBits => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBase =>
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
        16385, 24577,
    ];

    private static ReadOnlySpan<byte> DistanceBits =>
    [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ];

    /// <summary>Unpacks the stream.</summary>
    /// <returns>Where the input goes on behind it, at a byte boundary.</returns>
    public int Run()
    {
        bool last;
        do
        {
            last = Take(1) != 0;
            switch (Take(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    FixedCodes();
                    Symbols();
                    break;
                case 2:
                    DynamicCodes();
                    Symbols();
                    break;
                default:
                    throw GzipDecoder.Corrupt("a block has an unknown type");
            }
        }
        while (!last);
        return _position - (_bitCount / 8);
    }

    private void Stored()
    {
        _position -= _bitCount / 8;
        _bits = 0;
        _bitCount = 0;
        if (_input.Length - _position < 4)
            throw GzipDecoder.Corrupt("it ends too early");
        int length = _input[_position] | (_input[_position + 1] << 8);
        int complement = _input[_position + 2] | (_input[_position + 3] << 8);
        _position += 4;
        if ((length ^ complement) != 0xFFFF)
            throw GzipDecoder.Corrupt("the length of a stored block is wrong");
        if (length > _input.Length - _position)
            throw GzipDecoder.Corrupt("it ends too early");
        _output.Append(_input.Slice(_position, length), _position);
        _position += length;
    }

    private readonly void FixedCodes()
    {
        Span<byte> lengths = stackalloc byte[288];
        lengths[..144].Fill(8);
        lengths[144..256].Fill(9);
        lengths[256..280].Fill(7);
        lengths[280..].Fill(8);
        _literals.Build(lengths);
        Span<byte> distances = stackalloc byte[32];
        distances.Fill(5);
        _distances.Build(distances);
    }

    private void DynamicCodes()
    {
        int literalCount = (int)Take(5) + 257;
        int distanceCount = (int)Take(5) + 1;
        int codeCount = (int)Take(4) + 4;
        if (literalCount > 286 || distanceCount > 30)
            throw GzipDecoder.Corrupt("a block has too many codes");
        Span<byte> lengths = stackalloc byte[320];
        lengths.Clear();
        for (int i = 0; i < codeCount; i++)
            lengths[CodeLengthOrder[i]] = (byte)Take(3);
        if (!_distances.Build(lengths[..19]))
            throw GzipDecoder.Corrupt("a code of it is wrong");

        lengths.Clear();
        int total = literalCount + distanceCount;
        for (int i = 0; i < total;)
        {
            Refill();
            int symbol = Symbol(_distances);
            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }

            byte repeated = 0;
            if (symbol == 16 && i == 0)
                throw GzipDecoder.Corrupt("a code of it is wrong");
            if (symbol == 16)
                repeated = lengths[i - 1];
            int count = symbol switch
            {
                16 => 3 + (int)Take(2),
                17 => 3 + (int)Take(3),
                _ => 11 + (int)Take(7),
            };
            if (count > total - i)
                throw GzipDecoder.Corrupt("a code of it is wrong");
            lengths.Slice(i, count).Fill(repeated);
            i += count;
        }

        if (lengths[EndOfBlock] == 0 || !_literals.Build(lengths[..literalCount]) || !_distances.Build(lengths.Slice(literalCount, distanceCount)))
            throw GzipDecoder.Corrupt("a code of it is wrong");
    }

    private void Symbols()
    {
        byte[] bytes = _output.Bytes;
        int at = _output.Length;
        while (true)
        {
            if (bytes.Length - at < MaximumMatch)
            {
                _output.Advance(at - _output.Length, _position);
                _output.ReserveUpTo(MaximumMatch + 1);
                bytes = _output.Bytes;
            }

            Refill();
            int symbol = Symbol(_literals);
            if (symbol < EndOfBlock)
            {
                if (at >= bytes.Length)
                    throw _output.TooLarge();
                bytes[at++] = (byte)symbol;
                continue;
            }

            if (symbol == EndOfBlock)
                break;
            symbol -= EndOfBlock + 1;
            if (symbol >= LengthBase.Length)
                throw GzipDecoder.Corrupt("a length of it is unknown");
            int length = LengthBase[symbol] + (int)Take(LengthBits[symbol]);
            int distanceSymbol = Symbol(_distances);
            if (distanceSymbol >= DistanceBase.Length)
                throw GzipDecoder.Corrupt("a distance of it is unknown");
            int distance = DistanceBase[distanceSymbol] + (int)Take(DistanceBits[distanceSymbol]);
            if (distance > at - _dictionary)
                throw GzipDecoder.Corrupt("a match reaches back before its start");
            if (length > bytes.Length - at)
                throw _output.TooLarge();
            Copy(bytes, at, distance, length);
            at += length;
        }

        _output.Advance(at - _output.Length, _position);
    }

    private static void Copy(byte[] bytes, int at, int distance, int length)
    {
        if (distance >= length)
        {
            bytes.AsSpan(at - distance, length).CopyTo(bytes.AsSpan(at));
            return;
        }

        for (int i = 0; i < length; i++)
            bytes[at + i] = bytes[at + i - distance];
    }

    /// <summary>Fills the bit buffer to at least 48 bits where the input has them: enough for a length, a distance and their extra bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Refill()
    {
        while (_bitCount <= 56 && _position < _input.Length)
        {
            _bits |= (ulong)_input[_position++] << _bitCount;
            _bitCount += 8;
        }
    }

    private uint Take(int count)
    {
        if (_bitCount < count)
        {
            Refill();
            if (_bitCount < count)
                throw GzipDecoder.Corrupt("it ends too early");
        }

        uint value = (uint)_bits & ((1u << count) - 1);
        _bits >>= count;
        _bitCount -= count;
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Symbol(DeflateCode code)
    {
        int symbol = code.Decode((uint)_bits, out int length);
        if (symbol < 0 || length > _bitCount)
            throw GzipDecoder.Corrupt(length > _bitCount ? "it ends too early" : "a symbol of it is unknown");
        _bits >>= length;
        _bitCount -= length;
        return symbol;
    }
}
