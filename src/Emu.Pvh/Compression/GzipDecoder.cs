using System.Buffers.Binary;

namespace Emu.Pvh.Compression;

/// <summary>gzip (RFC 1952), all members, with CRC-32 and length checked. The runtime's own stream accepts data that is cut off.</summary>
/// <remarks>
/// <code>
/// 1F 8B | method u8 = 8 | flags u8 | mtime u32 | xfl u8 | os u8 | [extra] [name] [comment] [header CRC u16] | deflate | CRC-32 | length u32
/// </code>
/// </remarks>
internal static class GzipDecoder
{
    private const int HeaderCrc = 2;
    private const int Extra = 4;
    private const int Name = 8;
    private const int Comment = 16;
    private const int TrailerSize = 8;

    /// <summary>Unpacks all members at the start of the data; what follows the last one is ignored.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        int position = 0;
        do
        {
            int start = output.Length;
            position = Header(data, position);
            Inflater inflater = new(data, position, output);
            position = inflater.Run();
            if (data.Length - position < TrailerSize)
                throw Corrupt("it ends too early");
            ReadOnlySpan<byte> member = output.Written.Span[start..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(data[position..]) != Crc32.Compute(member)
                || BinaryPrimitives.ReadUInt32LittleEndian(data[(position + 4)..]) != (uint)member.Length)
            {
                throw Corrupt("its contents do not match their checksum");
            }

            position += TrailerSize;
        }
        while (data.Length - position > 18 && Decompressor.Detect(data[position..]) == CompressionFormat.Gzip);
    }

    internal static CorruptPayloadException Corrupt(string detail) => new("gzip", detail);

    private static int Header(ReadOnlySpan<byte> data, int position)
    {
        if (data.Length - position < 10)
            throw Corrupt("it ends within its header");
        if (data[position + 2] != 8)
            throw new UnsupportedCompressionException($"The gzip file uses method {data[position + 2]}, not deflate.");
        byte flags = data[position + 3];
        if ((flags & 0xE0) != 0)
            throw new UnsupportedCompressionException("The gzip file uses flags from a newer version of the format.");
        int start = position;
        position += 10;
        if ((flags & Extra) != 0)
        {
            if (data.Length - position < 2)
                throw Corrupt("it ends within its header");
            position += 2 + BinaryPrimitives.ReadUInt16LittleEndian(data[position..]);
        }

        if ((flags & Name) != 0)
            position = SkipText(data, position);
        if ((flags & Comment) != 0)
            position = SkipText(data, position);
        if ((flags & HeaderCrc) != 0)
        {
            if (data.Length - position < 2)
                throw Corrupt("it ends within its header");
            if (BinaryPrimitives.ReadUInt16LittleEndian(data[position..]) != (ushort)Crc32.Compute(data[start..position]))
                throw Corrupt("the checksum of its header is wrong");
            position += 2;
        }

        return position <= data.Length ? position : throw Corrupt("it ends within its header");
    }

    private static int SkipText(ReadOnlySpan<byte> data, int position)
    {
        int length = position < data.Length ? data[position..].IndexOf((byte)0) : -1;
        return length >= 0 ? position + length + 1 : throw Corrupt("it ends within its header");
    }
}
