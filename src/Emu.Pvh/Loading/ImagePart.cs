namespace Emu.Pvh;

/// <summary>A part of a kernel image: bytes of the file, zeros behind them, and where they go.</summary>
/// <param name="Segment">The program header that describes it; null where the Multiboot header does.</param>
/// <param name="Offset">Where its bytes begin in the image. They have been checked to lie in it.</param>
/// <param name="FileSize">How many bytes the image has of it.</param>
/// <param name="Target">Where it goes, zeros included.</param>
internal readonly record struct ImagePart(int? Segment, ulong Offset, ulong FileSize, GuestRange Target)
{
    /// <summary>The loadable segments of an ELF image, moved by a displacement modulo 2^64.</summary>
    public static IReadOnlyList<ImagePart> OfSegments(ElfFile elf, ulong displacement) =>
        [.. elf.LoadableSegments.Select(segment => new ImagePart(
            segment.Index,
            segment.Offset,
            segment.FileSize,
            new GuestRange(unchecked(segment.PhysicalAddress + displacement), segment.MemorySize)))];

    /// <summary>Parts moved by a displacement modulo 2^64 that leaves none of them wrapped.</summary>
    public static IReadOnlyList<ImagePart> Moved(IReadOnlyList<ImagePart> parts, ulong displacement) =>
        [.. parts.Select(part => part with { Target = new GuestRange(unchecked(part.Target.Start + displacement), part.Target.Length) })];

    /// <summary>Refuses parts that would lie outside RAM, or in ranges that the machine keeps.</summary>
    public static void Check(IReadOnlyList<ImagePart> parts, IReadOnlyList<GuestRange> ram, IReadOnlyList<GuestRange> reserved)
    {
        foreach (ImagePart part in parts)
        {
            GuestRange target = part.Target;
            if (!ram.Any(region => region.Contains(target)))
                throw new ImageOutsideMemoryException(part.Segment, target, BootPlacement.Describe(ram));
            foreach (GuestRange range in reserved)
            {
                if (!range.Overlaps(target))
                    continue;
                string what = part.Segment is { } segment ? $"Segment {segment}" : "The image";
                throw new BootLayoutException($"{what} at {target} overlaps {range}, which the machine needs for itself.");
            }
        }
    }

    /// <summary>Copies and zero-fills parts that have been checked.</summary>
    public static void Write(IReadOnlyList<ImagePart> parts, ReadOnlySpan<byte> image, IGuestMemory memory)
    {
        foreach (ImagePart part in parts)
        {
            if (part.FileSize != 0)
                memory.Write(part.Target.Start, image.Slice(checked((int)part.Offset), checked((int)part.FileSize)));
            if (part.Target.Length != part.FileSize)
                memory.Zero(part.Target.Start + part.FileSize, part.Target.Length - part.FileSize);
        }
    }
}
