using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Emu.Pvh.Compression;

/// <summary>
/// xz (The .xz File Format, version 1.2.1): LZMA2, with the x86 branch filter and the delta filter in front where a block names them.
/// </summary>
/// <remarks>
/// <code>
/// stream: FD '7' 'z' 'X' 'Z' 00 | flags u16 | CRC-32 || block … || index || CRC-32 | backward size u32 | flags u16 | 'Y' 'Z'
/// block:  header size/4 − 1 u8 | flags u8 | sizes | filters | padding | CRC-32 || LZMA2 chunks || padding to 4 || check
/// </code>
/// </remarks>
internal ref struct XzDecoder
{
    private const ulong DeltaFilter = 0x03;
    private const ulong X86Filter = 0x04;
    private const ulong Lzma2Filter = 0x21;

    private readonly ReadOnlySpan<byte> _input;
    private readonly UnpackBuffer _output;
    private readonly LzmaCore _lzma;
    private int _position;

    private XzDecoder(ReadOnlySpan<byte> input, UnpackBuffer output)
    {
        _input = input;
        _output = output;
        _lzma = new LzmaCore();
    }

    /// <summary>Unpacks all streams at the start of the data; what follows the last one is ignored.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        XzDecoder decoder = new(data, output);
        do
            decoder.Stream();
        while (decoder.SkipToNextStream());
    }

    private static CorruptPayloadException Corrupt(string detail) => new("xz", detail);

    private void Stream()
    {
        ReadOnlySpan<byte> header = Take(12);
        if (Crc32.Compute(header.Slice(6, 2)) != BinaryPrimitives.ReadUInt32LittleEndian(header[8..]))
            throw Corrupt("the checksum of its header is wrong");
        if (header[6] != 0 || header[7] > 15)
            throw new UnsupportedCompressionException("The xz stream uses flags from a newer version of the format.");
        int check = header[7];
        List<(ulong Unpadded, ulong Size)> records = [];
        while (Peek() != 0)
            records.Add(Block(check));
        int indexSize = Index(records);

        ReadOnlySpan<byte> footer = Take(12);
        if (footer[10] != 'Y' || footer[11] != 'Z')
            throw Corrupt("its footer is missing");
        if (Crc32.Compute(footer.Slice(4, 6)) != BinaryPrimitives.ReadUInt32LittleEndian(footer))
            throw Corrupt("the checksum of its footer is wrong");
        if (footer[8] != 0 || footer[9] != check || (BinaryPrimitives.ReadUInt32LittleEndian(footer[4..]) + 1L) * 4 != indexSize)
            throw Corrupt("its footer contradicts its header");
    }

    private (ulong Unpadded, ulong Size) Block(int check)
    {
        int start = _position;
        int outputStart = _output.Length;
        BlockHeader header = ReadBlockHeader();
        int dataStart = _position;
        Lzma2();
        int compressedSize = _position - dataStart;
        int size = _output.Length - outputStart;
        if ((header.CompressedSize is { } claimed && claimed != (ulong)compressedSize) || (header.Size is { } total && total != (ulong)size))
            throw Corrupt("a block has another length than its header says");

        Span<byte> block = _output.Bytes.AsSpan(outputStart, size);
        if (header.DeltaDistance != 0)
            Delta(block, header.DeltaDistance);
        if (header.X86Start is { } x86Start)
            X86BranchFilter.Decode(block, x86Start);
        int checkSize = check == 0 ? 0 : 4 << ((check - 1) / 3);
        ulong unpadded = (ulong)(_position - start + checkSize);
        SkipPadding(dataStart);
        VerifyCheck(check, block, Take(checkSize));
        return (unpadded, (ulong)size);
    }

    private BlockHeader ReadBlockHeader()
    {
        int start = _position;
        int length = (Peek() + 1) * 4;
        ReadOnlySpan<byte> bytes = Take(length);
        if (Crc32.Compute(bytes[..^4]) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]))
            throw Corrupt("the checksum of a block header is wrong");
        byte flags = bytes[1];
        if ((flags & 0x3C) != 0)
            throw new UnsupportedCompressionException("The xz stream uses block flags from a newer version of the format.");
        _position = start + 2;
        int end = start + length - 4;
        BlockHeader header = default;
        if ((flags & 0x40) != 0)
            header.CompressedSize = Number(end);
        if ((flags & 0x80) != 0)
            header.Size = Number(end);
        int filters = (flags & 3) + 1;
        for (int i = 0; i < filters; i++)
        {
            ulong id = Number(end);
            ulong propertySize = Number(end);
            if (propertySize > (ulong)(end - _position))
                throw Corrupt("a block header is too short for its filters");
            ReadOnlySpan<byte> properties = Take((int)propertySize);
            AddFilter(ref header, id, properties, last: i == filters - 1);
        }

        if (_input[_position..end].ContainsAnyExcept((byte)0))
            throw Corrupt("a block header has padding that is not zero");
        _position = start + length;
        return header;
    }

    private static void AddFilter(ref BlockHeader header, ulong id, ReadOnlySpan<byte> properties, bool last)
    {
        // LZMA2 ends the chain; a delta before an x86 filter would need another order than ours and no tool for kernels writes it.
        switch (id)
        {
            case Lzma2Filter when last && properties.Length == 1 && properties[0] <= 40:
                return;
            case X86Filter when !last && header.X86Start is null && header.DeltaDistance == 0 && properties.Length is 0 or 4:
                header.X86Start = properties.Length == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(properties) : 0;
                return;
            case DeltaFilter when !last && header.DeltaDistance == 0 && properties.Length == 1:
                header.DeltaDistance = properties[0] + 1;
                return;
            case Lzma2Filter or X86Filter or DeltaFilter:
                throw Corrupt("its filter chain is wrong");
            default:
                throw new UnsupportedCompressionException(
                    $"The xz stream uses filter 0x{id:x}, which is not for x86 code; only LZMA2, x86 and delta are supported.");
        }
    }

    private void Lzma2()
    {
        int dictionary = _output.Length;
        bool needDictionary = true;
        bool needProperties = true;
        while (true)
        {
            byte control = Take(1)[0];
            if (control == 0)
                return;
            if (control is 1 or >= 0xE0)
            {
                dictionary = _output.Length;
                needDictionary = false;
                needProperties = true;
            }
            else if (needDictionary)
            {
                throw Corrupt("its first chunk does not reset the dictionary");
            }

            if (control < 0x80)
            {
                if (control > 2)
                    throw Corrupt("a chunk has an unknown type");
                ReadOnlySpan<byte> raw = Take(BinaryPrimitives.ReadUInt16BigEndian(Take(2)) + 1);
                _output.Append(raw, _position);
                continue;
            }

            int size = (((control & 0x1F) << 16) | BinaryPrimitives.ReadUInt16BigEndian(Take(2))) + 1;
            int compressed = BinaryPrimitives.ReadUInt16BigEndian(Take(2)) + 1;
            if (control >= 0xC0)
            {
                byte properties = Take(1)[0];
                if (!LzmaCore.IsLzma2(properties) || !_lzma.SetProperties(properties))
                    throw Corrupt("a chunk has impossible properties");
                needProperties = false;
            }
            else if (needProperties)
            {
                throw Corrupt("a chunk has no properties");
            }
            else if (control >= 0xA0)
            {
                _lzma.ResetState();
            }

            Chunk(Take(compressed), size, dictionary);
        }
    }

    private readonly void Chunk(ReadOnlySpan<byte> chunk, int size, int dictionary)
    {
        _output.Reserve(size);
        int position = 0;
        int at = _output.Length;
        int end = at + size;
        if (!_lzma.StartRangeCoder(chunk, ref position)
            || _lzma.Decode(chunk, ref position, _output.Bytes, dictionary, ref at, end, end) != LzmaCore.Outcome.Stopped
            || !_lzma.Normalize(chunk, ref position)
            || position != chunk.Length
            || !_lzma.IsFinished)
        {
            throw Corrupt("a chunk of it does not decode");
        }

        _output.Advance(size, _position);
    }

    /// <summary>Reads the index and holds it against the blocks.</summary>
    /// <returns>Its length in bytes.</returns>
    private int Index(List<(ulong Unpadded, ulong Size)> records)
    {
        int start = _position;
        _position++;
        bool good = Number(_input.Length) == (ulong)records.Count;
        for (int i = 0; good && i < records.Count; i++)
            good = Number(_input.Length) == records[i].Unpadded && Number(_input.Length) == records[i].Size;
        if (!good)
            throw Corrupt("its index contradicts its blocks");
        SkipPadding(start);
        uint crc = Crc32.Compute(_input[start.._position]);
        if (crc != BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))
            throw Corrupt("the checksum of its index is wrong");
        return _position - start;
    }

    private static void VerifyCheck(int check, ReadOnlySpan<byte> block, ReadOnlySpan<byte> expected)
    {
        bool good = check switch
        {
            1 => Crc32.Compute(block) == BinaryPrimitives.ReadUInt32LittleEndian(expected),
            4 => Crc64.Compute(block) == BinaryPrimitives.ReadUInt64LittleEndian(expected),
            10 => SHA256.HashData(block).AsSpan().SequenceEqual(expected),
            // The format reserves the other numbers: a decoder skips checks that it does not know.
            _ => true,
        };
        if (!good)
            throw Corrupt("its contents do not match their checksum");
    }

    private static void Delta(Span<byte> block, int distance)
    {
        for (int i = distance; i < block.Length; i++)
            block[i] += block[i - distance];
    }

    /// <summary>Streams may follow each other, with zeros in multiples of four between them.</summary>
    private bool SkipToNextStream()
    {
        int at = _position;
        while (_input.Length - at >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(_input[at..]) == 0)
            at += 4;
        if (_input.Length - at < 12 || Decompressor.Detect(_input[at..]) != CompressionFormat.Xz)
            return false;
        _position = at;
        return true;
    }

    private void SkipPadding(int start)
    {
        int padding = (start - _position) & 3;
        if (Take(padding).ContainsAnyExcept((byte)0))
            throw Corrupt("it has padding that is not zero");
    }

    private readonly byte Peek() => _position < _input.Length ? _input[_position] : throw Corrupt("it ends too early");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _input.Length - _position)
            throw Corrupt("it ends too early");
        ReadOnlySpan<byte> bytes = _input.Slice(_position, count);
        _position += count;
        return bytes;
    }

    /// <summary>A number in groups of seven bits, lowest first.</summary>
    private ulong Number(int end)
    {
        ulong value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            if (_position >= end)
                throw Corrupt("it ends within a number");
            byte b = _input[_position++];
            value |= (ulong)(b & 0x7F) << shift;
            if ((b & 0x80) == 0)
                return value;
        }

        throw Corrupt("it holds an endless number");
    }

    private struct BlockHeader
    {
        public ulong? CompressedSize;
        public ulong? Size;
        public uint? X86Start;
        public int DeltaDistance;
    }
}
