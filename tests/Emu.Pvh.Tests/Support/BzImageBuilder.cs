using System.Buffers.Binary;
using System.IO.Compression;

namespace Emu.Pvh.Tests.Support;

/// <summary>Builds a bzImage around a payload.</summary>
internal static class BzImageBuilder
{
    public const int SetupSectors = 2;
    public const int PayloadOffset = 0x40;

    /// <summary>Wraps a payload; Linux appends the unpacked size to all but gzip.</summary>
    public static byte[] Build(byte[] payload, uint? appendedSize = null, ushort version = 0x020F)
    {
        int start = ((SetupSectors + 1) * 512) + PayloadOffset;
        byte[] file = new byte[start + payload.Length + (appendedSize is null ? 0 : 4) + 32];
        file[0x1F1] = SetupSectors;
        file[0x1FE] = 0x55;
        file[0x1FF] = 0xAA;
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x206), version);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x20E), 0x100);
        "6.1.0-test (us@here)\0"u8.CopyTo(file.AsSpan(0x300));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x248), PayloadOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x24C), (uint)(payload.Length + (appendedSize is null ? 0 : 4)));
        payload.CopyTo(file, start);
        if (appendedSize is { } size)
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(start + payload.Length), size);
        return file;
    }

    public static byte[] Gzip(byte[] data)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal))
            gzip.Write(data);
        return packed.ToArray();
    }
}
