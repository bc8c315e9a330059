namespace Emu.Pvh;

/// <summary>Decides where a kernel lies: where it is linked, or where its PHYS32_RELOC note allows.</summary>
internal static class KernelPlacement
{
    /// <summary>Checks the image against the guest's RAM and finds its place.</summary>
    public static LoadedKernel Place(
        KernelImage image, IReadOnlyList<GuestRange> ram, ulong? wanted, IReadOnlyList<GuestRange> reserved)
    {
        uint entry = Entry(image);
        ElfFile elf = image.Elf!;
        GuestRange linked = elf.PhysicalRange;
        // The end itself counts as inside, as it does for Xen.
        if (entry < linked.Start || entry > linked.End)
            throw new EntryOutsideImageException(entry, linked);

        PhysicalRelocation? relocation = image.Xen.Relocation(elf.MaximumAlignment);
        ulong alignment = relocation?.Alignment ?? elf.MaximumAlignment;
        ulong start = linked.Start;
        if (wanted is { } address)
        {
            CheckWanted(address, linked, relocation);
            start = address;
        }
        else if (relocation is { } bounds && !Fits(elf, ram, 0))
        {
            FreeMemory free = new(ram);
            foreach (GuestRange range in reserved)
                free.Claim(range);
            start = free.Find(linked.Length, bounds.Alignment, bounds.Minimum, bounds.Maximum + 1UL) ?? linked.Start;
        }

        ulong displacement = unchecked(start - linked.Start);
        ImagePart.Check(ImagePart.OfSegments(elf, displacement), ram, reserved);
        return new LoadedKernel(new GuestRange(start, linked.Length), alignment, (uint)unchecked(entry + displacement), displacement);
    }

    /// <summary>The PVH entry point, or the exception that says best why there is none. An image that is not ELF has none.</summary>
    public static uint Entry(KernelImage image)
    {
        if (image.Xen.HasBadEntryDescriptor)
        {
            int length = image.Xen.Find(XenNoteType.Phys32Entry)!.Descriptor.Length;
            throw new MalformedNoteException($"The PHYS32_ENTRY note has a descriptor of {length} bytes; it must be 4 or 8.");
        }

        if (image.Xen.Entry is { } entry)
            return entry;
        if (image.Notes.Defects.Count != 0)
        {
            throw new MalformedNoteException(
                $"The image has no readable PHYS32_ENTRY note: {image.Notes.Defects[0]}.");
        }

        string hint = image.Multiboot1 is not null ? " (it has a Multiboot 1 header, which is another protocol)"
            : image.Multiboot2 is not null ? " (it has a Multiboot 2 header, which is another protocol)"
            : image.Container == KernelContainer.BzImage ? "; build Linux with CONFIG_PVH=y"
            : "";
        throw new MissingEntryNoteException(
            $"The image has no PVH entry point: no note named \"Xen\" of type 18 (XEN_ELFNOTE_PHYS32_ENTRY) was found{hint}.");
    }

    private static void CheckWanted(ulong address, GuestRange linked, PhysicalRelocation? relocation)
    {
        if (address == linked.Start)
            return;
        if (relocation is not { } bounds)
        {
            throw new RelocationException(
                $"The kernel is linked for 0x{linked.Start:x} and has no PHYS32_RELOC note, so it cannot be loaded at 0x{address:x}.");
        }

        if (address % bounds.Alignment != 0)
        {
            throw new RelocationException(
                $"The load address 0x{address:x} is not a multiple of 0x{bounds.Alignment:x}, as the PHYS32_RELOC note asks.");
        }

        if (address < bounds.Minimum || linked.Length > bounds.Maximum + 1UL || address > bounds.Maximum + 1UL - linked.Length)
        {
            throw new RelocationException(
                $"The load address 0x{address:x} is outside the range 0x{bounds.Minimum:x}-0x{bounds.Maximum:x} of the PHYS32_RELOC note.");
        }
    }

    private static bool Fits(ElfFile elf, IReadOnlyList<GuestRange> ram, ulong displacement) =>
        elf.LoadableSegments.All(segment =>
            ram.Any(region => region.Contains(new GuestRange(unchecked(segment.PhysicalAddress + displacement), segment.MemorySize))));
}
