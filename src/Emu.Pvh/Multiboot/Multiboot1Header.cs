using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>
/// A Multiboot 1 header (Multiboot specification 0.6.96, §3.1): in the first 8192 bytes of the image, 4-aligned. QEMU prefers it to the PVH
/// note.
/// </summary>
/// <remarks>
/// <code>
///  0 magic | 4 flags | 8 checksum: the three sum to 0
/// 12 header_addr | 16 load_addr | 20 load_end_addr | 24 bss_end_addr | 28 entry_addr    with flag 16
/// 32 mode_type | 36 width | 40 height | 44 depth                                        with flag 2
///
/// flags:  0 modules page-aligned   1 memory information   2 video mode   3-15 not defined: refuse   16 addresses in the header
/// </code>
/// </remarks>
/// <param name="FileOffset">Where it stands in the image, in bytes.</param>
/// <param name="Flags">Its flags.</param>
public sealed record Multiboot1Header(int FileOffset, uint Flags)
{
    /// <summary>The magic number of the header.</summary>
    public const uint Magic = 0x1BADB002;

    /// <summary>What EAX holds when a Multiboot 1 loader enters the kernel; QEMU's microvm leaves it there in PVH boots too.</summary>
    public const uint LoaderMagic = 0x2BADB002;

    /// <summary>The requirements that the specification does not define: a loader that meets one of these bits must refuse.</summary>
    public const uint UndefinedRequirements = 0xFFF8;

    private const uint AddressFlag = 0x10000;
    private const uint VideoFlag = 0x4;
    private const int SearchLength = 8192;
    private const int ShortLength = 12;
    private const int LengthWithAddresses = 32;

    /// <summary>True when the header itself says where to load the kernel, so that the ELF headers do not count.</summary>
    public bool HasAddresses => (Flags & AddressFlag) != 0;

    /// <summary>True when the kernel would like a video mode, which is never set here.</summary>
    public bool WantsVideo => (Flags & VideoFlag) != 0;

    /// <summary>The address fields; null when <see cref="HasAddresses"/> is false, or the image ends before them.</summary>
    public MultibootAddresses? Addresses { get; private init; }

    /// <summary>Looks for a valid header: 4-aligned, wholly in the first 8 KiB, with a checksum that fits.</summary>
    /// <param name="image">The image.</param>
    /// <returns>The header, or null.</returns>
    public static Multiboot1Header? Find(ReadOnlySpan<byte> image)
    {
        image = image[..Math.Min(image.Length, SearchLength)];
        for (int at = 0; at <= image.Length - ShortLength; at += 4)
        {
            if (U32(image, at) != Magic)
                continue;
            uint flags = U32(image, at + 4);
            if (unchecked(Magic + flags + U32(image, at + 8)) != 0)
                continue;
            bool hasAddresses = (flags & AddressFlag) != 0 && at <= image.Length - LengthWithAddresses;
            return new Multiboot1Header(at, flags)
            {
                Addresses = !hasAddresses ? null : new MultibootAddresses(
                    U32(image, at + 12), U32(image, at + 16), U32(image, at + 20), U32(image, at + 24), U32(image, at + 28)),
            };
        }

        return null;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}

/// <summary>The address fields of a Multiboot header (the "a.out kludge"), all physical.</summary>
/// <param name="Header">Where the header itself lies in memory.</param>
/// <param name="Load">Where the first byte to load goes; the header's offset in the file less (Header − Load) is where it comes from.</param>
/// <param name="LoadEnd">The end of what is loaded from the file; 0 for the whole rest of the file.</param>
/// <param name="BssEnd">The end of what is zeroed behind it; 0 for nothing.</param>
/// <param name="Entry">The entry point.</param>
public sealed record MultibootAddresses(uint Header, uint Load, uint LoadEnd, uint BssEnd, uint Entry);
