using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Emu.Pvh.Compression;

/// <summary>LZ4: the legacy framing that Linux builds use, and the frame format that the tool writes by default.</summary>
/// <remarks>
/// <code>
/// legacy: 02 21 4C 18 | (size u32 | block)…            each block unpacks to at most 8 MiB and stands alone
/// frame:  04 22 4D 18 | FLG BD [size u64] [dict u32] HC | (size u32 | block [XXH32])… | 0 u32 | [XXH32]
/// block:  token (literals:4, match:4) [255…] literals | offset u16 [255…] …
/// </code>
/// </remarks>
internal static class Lz4Decoder
{
    private const uint LegacyMagic = 0x184C2102;
    private const int LegacyBlock = 8 << 20;
    private const int Window = 65536;
    private const int Damaged = -1;
    private const int Overflow = -2;

    /// <summary>Unpacks the data.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(data) == LegacyMagic)
            Legacy(data, output);
        else
            Frame(data, output);
    }

    private static void Legacy(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        int position = 4;
        while (data.Length - position > 4)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(data[position..]);
            position += 4;
            if (size == LegacyMagic)
                continue;
            if (size == 0 || size > (uint)(data.Length - position))
                throw Corrupt("a block runs past its end");
            Block(data.Slice(position, (int)size), output, output.Length, LegacyBlock, position);
            position += (int)size;
        }

        // Linux appends the unpacked size.
        if (data.Length - position == 4 && BinaryPrimitives.ReadUInt32LittleEndian(data[position..]) != (uint)output.Length)
            throw Corrupt("its length does not match the size behind it");
        if (data.Length - position is > 0 and < 4)
            throw Corrupt("it ends within a block header");
    }

    private static void Frame(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        int position = 4;
        byte flags = Take(data, ref position, 1)[0];
        byte blockDescriptor = Take(data, ref position, 1)[0];
        if ((flags & 0xC2) != 0x40 || (blockDescriptor & 0x8F) != 0)
            throw new UnsupportedCompressionException("The LZ4 frame is of a version that is not supported.");
        if ((flags & 1) != 0)
            throw new UnsupportedCompressionException("The LZ4 frame needs a dictionary, which a kernel cannot bring.");
        int sizeCode = (blockDescriptor >> 4) & 7;
        if (sizeCode < 4)
            throw Corrupt("its frame header names an impossible block size");
        int blockMaximum = 1 << (8 + (2 * sizeCode));
        ulong? contentSize = (flags & 8) != 0 ? BinaryPrimitives.ReadUInt64LittleEndian(Take(data, ref position, 8)) : null;
        byte headerChecksum = (byte)(XxHash32.Compute(data[4..position]) >> 8);
        if (Take(data, ref position, 1)[0] != headerChecksum)
            throw Corrupt("the checksum of its frame header is wrong");

        bool independent = (flags & 0x20) != 0;
        while (true)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref position, 4));
            if (size == 0)
                break;
            bool stored = (size & 0x80000000) != 0;
            size &= 0x7FFFFFFF;
            if (size > (uint)blockMaximum)
                throw Corrupt("a block is larger than its frame allows");
            ReadOnlySpan<byte> block = Take(data, ref position, (int)size);
            if ((flags & 0x10) != 0 && BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref position, 4)) != XxHash32.Compute(block))
                throw Corrupt("a block does not match its checksum");
            if (stored)
                output.Append(block, position);
            else
                Block(block, output, independent ? output.Length : Math.Max(0, output.Length - Window), blockMaximum, position);
        }

        if (contentSize is { } expected && expected != (ulong)output.Length)
            throw Corrupt("its length is not what its frame header says");
        if ((flags & 4) != 0 && BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref position, 4)) != XxHash32.Compute(output.Written.Span))
            throw Corrupt("its contents do not match their checksum");
    }

    /// <summary>Unpacks one block into the output; matches reach back to <paramref name="dictionary"/>.</summary>
    private static unsafe void Block(ReadOnlySpan<byte> block, UnpackBuffer output, int dictionary, int maximum, int consumed)
    {
        // One byte of input yields at most 255 bytes of output.
        output.ReserveUpTo(Math.Min(maximum, block.Length * 255L));
        int start = output.Length;
        int end = (int)Math.Min((long)start + maximum, output.Bytes.Length);
        int written;
        fixed (byte* input = block)
        fixed (byte* bytes = output.Bytes)
            written = Sequences(input, input + block.Length, bytes + dictionary, bytes + start, bytes + end, bytes + output.Bytes.Length);
        if (written == Overflow && end - start < maximum)
            throw output.TooLarge();
        if (written < 0)
            throw Corrupt("a block of it does not decode");
        output.Advance(written, consumed);
    }

    /// <returns>How many bytes were written; negative when the block is damaged or does not fit.</returns>
    private static unsafe int Sequences(byte* p, byte* inputEnd, byte* dictionary, byte* start, byte* end, byte* capacity)
    {
        byte* at = start;
        while (p < inputEnd)
        {
            uint token = *p++;
            uint literals = token >> 4;
            if (literals == 15 && !Extend(ref p, inputEnd, ref literals))
                return Damaged;
            if (literals > (ulong)(inputEnd - p))
                return Damaged;
            if (literals > (ulong)(end - at))
                return Overflow;
            Unsafe.CopyBlockUnaligned(at, p, literals);
            at += literals;
            p += literals;
            if (p == inputEnd)
                return (int)(at - start);

            if (inputEnd - p < 2)
                return Damaged;
            uint distance = (uint)(p[0] | (p[1] << 8));
            p += 2;
            uint length = token & 15;
            if (length == 15 && !Extend(ref p, inputEnd, ref length))
                return Damaged;
            length += 4;
            if (distance == 0 || distance > (ulong)(at - dictionary))
                return Damaged;
            if (length > (ulong)(end - at))
                return Overflow;
            MatchCopy.Run(at, distance, length, capacity);
            at += length;
        }

        // A block ends with literals, so this is an empty or a cut one.
        return Damaged;
    }

    private static unsafe bool Extend(ref byte* p, byte* inputEnd, ref uint length)
    {
        uint value;
        do
        {
            // A block is at most 2^31 bytes, and 255 × 2^23 bytes exceed every block's output.
            if (p >= inputEnd || length > LegacyBlock)
                return false;
            value = *p++;
            length += value;
        }
        while (value == 255);
        return true;
    }

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int position, int count)
    {
        if (count > data.Length - position)
            throw Corrupt("it ends too early");
        ReadOnlySpan<byte> bytes = data.Slice(position, count);
        position += count;
        return bytes;
    }

    private static CorruptPayloadException Corrupt(string detail) => new("lz4", detail);
}
