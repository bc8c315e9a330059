namespace Emu.Pvh;

/// <summary>Decides what of an image a Multiboot loader copies where, from the header's own addresses or else from the ELF headers.</summary>
internal static class MultibootPlacement
{
    /// <summary>Checks the header against the image. Nothing is held against the guest's RAM yet.</summary>
    /// <returns>The kernel where it is linked, and its parts in ascending order.</returns>
    public static (LoadedKernel Kernel, IReadOnlyList<ImagePart> Parts) Place(KernelImage image)
    {
        Multiboot1Header header = image.Multiboot1 ?? throw new MissingMultibootHeaderException(image.Multiboot2 is not null);
        uint undefined = header.Flags & Multiboot1Header.UndefinedRequirements;
        if (undefined != 0)
        {
            throw new UnsupportedMultibootException(
                $"The Multiboot header at offset 0x{header.FileOffset:x} has the flags 0x{undefined:x} set, which the specification does not define "
                + "and which a loader must therefore refuse.");
        }

        if (header.HasAddresses)
        {
            return header.Addresses is { } addresses
                ? FromHeader(image, header.FileOffset, addresses)
                : throw new MalformedMultibootHeaderException(
                    $"The Multiboot header at offset 0x{header.FileOffset:x} announces load addresses (flag 16), but is cut off before them.");
        }

        return image.Elf is { } elf
            ? FromElf(elf, null)
            : throw new MalformedMultibootHeaderException(
                "The image is not ELF, and its Multiboot header says nothing about where to load it (flag 16).");
    }

    /// <summary>Checks the tags of a Multiboot 2 header against the image. Nothing is held against the guest's RAM yet.</summary>
    /// <returns>The kernel where it is linked, and its parts in ascending order.</returns>
    public static (LoadedKernel Kernel, IReadOnlyList<ImagePart> Parts) Place(KernelImage image, Multiboot2Header header, Multiboot2Request request)
    {
        if (request.Addresses is { } addresses)
            return FromHeader(image, header.FileOffset, addresses);
        return image.Elf is { } elf
            ? FromElf(elf, request.Entry)
            : throw new MalformedMultibootHeaderException(
                "The image is not ELF, and its Multiboot 2 header says nothing about where to load it (tag 2).");
    }

    private static (LoadedKernel Kernel, IReadOnlyList<ImagePart> Parts) FromHeader(KernelImage image, int fileOffset, MultibootAddresses at)
    {
        if (at.Load > at.Header)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot header says that it lies at 0x{at.Header:x}, before the image's own load address 0x{at.Load:x}.");
        }

        uint before = at.Header - at.Load;
        if (before > (uint)fileOffset)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot header wants 0x{before:x} bytes loaded before it, but the file has only 0x{fileOffset:x} there.");
        }

        ulong offset = (uint)fileOffset - before;
        ulong rest = (ulong)image.Image.Length - offset;
        if (at.LoadEnd != 0 && at.LoadEnd < at.Load)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot header ends the image at 0x{at.LoadEnd:x}, before it begins at 0x{at.Load:x}.");
        }

        ulong size = at.LoadEnd == 0 ? rest : at.LoadEnd - at.Load;
        if (size > rest)
            throw new TruncatedImageException("what the Multiboot header wants loaded", offset, size, image.Image.Length);
        ulong end = at.Load + size;
        if (at.BssEnd != 0 && at.BssEnd < end)
        {
            throw new MalformedMultibootHeaderException(
                $"The Multiboot header ends the zeroed memory at 0x{at.BssEnd:x}, before the end of what is loaded at 0x{end:x}.");
        }

        GuestRange target = GuestRange.FromEnds(at.Load, Math.Max(end, at.BssEnd));
        return (Enter(target, 1, at.Entry), [new ImagePart(null, offset, size, target)]);
    }

    /// <summary>e_entry is a virtual address in the segment that it lies in; a kernel linked one to one has both alike.</summary>
    private static (LoadedKernel Kernel, IReadOnlyList<ImagePart> Parts) FromElf(ElfFile elf, uint? physicalEntry)
    {
        if (physicalEntry is { } named)
            return (Enter(elf.PhysicalRange, elf.MaximumAlignment, named), ImagePart.OfSegments(elf, displacement: 0));
        ulong entry = elf.Entry;
        foreach (ElfSegment segment in elf.LoadableSegments)
        {
            if (entry - segment.VirtualAddress < segment.MemorySize)
            {
                entry = entry - segment.VirtualAddress + segment.PhysicalAddress;
                break;
            }
        }

        return (Enter(elf.PhysicalRange, elf.MaximumAlignment, entry), ImagePart.OfSegments(elf, displacement: 0));
    }

    private static LoadedKernel Enter(GuestRange range, ulong alignment, ulong entry) => range.Contains(entry) && entry <= uint.MaxValue
        ? new LoadedKernel(range, alignment, (uint)entry, Displacement: 0)
        : throw new MalformedMultibootHeaderException(
            $"The Multiboot entry point 0x{entry:x} lies outside the image, which is loaded at {range}, or above 4 GiB.");
}
