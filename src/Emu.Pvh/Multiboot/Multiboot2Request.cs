using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>What the tags of a Multiboot 2 header ask of a loader (Multiboot2 specification 2.0, §3.1.3 to §3.1.13).</summary>
/// <remarks>
/// <code>
/// tag: 0 type (16 bits) | 2 flags (16 bits), of which 0 says that it is optional | 4 size without the padding to 8 bytes | 8 …
///
///  0 end
///  1 information    types of information that the kernel wants
///  2 addresses      header_addr | load_addr, all ones for "from the file's beginning" | load_end_addr | bss_end_addr
///  3 entry          entry_addr
///  4 console        0 one is required | 1 the kernel can use EGA text
///  5 framebuffer    width | height | depth: the mode that it would like
///  6 module alignment
///  7 EFI boot services, 8 EFI entry for i386, 9 EFI entry for AMD64: for machines with EFI only
/// 10 relocatable    min_addr | max_addr | align | preference: 0 none, 1 lowest, 2 highest
/// </code>
/// </remarks>
public sealed record Multiboot2Request
{
    private const ushort EndTag = 0, InformationTag = 1, AddressTag = 2, EntryTag = 3, ConsoleTag = 4, FramebufferTag = 5, ModuleTag = 6;
    private const ushort EfiServicesTag = 7, EfiEntryTag32 = 8, EfiEntryTag64 = 9, RelocatableTag = 10;
    private const ushort OptionalFlag = 1;
    private const int TagHeaderLength = 8;
    private const uint ConsoleRequired = 1;

    /// <summary>The last type of information that the specification defines.</summary>
    private const uint LastInformation = 21;

    private const uint FromFileStart = uint.MaxValue;

    private Multiboot2Request()
    {
    }

    /// <summary>Where the header itself says that the image goes, all but the entry point; null where ELF says it.</summary>
    public MultibootAddresses? Addresses { get; private init; }

    /// <summary>The entry point that the header names, for the image where it is linked; null where ELF names it.</summary>
    public uint? Entry { get; private init; }

    /// <summary>Where the image may be moved; null where it must lie where it is linked.</summary>
    public Multiboot2Relocation? Relocation { get; private init; }

    /// <summary>True when the kernel would like a video mode, which is never set here.</summary>
    public bool WantsVideo { get; private init; }

    /// <summary>Reads the tags.</summary>
    /// <param name="image">The image.</param>
    /// <param name="header">Its header.</param>
    /// <returns>What they ask for.</returns>
    /// <exception cref="MalformedMultibootHeaderException">The tags contradict the image or themselves.</exception>
    /// <exception cref="UnsupportedMultibootException">They require what is not offered here, and do not call it optional.</exception>
    public static Multiboot2Request Read(ReadOnlySpan<byte> image, Multiboot2Header header)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.Architecture != 0)
        {
            throw new UnsupportedMultibootException(
                $"The Multiboot 2 header is for architecture {header.Architecture}, not for 32-bit protected mode of i386 (0).");
        }

        int limit = Math.Min(image.Length, Multiboot2Header.SearchLength) - header.FileOffset;
        if (header.Length < Multiboot2Header.FixedLength || header.Length > limit)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot 2 header at offset 0x{header.FileOffset:x} says that it has {header.Length} bytes; "
                + $"{Multiboot2Header.FixedLength} to {limit} are possible there.");
        }

        ReadOnlySpan<byte> bytes = image.Slice(header.FileOffset, (int)header.Length);
        Multiboot2Request request = new();
        for (int at = Multiboot2Header.FixedLength; at <= bytes.Length - TagHeaderLength;)
        {
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
            uint size = U32(bytes, at + 4);
            if (size < TagHeaderLength || size > bytes.Length - at)
            {
                throw new MalformedMultibootHeaderException(
                    $"The tag of type {type} at offset 0x{at:x} of the Multiboot 2 header says that it has {size} bytes, which do not fit there.");
            }

            if (type == EndTag)
                return request.Checked(header);
            bool isOptional = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 2)..]) & OptionalFlag) != 0;
            request = request.With(type, isOptional, bytes.Slice(at, (int)size), header.FileOffset);
            // No header is so long that this overflows.
            at += ((int)size + 7) & ~7;
        }

        throw new MalformedMultibootHeaderException("The tags of the Multiboot 2 header are not ended by one of type 0.");
    }

    private Multiboot2Request With(ushort type, bool isOptional, ReadOnlySpan<byte> tag, int fileOffset)
    {
        switch (type)
        {
            case InformationTag:
                CheckInformation(tag, isOptional);
                return this;
            case AddressTag:
                Need(tag, type, 24);
                uint headerAddress = U32(tag, 8), load = U32(tag, 12);
                if (load == FromFileStart)
                    load = unchecked(headerAddress - (uint)fileOffset);
                return this with { Addresses = new MultibootAddresses(headerAddress, load, U32(tag, 16), U32(tag, 20), Entry: 0) };
            case EntryTag:
                Need(tag, type, 12);
                return this with { Entry = U32(tag, 8) };
            case ConsoleTag:
                Need(tag, type, 12);
                if ((U32(tag, 8) & ConsoleRequired) != 0 && !isOptional)
                {
                    throw new UnsupportedMultibootException(
                        "The Multiboot 2 header requires a console that a loader describes (tag 4, bit 0); this machine has a serial port only.");
                }

                return this;
            case FramebufferTag:
                Need(tag, type, 20);
                return this with { WantsVideo = true };
            // Modules are always at pages, and the others ask nothing of a machine without EFI.
            case ModuleTag or EfiServicesTag or EfiEntryTag32 or EfiEntryTag64:
                return this;
            case RelocatableTag:
                Need(tag, type, 24);
                return this with { Relocation = new Multiboot2Relocation(U32(tag, 8), U32(tag, 12), U32(tag, 16), (Multiboot2Preference)U32(tag, 20)) };
            default:
                return isOptional
                    ? this
                    : throw new UnsupportedMultibootException(
                        $"The Multiboot 2 header has a tag of type {type}, which the specification does not define, and does not call it optional.");
        }
    }

    private static void CheckInformation(ReadOnlySpan<byte> tag, bool isOptional)
    {
        for (int at = TagHeaderLength; at <= tag.Length - 4 && !isOptional; at += 4)
        {
            uint wanted = U32(tag, at);
            if (wanted > LastInformation)
            {
                throw new UnsupportedMultibootException(
                    $"The Multiboot 2 header requires boot information of type {wanted}, which the specification does not define.");
            }
        }
    }

    private static void Need(ReadOnlySpan<byte> tag, ushort type, int length)
    {
        if (tag.Length < length)
        {
            throw new MalformedMultibootHeaderException(
                $"The tag of type {type} in the Multiboot 2 header has {tag.Length} bytes; it must have {length}.");
        }
    }

    /// <summary>What can be judged only when all tags are known.</summary>
    private Multiboot2Request Checked(Multiboot2Header header)
    {
        if (Addresses is { } addresses)
        {
            if (Entry is not { } entry)
            {
                throw new MalformedMultibootHeaderException(
                    $"The Multiboot 2 header at offset 0x{header.FileOffset:x} has load addresses (tag 2), but no entry point (tag 3) to go with them.");
            }

            return this with { Addresses = addresses with { Entry = entry } };
        }

        return this;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}

/// <summary>Where a Multiboot 2 image may be moved (tag 10).</summary>
/// <param name="Minimum">No part of the image lies below this address.</param>
/// <param name="Maximum">No part of the image lies above this address.</param>
/// <param name="Alignment">Its address is a multiple of this.</param>
/// <param name="Preference">Which of the possible addresses it would like.</param>
public sealed record Multiboot2Relocation(uint Minimum, uint Maximum, uint Alignment, Multiboot2Preference Preference);

/// <summary>Which of the possible addresses a relocatable image would like.</summary>
public enum Multiboot2Preference : uint
{
    /// <summary>Any: here, where it is linked if that is possible.</summary>
    None,

    /// <summary>The lowest.</summary>
    Lowest,

    /// <summary>The highest.</summary>
    Highest,
}
