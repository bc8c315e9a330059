using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>What rust-vmm's linux-loader asks, as Firecracker and Cloud Hypervisor call it (linux-loader: src/loader/elf/mod.rs).</summary>
internal static class LinuxLoaderRules
{
    private const ulong SegmentAlignment = 0x200000;
    private const ulong HighMemoryStart = 0x100000;
    private const ushort WideProgramHeader = 56;
    private const ulong WideHeader = 64;

    public static LoaderVerdict Judge(KernelImage image)
    {
        if (image.Elf is not { } elf)
        {
            return new LoaderVerdict(
                KernelLoader.LinuxLoader,
                VerdictOutcome.Refuses,
                [new LoaderFinding("Only ELF64 is read (InvalidElfMagicNumber).", "Link the kernel as ELF64; the entry point stays 32-bit code.")]);
        }

        List<LoaderFinding> errors = [];
        List<LoaderFinding> remarks = [];
        if (image.Container != KernelContainer.Elf)
        {
            string what = image.Container == KernelContainer.BzImage ? "a bzImage" : $"a {image.Compression.Name()}-compressed file";
            errors.Add(new LoaderFinding(
                $"Only a plain ELF file is taken, but this is {what} (InvalidElfMagicNumber).",
                "Unpack the vmlinux (Linux: scripts/extract-vmlinux)."));
        }

        if (elf.Class == ElfClass.Elf32)
        {
            errors.Add(new LoaderFinding(
                "Only ELF64 is read (InvalidProgramHeaderSize).", "Link the kernel as ELF64; the entry point stays 32-bit code."));
            return new LoaderVerdict(KernelLoader.LinuxLoader, VerdictOutcome.Refuses, errors);
        }

        Headers(elf, errors, remarks);
        bool found = FindEntry(image, elf, errors, remarks);
        if (errors.Count != 0)
            return new LoaderVerdict(KernelLoader.LinuxLoader, VerdictOutcome.Refuses, errors);
        return new LoaderVerdict(KernelLoader.LinuxLoader, found ? VerdictOutcome.Boots : VerdictOutcome.BootsOtherwise, remarks);
    }

    private static void Headers(ElfFile elf, List<LoaderFinding> errors, List<LoaderFinding> remarks)
    {
        if (elf.SegmentEntrySize != WideProgramHeader)
            errors.Add(new LoaderFinding($"e_phentsize must be {WideProgramHeader} (InvalidProgramHeaderSize).", "Use standard program headers."));
        if (elf.SegmentTableOffset < WideHeader)
        {
            errors.Add(new LoaderFinding(
                "The program headers must not begin within the ELF header (InvalidProgramHeaderOffset).", "Put them behind it."));
        }

        if (elf.Entry < HighMemoryStart)
        {
            errors.Add(new LoaderFinding(
                $"e_entry is 0x{elf.Entry:x}, but must be at least 0x{HighMemoryStart:x} although PVH ignores it (InvalidEntryAddress).",
                "Set e_entry to an address in the kernel above 1 MiB (ENTRY() in the linker script)."));
        }

        foreach (ElfSegment segment in elf.Segments)
        {
            if (segment.Type != ElfConstants.SegmentLoad)
                continue;
            if (segment.FileSize != 0 && segment.Alignment % SegmentAlignment != 0)
            {
                errors.Add(new LoaderFinding(
                    $"Segment {segment.Index} has p_align 0x{segment.Alignment:x}, but every PT_LOAD segment with contents needs a multiple "
                    + "of 2 MiB (Align).",
                    "Link with -z max-page-size=0x200000."));
            }
            else if (segment is { FileSize: 0, MemorySize: not 0 })
            {
                remarks.Add(new LoaderFinding(
                    $"Segment {segment.Index} has no bytes in the file, so it is skipped and does not count for the kernel's end: what the VMM places "
                    + "behind the kernel may land in it.",
                    "Merge .bss into a segment with contents."));
            }
        }
    }

    /// <summary>Every PT_NOTE segment overwrites what the one before it gave; within a segment the first entry note counts.</summary>
    private static bool FindEntry(KernelImage image, ElfFile elf, List<LoaderFinding> errors, List<LoaderFinding> remarks)
    {
        ElfNote? chosen = null;
        bool hidden = false;
        foreach (ElfSegment segment in elf.Segments)
        {
            if (segment.Type != ElfConstants.SegmentNote)
                continue;
            ElfNote? inSegment = image.Notes.FromSections ? null : image.Notes.Notes.FirstOrDefault(note =>
                note.Container == segment.Index && note.IsXen && note.Type == (uint)XenNoteType.Phys32Entry);
            hidden = chosen is not null && inSegment is null;
            chosen = inSegment;
        }

        if (chosen is null)
        {
            remarks.Add(hidden
                ? new LoaderFinding(
                    "A later PT_NOTE segment without the entry note hides the good one, so the kernel is entered at e_entry in 64-bit mode instead.",
                    "Put all notes into one PT_NOTE segment, or the Xen notes into the last one.")
                : new LoaderFinding(
                    "No PT_NOTE segment has the entry note, so the kernel is entered at e_entry in 64-bit mode (the 64-bit Linux boot protocol).",
                    "Add the note of type 18 in a PT_NOTE segment."));
            return false;
        }

        if (chosen.Descriptor.Length < 4)
        {
            errors.Add(new LoaderFinding(
                "The entry note's descriptor must have at least 4 bytes (InvalidPvhNote).", "Write the entry point as 4 bytes."));
            return true;
        }

        if (image.Xen.Entry is { } entry && (XenNotes.Number(chosen.Descriptor.Span[..4]) ?? 0) != entry)
        {
            errors.Add(new LoaderFinding(
                "The first entry note of the last note segment counts here, where Xen takes the last one of all.", "Keep a single entry note."));
        }

        return true;
    }
}
