namespace Emu.Pvh;

/// <summary>The file is neither an ELF image, nor a bzImage, nor a compressed form of one of them.</summary>
public sealed class UnrecognizedImageException(string message) : KernelImageException(message);

/// <summary>The file ends before something that one of its own headers says is in it.</summary>
public sealed class TruncatedImageException : KernelImageException
{
    /// <summary>Creates the error.</summary>
    /// <param name="what">What is missing, as the subject of the sentence, for instance "segment 2".</param>
    /// <param name="offset">Where it should begin, in bytes from the start of the image.</param>
    /// <param name="length">How many bytes it should have.</param>
    /// <param name="available">How many bytes the image has.</param>
    public TruncatedImageException(string what, ulong offset, ulong length, long available)
        : base($"The image is truncated: {what} should be {length} bytes at offset 0x{offset:x}, but the image has only {available} bytes.")
    {
        What = what;
        Offset = offset;
        Length = length;
        Available = available;
    }

    /// <summary>What is missing.</summary>
    public string What { get; }

    /// <summary>Where it should begin, in bytes from the start of the image.</summary>
    public ulong Offset { get; }

    /// <summary>How many bytes it should have.</summary>
    public ulong Length { get; }

    /// <summary>How many bytes the image has.</summary>
    public long Available { get; }
}

/// <summary>The file cannot be read from the host's file system.</summary>
public sealed class UnreadableImageException(string message, Exception? inner = null) : KernelImageException(message, inner);

/// <summary>An ELF image for another processor, byte order or purpose.</summary>
public sealed class UnsupportedElfException(string message) : KernelImageException(message);

/// <summary>An ELF header that contradicts itself.</summary>
public sealed class MalformedElfException(string message) : KernelImageException(message);

/// <summary>The ELF image has no PT_LOAD segment with memory.</summary>
public sealed class NoLoadableSegmentException()
    : KernelImageException("The ELF image has no loadable segment (PT_LOAD), so there is nothing to run; link it as an executable.");

/// <summary>A segment has more bytes in the file than in memory.</summary>
public sealed class SegmentSizeException(int segment, ulong fileSize, ulong memorySize) : KernelImageException(
    $"Segment {segment} has 0x{fileSize:x} bytes in the file, but only 0x{memorySize:x} bytes in memory (p_filesz > p_memsz).")
{
    /// <summary>The index of the program header.</summary>
    public int Segment { get; } = segment;
}

/// <summary>A segment runs past the end of the address space.</summary>
public sealed class SegmentWrapException(int segment, ulong address, ulong size) : KernelImageException(
    $"Segment {segment} at physical address 0x{address:x} with 0x{size:x} bytes runs past the end of the address space.")
{
    /// <summary>The index of the program header.</summary>
    public int Segment { get; } = segment;
}

/// <summary>Two segments claim the same physical memory.</summary>
public sealed class SegmentOverlapException(int first, int second, ulong address) : KernelImageException(
    $"Segments {first} and {second} both claim the physical address 0x{address:x}; give them separate load addresses (LMA).")
{
    /// <summary>The program header index of the segment that lies lower.</summary>
    public int First { get; } = first;

    /// <summary>The program header index of the other segment.</summary>
    public int Second { get; } = second;
}

/// <summary>A note table is damaged and the entry note was not found before the damage.</summary>
public sealed class MalformedNoteException(string message) : KernelImageException(message);

/// <summary>The image carries no XEN_ELFNOTE_PHYS32_ENTRY note, so it has no PVH entry point.</summary>
public sealed class MissingEntryNoteException(string message) : KernelImageException(message);

/// <summary>The PVH entry point lies outside the image.</summary>
public sealed class EntryOutsideImageException(uint entry, GuestRange image) : KernelImageException(
    $"The PVH entry point 0x{entry:x} lies outside the image, which is loaded at {image}; the PHYS32_ENTRY note must hold a physical address.")
{
    /// <summary>The entry point that the note names.</summary>
    public uint Entry { get; } = entry;

    /// <summary>Where the image is loaded.</summary>
    public GuestRange Image { get; } = image;
}

/// <summary>The image carries no Multiboot 1 header.</summary>
/// <param name="hasMultiboot2">Whether it has a Multiboot 2 header instead.</param>
public sealed class MissingMultibootHeaderException(bool hasMultiboot2) : KernelImageException(
    "The image has no Multiboot 1 header: the magic number 0x1BADB002 with flags and a checksum that fits, 4-aligned and in its first 8192 bytes"
    + (hasMultiboot2 ? " (it has a Multiboot 2 header, which is another protocol)." : "."));

/// <summary>The image carries no Multiboot 2 header.</summary>
/// <param name="hasMultiboot1">Whether it has a Multiboot 1 header instead.</param>
public sealed class MissingMultiboot2HeaderException(bool hasMultiboot1) : KernelImageException(
    "The image has no Multiboot 2 header: the magic number 0xE85250D6 with a checksum that fits, 8-aligned and in its first 32768 bytes"
    + (hasMultiboot1 ? " (it has a Multiboot 1 header, which is another protocol)." : "."));

/// <summary>A Multiboot header that contradicts the image or itself.</summary>
public sealed class MalformedMultibootHeaderException(string message) : KernelImageException(message);

/// <summary>A Multiboot header that requires something that the specification does not define, or that is not offered here.</summary>
public sealed class UnsupportedMultibootException(string message) : KernelImageException(message);

/// <summary>A load address was asked for that the image does not allow.</summary>
public sealed class RelocationException(string message) : KernelImageException(message);

/// <summary>A part of the image would lie where the guest has no RAM.</summary>
public sealed class ImageOutsideMemoryException(int? segment, GuestRange range, string memory) : KernelImageException(
    $"{(segment is { } index ? $"Segment {index}" : "The image")} wants the physical range {range}, where the guest has no RAM ({memory}); "
    + "give the guest more memory or link the kernel lower.")
{
    /// <summary>The index of the program header; null where the Multiboot header says what to load.</summary>
    public int? Segment { get; } = segment;

    /// <summary>The range that the segment wants.</summary>
    public GuestRange Range { get; } = range;
}

/// <summary>The setup header of a bzImage contradicts the file or itself.</summary>
public sealed class MalformedSetupHeaderException(string message) : KernelImageException(message);

/// <summary>The payload uses a compression or a feature of one that is not supported; the message names it.</summary>
public sealed class UnsupportedCompressionException(string message) : KernelImageException(message);

/// <summary>The compressed payload is damaged.</summary>
public sealed class CorruptPayloadException(string format, string detail, Exception? inner = null)
    : KernelImageException($"The {format}-compressed kernel is damaged: {detail}.", inner)
{
    /// <summary>The name of the compression, for instance "xz".</summary>
    public string Format { get; } = format;
}

/// <summary>The payload unpacks to more than the caller allows.</summary>
public sealed class PayloadTooLargeException(long limit)
    : KernelImageException($"The compressed kernel unpacks to more than {limit} bytes, which is the limit for a kernel image here.")
{
    /// <summary>The limit in bytes.</summary>
    public long Limit { get; } = limit;
}
