using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression.Zstd;

/// <summary>Zstandard frames without a dictionary (RFC 8878). The output is the window, so a large window costs nothing.</summary>
/// <remarks>
/// <code>
/// frame: 28 B5 2F FD | descriptor u8 | [window u8] | [dictionary id] | [content size] | blocks | [XXH64, low 32 bits]
/// block: last:1 type:2 size:21 | raw bytes, one repeated byte, or literals section + sequences section
/// </code>
/// </remarks>
internal sealed unsafe class ZstdDecoder
{
    private const uint Magic = 0xFD2FB528;
    private const uint SkippableMagic = 0x184D2A50;
    private const int BlockMaximum = 128 << 10;
    private const int Damaged = -1;
    private const int Overflow = -2;

    private readonly UnpackBuffer _output;
    private readonly byte[] _literals = new byte[BlockMaximum];
    private readonly HuffmanTable _huffman = new();
    private readonly FseTable _literalLengths = new();
    private readonly FseTable _offsets = new();
    private readonly FseTable _matchLengths = new();
    private bool _hasTables;
    private uint _repeat1;
    private uint _repeat2;
    private uint _repeat3;
    private int _frameStart;

    private ZstdDecoder(UnpackBuffer output) => _output = output;

    /// <summary>Unpacks all frames at the start of the data; what follows the last one is ignored, as Linux appends the unpacked size.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        ZstdDecoder decoder = new(output);
        int position = 0;
        while (data.Length - position >= 8)
        {
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(data[position..]);
            if (magic == Magic)
            {
                position = decoder.Frame(data, position + 4);
            }
            else if ((magic & 0xFFFFFFF0) == SkippableMagic)
            {
                uint size = BinaryPrimitives.ReadUInt32LittleEndian(data[(position + 4)..]);
                if (size > (uint)(data.Length - position - 8))
                    throw Corrupt("it ends within a skippable frame");
                position += 8 + (int)size;
            }
            else
            {
                break;
            }
        }

        if (position == 0)
            throw Corrupt("it ends too early");
    }

    private static CorruptPayloadException Corrupt(string detail) => new("zstd", detail);

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int position, int count)
    {
        if (count > data.Length - position)
            throw Corrupt("it ends too early");
        ReadOnlySpan<byte> bytes = data.Slice(position, count);
        position += count;
        return bytes;
    }

    private int Frame(ReadOnlySpan<byte> data, int position)
    {
        byte descriptor = Take(data, ref position, 1)[0];
        if ((descriptor & 0x08) != 0)
            throw new UnsupportedCompressionException("The zstd frame uses a feature from a newer version of the format.");
        bool singleSegment = (descriptor & 0x20) != 0;
        if (!singleSegment)
            Take(data, ref position, 1);
        int dictionaryBytes = (descriptor & 3) == 3 ? 4 : descriptor & 3;
        if (Take(data, ref position, dictionaryBytes).ContainsAnyExcept((byte)0))
            throw new UnsupportedCompressionException("The zstd frame needs a dictionary, which a kernel cannot bring.");
        ulong? contentSize = (descriptor >> 6) switch
        {
            0 => singleSegment ? Take(data, ref position, 1)[0] : null,
            1 => BinaryPrimitives.ReadUInt16LittleEndian(Take(data, ref position, 2)) + 256ul,
            2 => BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref position, 4)),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(Take(data, ref position, 8)),
        };

        _frameStart = _output.Length;
        _huffman.Clear();
        _hasTables = false;
        (_repeat1, _repeat2, _repeat3) = (1, 4, 8);
        bool last;
        do
            last = Block(data, ref position);
        while (!last);

        ReadOnlySpan<byte> content = _output.Written.Span[_frameStart..];
        if (contentSize is { } expected && expected != (ulong)content.Length)
            throw Corrupt("its length is not what its frame header says");
        if ((descriptor & 4) != 0 && BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref position, 4)) != (uint)XxHash64.Compute(content))
            throw Corrupt("its contents do not match their checksum");
        return position;
    }

    private bool Block(ReadOnlySpan<byte> data, ref int position)
    {
        ReadOnlySpan<byte> header = Take(data, ref position, 3);
        int word = header[0] | (header[1] << 8) | (header[2] << 16);
        int size = word >> 3;
        if (size > BlockMaximum)
            throw Corrupt("a block is larger than the format allows");
        switch ((word >> 1) & 3)
        {
            case 0:
                _output.Append(Take(data, ref position, size), position);
                break;
            case 1:
                byte value = Take(data, ref position, 1)[0];
                _output.Reserve(size);
                _output.Bytes.AsSpan(_output.Length, size).Fill(value);
                _output.Advance(size, position);
                break;
            case 2:
                CompressedBlock(Take(data, ref position, size), position);
                break;
            default:
                throw Corrupt("a block has an unknown type");
        }

        return (word & 1) != 0;
    }

    private void CompressedBlock(ReadOnlySpan<byte> block, int consumed)
    {
        int position = 0;
        int literals = Literals(block, ref position);
        int sequences = SequenceCount(block, ref position);
        if (sequences == 0)
        {
            if (position != block.Length)
                throw Corrupt("a block has bytes behind its literals");
            _output.Append(_literals.AsSpan(0, literals), consumed);
            return;
        }

        byte modes = Take(block, ref position, 1)[0];
        if ((modes & 3) != 0)
            throw Corrupt("a block has unknown table modes");
        Table(_literalLengths, modes >> 6, block, ref position, SequenceCodes.LiteralLengthLog, SequenceCodes.MaximumLiteralLength,
            SequenceCodes.DefaultLiteralLengths, 6);
        Table(_offsets, (modes >> 4) & 3, block, ref position, SequenceCodes.OffsetLog, SequenceCodes.MaximumOffset,
            SequenceCodes.DefaultOffsets, 5);
        Table(_matchLengths, (modes >> 2) & 3, block, ref position, SequenceCodes.MatchLengthLog, SequenceCodes.MaximumMatchLength,
            SequenceCodes.DefaultMatchLengths, 6);
        _hasTables = true;

        _output.ReserveUpTo(BlockMaximum);
        int room = Math.Min(BlockMaximum, _output.Bytes.Length - _output.Length);
        int written = Sequences(block[position..], sequences, literals, room);
        if (written == Overflow && room < BlockMaximum)
            throw _output.TooLarge();
        if (written < 0)
            throw Corrupt("a block of it does not decode");
        _output.Advance(written, consumed);
    }

    /// <summary>Reads the literals section into <see cref="_literals"/>.</summary>
    /// <returns>How many literals there are.</returns>
    private int Literals(ReadOnlySpan<byte> block, ref int position)
    {
        byte first = Take(block, ref position, 1)[0];
        int type = first & 3;
        int format = (first >> 2) & 3;
        if (type <= 1)
        {
            int size = format switch
            {
                1 => (first >> 4) | (Take(block, ref position, 1)[0] << 4),
                3 => (first >> 4) | (BinaryPrimitives.ReadUInt16LittleEndian(Take(block, ref position, 2)) << 4),
                _ => first >> 3,
            };
            if (size > BlockMaximum)
                throw Corrupt("a block has too many literals");
            if (type == 0)
                Take(block, ref position, size).CopyTo(_literals);
            else
                _literals.AsSpan(0, size).Fill(Take(block, ref position, 1)[0]);
            return size;
        }

        int sizeBits = format < 2 ? 10 : format == 2 ? 14 : 18;
        ulong word = first;
        ReadOnlySpan<byte> rest = Take(block, ref position, ((sizeBits * 2) + 4 + 7) / 8 - 1);
        for (int i = 0; i < rest.Length; i++)
            word |= (ulong)rest[i] << (8 * (i + 1));
        int count = (int)((word >> 4) & ((1u << sizeBits) - 1));
        int packed = (int)((word >> (4 + sizeBits)) & ((1u << sizeBits) - 1));
        ReadOnlySpan<byte> section = Take(block, ref position, packed);
        if (count > BlockMaximum)
            throw Corrupt("a block has too many literals");
        if (type == 2)
        {
            int used = _huffman.Read(section);
            if (used < 0)
                throw Corrupt("a Huffman table of it is wrong");
            section = section[used..];
        }
        else if (!_huffman.IsReady)
        {
            throw Corrupt("a block uses a Huffman table that is not there");
        }

        if (!HuffmanStreams(section, _literals.AsSpan(0, count), format == 0))
            throw Corrupt("the literals of a block do not decode");
        return count;
    }

    private bool HuffmanStreams(ReadOnlySpan<byte> section, Span<byte> literals, bool single)
    {
        if (single)
            return _huffman.Decode(section, literals);
        if (section.Length < 6)
            return false;
        int each = (literals.Length + 3) / 4;
        int at = 6;
        for (int i = 0; i < 4; i++)
        {
            int length = i < 3 ? BinaryPrimitives.ReadUInt16LittleEndian(section[(2 * i)..]) : section.Length - at;
            if (length > section.Length - at || i * each > literals.Length)
                return false;
            Span<byte> part = i < 3 ? literals[(i * each)..Math.Min((i + 1) * each, literals.Length)] : literals[(3 * each)..];
            if (!_huffman.Decode(section.Slice(at, length), part))
                return false;
            at += length;
        }

        return true;
    }

    private static int SequenceCount(ReadOnlySpan<byte> block, ref int position)
    {
        int first = Take(block, ref position, 1)[0];
        return first switch
        {
            < 128 => first,
            < 255 => ((first - 128) << 8) + Take(block, ref position, 1)[0],
            _ => BinaryPrimitives.ReadUInt16LittleEndian(Take(block, ref position, 2)) + 0x7F00,
        };
    }

    private void Table(
        FseTable table,
        int mode,
        ReadOnlySpan<byte> block,
        ref int position,
        int maximumLog,
        int maximumSymbol,
        ReadOnlySpan<short> defaults,
        int log)
    {
        switch (mode)
        {
            case 0:
                table.Build(defaults, log);
                break;
            case 1:
                byte symbol = Take(block, ref position, 1)[0];
                if (symbol > maximumSymbol)
                    throw Corrupt("a block uses an unknown code");
                table.SetSingle(symbol);
                break;
            case 2:
                int used = table.Read(block[position..], maximumLog, maximumSymbol);
                if (used < 0)
                    throw Corrupt("a table of it is wrong");
                position += used;
                break;
            default:
                if (!_hasTables)
                    throw Corrupt("a block uses tables that are not there");
                break;
        }
    }

    /// <summary>Runs the sequences: literals, then a match, again and again; then the remaining literals.</summary>
    /// <returns>How many bytes were written; negative when the block is damaged or does not fit.</returns>
    private int Sequences(ReadOnlySpan<byte> stream, int count, int literalCount, int room)
    {
        fixed (byte* input = stream)
        fixed (byte* literalBase = _literals)
        fixed (byte* outputBase = _output.Bytes)
        {
            if (!BackwardBits.TryCreate(input, stream.Length, out BackwardBits bits))
                return Damaged;
            byte* capacity = outputBase + _output.Bytes.Length;
            byte* dictionary = outputBase + _frameStart;
            byte* start = outputBase + _output.Length;
            byte* at = start;
            byte* end = start + room;
            byte* literal = literalBase;
            byte* literalEnd = literalBase + literalCount;
            uint literalState = _literalLengths.Start(ref bits);
            uint offsetState = _offsets.Start(ref bits);
            uint matchState = _matchLengths.Start(ref bits);
            for (int i = 0; i < count; i++)
            {
                int offsetCode = _offsets.Symbol(offsetState);
                int matchCode = _matchLengths.Symbol(matchState);
                int literalCode = _literalLengths.Symbol(literalState);
                uint offsetValue = (1u << offsetCode) + bits.Read(offsetCode);
                uint matchLength = SequenceCodes.MatchLengthBase[matchCode] + bits.Read(SequenceCodes.MatchLengthBits[matchCode]);
                uint literalLength = SequenceCodes.LiteralLengthBase[literalCode] + bits.Read(SequenceCodes.LiteralLengthBits[literalCode]);
                if (i != count - 1)
                {
                    literalState = _literalLengths.Next(literalState, ref bits);
                    matchState = _matchLengths.Next(matchState, ref bits);
                    offsetState = _offsets.Next(offsetState, ref bits);
                }

                uint distance = Distance(offsetValue, literalLength);
                if (bits.Remaining < 0 || literalLength > (ulong)(literalEnd - literal))
                    return Damaged;
                if (literalLength > (ulong)(end - at))
                    return Overflow;
                Unsafe.CopyBlockUnaligned(at, literal, literalLength);
                at += literalLength;
                literal += literalLength;
                if (distance == 0 || distance > (ulong)(at - dictionary))
                    return Damaged;
                if (matchLength > (ulong)(end - at))
                    return Overflow;
                MatchCopy.Run(at, distance, matchLength, capacity);
                at += matchLength;
            }

            uint rest = (uint)(literalEnd - literal);
            if (bits.Remaining != 0)
                return Damaged;
            if (rest > (ulong)(end - at))
                return Overflow;
            Unsafe.CopyBlockUnaligned(at, literal, rest);
            return (int)(at + rest - start);
        }
    }

    /// <summary>
    /// Values above 3 are distances; 1 to 3 name one of the last three, shifted by one where no literals precede, and the one past them
    /// is the last distance less one. The one used comes to the front.
    /// </summary>
    private uint Distance(uint value, uint literalLength)
    {
        uint distance;
        if (value > 3)
        {
            distance = value - 3;
        }
        else
        {
            uint index = value + (literalLength == 0 ? 1u : 0u);
            switch (index)
            {
                case 1:
                    return _repeat1;
                case 2:
                    (_repeat1, _repeat2) = (_repeat2, _repeat1);
                    return _repeat1;
                default:
                    distance = index == 3 ? _repeat3 : _repeat1 - 1;
                    break;
            }
        }

        _repeat3 = _repeat2;
        _repeat2 = _repeat1;
        _repeat1 = distance;
        return distance;
    }
}
