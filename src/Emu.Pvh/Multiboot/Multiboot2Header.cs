using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>A Multiboot 2 header (Multiboot2 specification 2.0, §3.1).</summary>
/// <param name="FileOffset">Where it stands in the image, in bytes.</param>
/// <param name="Architecture">0 for 32-bit protected mode of i386.</param>
/// <param name="Length">Its length with all tags, in bytes.</param>
public sealed record Multiboot2Header(int FileOffset, uint Architecture, uint Length)
{
    /// <summary>The magic number of the header.</summary>
    public const uint Magic = 0xE85250D6;

    /// <summary>What EAX holds when a Multiboot 2 loader enters the kernel.</summary>
    public const uint LoaderMagic = 0x36D76289;

    /// <summary>The header with its tags must end in so many bytes from the beginning of the image.</summary>
    internal const int SearchLength = 32768;

    /// <summary>The bytes before the tags: magic, architecture, length, checksum.</summary>
    internal const int FixedLength = 16;

    /// <summary>Looks for a valid header: 8-aligned, in the first 32 KiB, with a checksum that fits. Its tags are not looked at.</summary>
    /// <param name="image">The image.</param>
    /// <returns>The header, or null.</returns>
    public static Multiboot2Header? Find(ReadOnlySpan<byte> image)
    {
        int end = Math.Min(image.Length, SearchLength) - FixedLength;
        for (int at = 0; at <= end; at += 8)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(image[at..]) != Magic)
                continue;
            uint architecture = BinaryPrimitives.ReadUInt32LittleEndian(image[(at + 4)..]);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(image[(at + 8)..]);
            uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(image[(at + 12)..]);
            if (unchecked(Magic + architecture + length + checksum) == 0)
                return new Multiboot2Header(at, architecture, length);
        }

        return null;
    }
}
