using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>LZO1X in the framing of the lzop tool, which Linux builds use.</summary>
/// <remarks>
/// <code>
/// 89 'L' 'Z' 'O' 00 0D 0A 1A 0A | version u16 | library u16 | needed u16 | method u8 | level u8 | flags u32 | [filter u32]
/// | mode u32 | mtime u32 u32 | name length u8, name | header checksum u32 | [extra field]      (big-endian)
/// then blocks: unpacked size u32 (0 ends) | packed size u32 | checksums by flags | data
/// </code>
/// </remarks>
internal static class LzoDecoder
{
    private const uint AdlerUnpacked = 0x1;
    private const uint AdlerPacked = 0x2;
    private const uint ExtraField = 0x40;
    private const uint CrcUnpacked = 0x100;
    private const uint CrcPacked = 0x200;
    private const uint Filter = 0x800;
    private const uint HeaderCrc = 0x1000;
    private const uint BlockMaximum = 64 << 20;
    private const int MagicSize = 9;

    /// <summary>Unpacks the data; what follows its end mark is ignored.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        int position = MagicSize;
        uint flags = Header(data, ref position);
        while (true)
        {
            uint size = U32(data, ref position);
            if (size == 0)
                return;
            uint packed = U32(data, ref position);
            uint? adler = (flags & AdlerUnpacked) != 0 ? U32(data, ref position) : null;
            uint? crc = (flags & CrcUnpacked) != 0 ? U32(data, ref position) : null;
            if (size > BlockMaximum || packed > size)
                throw Corrupt("a block has an impossible size");
            if (packed < size)
                position += ((flags & AdlerPacked) != 0 ? 4 : 0) + ((flags & CrcPacked) != 0 ? 4 : 0);
            int start = output.Length;
            ReadOnlySpan<byte> block = Take(data, ref position, (int)packed);
            if (packed == size)
                output.Append(block, position);
            else
                Block(block, output, (int)size, position);
            ReadOnlySpan<byte> unpacked = output.Written.Span[start..];
            if ((adler is { } a && a != Adler32.Compute(unpacked)) || (crc is { } c && c != Crc32.Compute(unpacked)))
                throw Corrupt("a block does not match its checksum");
        }
    }

    private static uint Header(ReadOnlySpan<byte> data, ref int position)
    {
        ushort version = BinaryPrimitives.ReadUInt16BigEndian(Take(data, ref position, 2));
        bool modern = version >= 0x0940;
        Take(data, ref position, modern ? 4 : 2);
        byte method = Take(data, ref position, 1)[0];
        if (method is < 1 or > 3)
            throw new UnsupportedCompressionException($"The lzop file uses method {method}, not LZO1X.");
        if (modern)
            Take(data, ref position, 1);
        uint flags = U32(data, ref position);
        if ((flags & Filter) != 0)
            throw new UnsupportedCompressionException("The lzop file uses a filter, which is not supported.");
        Take(data, ref position, modern ? 12 : 8);
        Take(data, ref position, Take(data, ref position, 1)[0]);
        ReadOnlySpan<byte> header = data[MagicSize..position];
        uint checksum = U32(data, ref position);
        if (checksum != ((flags & HeaderCrc) != 0 ? Crc32.Compute(header) : Adler32.Compute(header)))
            throw Corrupt("the checksum of its header is wrong");
        if ((flags & ExtraField) != 0)
        {
            uint length = U32(data, ref position);
            if (length > data.Length)
                throw Corrupt("it ends too early");
            Take(data, ref position, (int)length + 4);
        }

        return flags;
    }

    private static unsafe void Block(ReadOnlySpan<byte> block, UnpackBuffer output, int size, int consumed)
    {
        // One byte of input yields at most 255 bytes of output, so a small block cannot claim a large one.
        if (size > (block.Length * 255L) + 64)
            throw Corrupt("a block claims more than it can hold");
        output.Reserve(size);
        bool good;
        fixed (byte* input = block)
        fixed (byte* bytes = output.Bytes)
        {
            byte* start = bytes + output.Length;
            good = Instructions(input, input + block.Length, start, start + size, bytes + output.Bytes.Length);
        }

        if (!good)
            throw Corrupt("a block of it does not decode");
        output.Advance(size, consumed);
    }

    /// <summary>
    /// One LZO1X stream. What an instruction below 16 means depends on how many literals came just before it: none, one to three
    /// (behind a match), or a run of four and more.
    /// </summary>
    /// <returns>True when it decodes to exactly the space from <paramref name="start"/> to <paramref name="end"/>.</returns>
    private static unsafe bool Instructions(byte* p, byte* inputEnd, byte* start, byte* end, byte* capacity)
    {
        const int run = 4;
        byte* at = start;
        int literals = 0;
        if (p < inputEnd && *p > 17)
        {
            uint count = *p++ - 17u;
            if (!Literals(ref p, inputEnd, ref at, end, count))
                return false;
            literals = count < run ? (int)count : run;
        }

        while (p < inputEnd)
        {
            uint instruction = *p++;
            uint distance;
            uint length;
            if (instruction < 16 && literals == 0)
            {
                length = instruction;
                if ((length == 0 && !Extend(ref p, inputEnd, 15, ref length)) || !Literals(ref p, inputEnd, ref at, end, length + 3))
                    return false;
                literals = run;
                continue;
            }

            if (instruction < 16)
            {
                if (p >= inputEnd)
                    return false;
                distance = ((uint)*p++ << 2) + (instruction >> 2) + (literals == run ? 2049u : 1u);
                length = literals == run ? 3u : 2u;
                literals = (int)(instruction & 3);
            }
            else if (instruction < 64)
            {
                bool far = instruction < 32;
                length = instruction & (far ? 7u : 31u);
                if (length == 0 && !Extend(ref p, inputEnd, far ? 7u : 31u, ref length))
                    return false;
                length += 2;
                if (inputEnd - p < 2)
                    return false;
                uint word = (uint)(p[0] | (p[1] << 8));
                p += 2;
                distance = far ? 16384 + ((instruction & 8) << 11) + (word >> 2) : (word >> 2) + 1;
                if (far && distance == 16384)
                    return at == end && p == inputEnd;
                literals = (int)(word & 3);
            }
            else
            {
                if (p >= inputEnd)
                    return false;
                distance = ((uint)*p++ << 3) + ((instruction >> 2) & 7) + 1;
                length = instruction < 128 ? 3 + ((instruction >> 5) & 1) : 5 + ((instruction >> 5) & 3);
                literals = (int)(instruction & 3);
            }

            if (distance > (ulong)(at - start) || length > (ulong)(end - at))
                return false;
            MatchCopy.Run(at, distance, length, capacity);
            at += length;
            if (!Literals(ref p, inputEnd, ref at, end, (uint)literals))
                return false;
        }

        return false;
    }

    private static unsafe bool Literals(ref byte* p, byte* inputEnd, ref byte* at, byte* end, uint count)
    {
        if (count > (ulong)(inputEnd - p) || count > (ulong)(end - at))
            return false;
        Unsafe.CopyBlockUnaligned(at, p, count);
        p += count;
        at += count;
        return true;
    }

    /// <summary>A length in zeros, 255 each, and a last byte.</summary>
    private static unsafe bool Extend(ref byte* p, byte* inputEnd, uint basis, ref uint length)
    {
        length = basis;
        while (p < inputEnd && *p == 0)
        {
            if (length > BlockMaximum)
                return false;
            length += 255;
            p++;
        }

        if (p >= inputEnd)
            return false;
        length += *p++;
        return true;
    }

    private static uint U32(ReadOnlySpan<byte> data, ref int position) => BinaryPrimitives.ReadUInt32BigEndian(Take(data, ref position, 4));

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int position, int count)
    {
        if (position > data.Length || count > data.Length - position)
            throw Corrupt("it ends too early");
        ReadOnlySpan<byte> bytes = data.Slice(position, count);
        position += count;
        return bytes;
    }

    private static CorruptPayloadException Corrupt(string detail) => new("lzo", detail);
}
