using System.Buffers.Binary;
using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>What QEMU's -kernel makes of an image (QEMU: hw/i386/x86-common.c, hw/i386/multiboot.c, include/hw/elf_ops.h.inc).</summary>
internal static class QemuRules
{
    // e_flags that QEMU takes for a Multiboot-like header with addresses.
    private const uint RefusedFlags = 0x00010004;

    public static LoaderVerdict Judge(KernelImage image)
    {
        if (image.Container == KernelContainer.BzImage)
        {
            // The advice to unpack the image is worth something only together with what would then happen.
            LoaderVerdict inner = PlainElf(image);
            LoaderFinding wrapped = new(
                "A bzImage is started through the Linux boot protocol and its 16-bit setup code, not through PVH.",
                "Give -kernel the unpacked vmlinux (Linux: scripts/extract-vmlinux).");
            return new LoaderVerdict(
                KernelLoader.Qemu,
                VerdictOutcome.BootsOtherwise,
                inner.Outcome == VerdictOutcome.Boots ? [wrapped] : [wrapped, .. inner.Findings]);
        }

        if (image.Compression != CompressionFormat.None)
        {
            return Refuse(new LoaderFinding(
                $"-kernel does not unpack {image.Compression.Name()}: the file has no ELF magic, so it is taken for a broken bzImage.",
                "Unpack the file first."));
        }

        return PlainElf(image);
    }

    private static LoaderVerdict PlainElf(KernelImage image)
    {
        if (image.Multiboot1 is { } multiboot)
            return Multiboot(image, multiboot);
        if (image.Elf is not { } elf)
        {
            return Refuse(new LoaderFinding(
                "The file is taken for a broken bzImage: -kernel knows no Multiboot 2, and flat images only by a Multiboot 1 header.",
                "Boot it through a loader that knows Multiboot 2, for instance GRUB 2."));
        }

        if ((elf.Flags & RefusedFlags) != 0)
            return Refuse(new LoaderFinding($"e_flags has bits of 0x{RefusedFlags:x} set (elfboot unsupported flags).", "Clear e_flags."));
        return Pvh(image, elf);
    }

    private static LoaderVerdict Multiboot(KernelImage image, Multiboot1Header header)
    {
        string where = $"The valid Multiboot 1 header at offset 0x{header.FileOffset:x} is looked for first and wins over the PVH note";
        if (image.Elf is null)
        {
            return new LoaderVerdict(
                KernelLoader.Qemu, VerdictOutcome.BootsOtherwise, [new LoaderFinding("The image is loaded as its Multiboot 1 header says.", null)]);
        }

        const string fix = "Move the Multiboot header behind the first 8 KiB of the file, or leave it out.";
        if (!header.HasAddresses && image.Elf.Class == ElfClass.Elf64)
            return Refuse(new LoaderFinding($"{where}, and Multiboot refuses ELF64 (\"Cannot load x86-64 image, give a 32bit one.\").", fix));
        return new LoaderVerdict(KernelLoader.Qemu, VerdictOutcome.BootsOtherwise, [new LoaderFinding($"{where}.", fix)]);
    }

    private static LoaderVerdict Pvh(KernelImage image, ElfFile elf)
    {
        const string message = "(\"Error loading uncompressed kernel without PVH ELF Note\").";
        ulong start = 0;
        List<LoaderFinding> remarks = [];
        foreach (ElfSegment segment in elf.Segments)
        {
            if (segment.Type != ElfConstants.SegmentNote || segment.FileSize == 0
                || segment.Offset > (ulong)elf.Image.Length || segment.FileSize > (ulong)elf.Image.Length - segment.Offset)
            {
                continue;
            }

            if (segment.Alignment == 0)
            {
                return Refuse(new LoaderFinding(
                    $"Note segment {segment.Index} has p_align 0, by which QEMU divides.", "Link the notes with an alignment of 4."));
            }

            if (FindEntry(elf.Slice(segment.Offset, segment.FileSize), segment.Alignment, elf.Class == ElfClass.Elf64) is { } found)
                start = found;
        }

        if (start == 0)
            return Refuse(Missing(image, message));
        if (image.Xen.Entry is not { } entry)
        {
            return Refuse(new LoaderFinding(
                $"A note of type 18 with another name than \"Xen\" is taken for the entry point 0x{(uint)start:x}, because names are not compared.",
                "Add the Xen note, and no other one of type 18 before it."));
        }

        if ((uint)start != entry)
        {
            return Refuse(new LoaderFinding(
                $"The kernel is entered at 0x{(uint)start:x} instead of 0x{entry:x}: QEMU takes the first note of type 18 in a segment whatever its "
                + "name, and pads note names to the segment's p_align instead of 4.",
                "Link the notes with an alignment of 4 (keep .note.gnu.property out of the segment) and have a single note of type 18."));
        }

        if (start > uint.MaxValue)
            remarks.Add(new LoaderFinding("QEMU reads 8 bytes of the 4-byte descriptor; only the low half is used in the end.", null));
        return new LoaderVerdict(KernelLoader.Qemu, VerdictOutcome.Boots, remarks);
    }

    private static LoaderFinding Missing(KernelImage image, string message)
    {
        if (image.Xen.Entry is null)
            return new LoaderFinding($"No PVH note is found {message}", "Add the note of type 18 in a PT_NOTE segment.");
        return image.Notes.FromSections
            ? new LoaderFinding($"Only PT_NOTE segments are searched, but the note is in a section without one {message}",
                "Add a PT_NOTE program header for the note section (PHDRS in the linker script).")
            : new LoaderFinding($"The note is missed or misread, because names and descriptors are padded to the segment's p_align instead of 4 {message}",
                "Link the notes with an alignment of 4 (keep .note.gnu.property out of the segment).");
    }

    /// <summary>QEMU's own walk: all padding by p_align, names not compared, eight bytes of descriptor for ELF64.</summary>
    private static ulong? FindEntry(ReadOnlySpan<byte> notes, ulong alignment, bool wide)
    {
        ulong at = 0;
        for (int count = 0; count < ElfNotes.MaximumCount && at + 12 <= (ulong)notes.Length; count++)
        {
            ReadOnlySpan<byte> note = notes[(int)at..];
            uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(note);
            uint descriptorSize = BinaryPrimitives.ReadUInt32LittleEndian(note[4..]);
            ulong descriptor = 12 + RoundUp(nameSize, alignment);
            if (BinaryPrimitives.ReadUInt32LittleEndian(note[8..]) == (uint)XenNoteType.Phys32Entry)
                return Descriptor(note, descriptor, wide ? 8 : 4);
            ulong step = unchecked(descriptor + RoundUp(descriptorSize, alignment));
            if (step > (ulong)notes.Length)
                return null;
            at += step;
        }

        return null;
    }

    private static ulong Descriptor(ReadOnlySpan<byte> note, ulong offset, int size)
    {
        ulong value = 0;
        for (int i = 0; i < size && offset + (ulong)i < (ulong)note.Length; i++)
            value |= (ulong)note[(int)offset + i] << (8 * i);
        return value;
    }

    private static ulong RoundUp(ulong value, ulong alignment) => unchecked((value + alignment - 1) / alignment * alignment);

    private static LoaderVerdict Refuse(LoaderFinding finding) => new(KernelLoader.Qemu, VerdictOutcome.Refuses, [finding]);
}
