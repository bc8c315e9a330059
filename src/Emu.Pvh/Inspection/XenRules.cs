using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>What xl asks of a PVH guest's kernel (Xen: xen/common/libelf/libelf-dominfo.c, tools/libs/guest/xg_dom_core.c).</summary>
internal static class XenRules
{
    // The names that libelf knows; it refuses a required feature that is not among them.
    private static readonly string[] Features =
    [
        "writable_page_tables", "writable_descriptor_tables", "auto_translated_physmap", "supervisor_mode_kernel", "pae_pgdir_above_4gb",
        "hvm_callback_vector", "dom0",
    ];

    public static LoaderVerdict Judge(KernelImage image)
    {
        if (image.Elf is not { } elf)
        {
            return new LoaderVerdict(
                KernelLoader.Xen, VerdictOutcome.Refuses, [new LoaderFinding("Only an ELF image or a bzImage is taken.", "Link the kernel as ELF.")]);
        }

        List<LoaderFinding> errors = [];
        List<LoaderFinding> remarks = [];
        if (image.Container == KernelContainer.CompressedElf && image.Compression != CompressionFormat.Gzip)
        {
            errors.Add(new LoaderFinding(
                $"xl unpacks gzip only outside a bzImage, but this file is {image.Compression.Name()}-compressed.",
                "Unpack the file, or compress it with gzip."));
        }

        if (image.Xen.Entry is not { } entry)
        {
            errors.Add(new LoaderFinding(
                "A PVH kernel needs a note named \"Xen\" of type 18 (XEN_ELFNOTE_PHYS32_ENTRY).",
                "Add the note in a PT_NOTE segment with the 32-bit physical entry point as its descriptor (Linux: CONFIG_PVH=y)."));
        }
        else if (entry < elf.PhysicalRange.Start || entry > elf.PhysicalRange.End)
        {
            errors.Add(new LoaderFinding(
                $"The entry point 0x{entry:x} must lie in the image at {elf.PhysicalRange}.",
                "Put the physical address into the note: the virtual one less the kernel's mapping offset."));
        }

        RequiredFeatures(image, errors);
        if (image.Xen.WantsLowRsdp)
        {
            remarks.Add(new LoaderFinding(
                "The RSDP goes to 0xFFFC0 instead of beside the ACPI tables, because the kernel does not announce linux_rsdp_unrestricted "
                + "(feature bit 15).",
                null));
        }

        if (image.Xen.WantsBsdSymbols)
            remarks.Add(new LoaderFinding("The symbol table is appended behind the image (BSD_SYMTAB=yes); other loaders do not do this.", null));
        return errors.Count != 0
            ? new LoaderVerdict(KernelLoader.Xen, VerdictOutcome.Refuses, errors)
            : new LoaderVerdict(KernelLoader.Xen, VerdictOutcome.Boots, remarks);
    }

    private static void RequiredFeatures(KernelImage image, List<LoaderFinding> errors)
    {
        foreach (string feature in (image.Xen.Features ?? "").Split('|'))
        {
            if (!feature.StartsWith('!'))
                continue;
            string name = feature[1..];
            if (name == "dom0")
            {
                errors.Add(new LoaderFinding(
                    "The kernel requires the feature dom0, so it does not run as an unprivileged guest.", "Drop \"!dom0\" from the FEATURES note."));
            }
            else if (!Features.Contains(name))
            {
                errors.Add(new LoaderFinding(
                    $"The kernel requires the feature {name}, which libelf does not know.", $"Write \"{name}\" without '!' in the FEATURES note."));
            }
        }
    }
}
