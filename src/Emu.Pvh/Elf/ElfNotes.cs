using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>One ELF note record.</summary>
/// <param name="Name">The name's bytes without the terminating NUL.</param>
/// <param name="Type">n_type.</param>
/// <param name="Descriptor">The descriptor's bytes, without padding.</param>
/// <param name="FileOffset">Where the record begins in the image, in bytes.</param>
/// <param name="Container">The index of the PT_NOTE program header, or of the SHT_NOTE section.</param>
public sealed record ElfNote(ReadOnlyMemory<byte> Name, uint Type, ReadOnlyMemory<byte> Descriptor, int FileOffset, int Container)
{
    /// <summary>True when the name is "Xen": only such a note can carry the PVH entry point.</summary>
    public bool IsXen => Name.Span.SequenceEqual("Xen"u8);
}

/// <summary>
/// The notes of an image. PT_NOTE segments count; only where none of them holds a Xen note are SHT_NOTE sections read, as Xen does.
/// </summary>
/// <remarks>
/// <code>
/// namesz u32 | descsz u32 | type u32 | name, padded to 4 | descriptor, padded to 4
/// </code>
/// The padding is 4 in ELF64 too, whatever p_align says: that is how the notes of kernels are written, and how Xen reads them.
/// </remarks>
public sealed class ElfNotes
{
    /// <summary>More records than this are refused (Xen has the same kind of limit): no kernel carries so many.</summary>
    public const int MaximumCount = 65536;

    private const int HeaderSize = 12;

    private readonly List<ElfNote> _notes = [];
    private readonly List<string> _defects = [];

    private ElfNotes()
    {
    }

    /// <summary>All records in the order in which they were found.</summary>
    public IReadOnlyList<ElfNote> Notes => _notes;

    /// <summary>Damage found on the way, one clause each; the records before it stay valid.</summary>
    public IReadOnlyList<string> Defects => _defects;

    /// <summary>True when the records come from SHT_NOTE sections.</summary>
    public bool FromSections { get; private set; }

    /// <summary>True when at least one record has the name "Xen".</summary>
    public bool HasXenNote { get; private set; }

    /// <summary>Reads the notes of an image. Damage never throws; it ends the table that it is in and is kept in <see cref="Defects"/>.</summary>
    /// <param name="elf">The image; null for one that is not ELF, and so has no notes.</param>
    /// <returns>The notes.</returns>
    public static ElfNotes Read(ElfFile? elf)
    {
        ElfNotes notes = new();
        if (elf is null)
            return notes;
        foreach (ElfSegment segment in elf.Segments)
        {
            // Offset 0 would make the ELF header a note table; Xen skips such a segment, too.
            if (segment.Type == ElfConstants.SegmentNote && segment.Offset != 0)
                notes.ReadTable(elf.Image, segment.Offset, segment.FileSize, segment.Index, "note segment");
        }

        if (notes.HasXenNote)
            return notes;
        int before = notes._notes.Count;
        foreach (ElfSection section in elf.Sections)
        {
            if (section.Type == ElfConstants.SectionNote && section.Offset != 0)
                notes.ReadTable(elf.Image, section.Offset, section.Size, section.Index, "note section");
        }

        if (notes.HasXenNote)
        {
            notes._notes.RemoveRange(0, before);
            notes.FromSections = true;
        }

        return notes;
    }

    private void ReadTable(ReadOnlyMemory<byte> image, ulong offset, ulong length, int container, string kind)
    {
        if (offset > (ulong)image.Length || length > (ulong)image.Length - offset)
        {
            _defects.Add($"{kind} {container} lies outside the file");
            return;
        }

        ReadOnlySpan<byte> bytes = image.Span;
        long position = (long)offset;
        long end = position + (long)length;
        while (end - position >= HeaderSize)
        {
            if (_notes.Count >= MaximumCount)
            {
                _defects.Add($"there are more than {MaximumCount} notes");
                return;
            }

            int at = (int)position;
            uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
            uint descriptorSize = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 8)..]);
            long nameAt = position + HeaderSize;
            long descriptorAt = nameAt + AlignUp(nameSize);
            if (nameSize > end - nameAt || descriptorAt > end || descriptorSize > end - descriptorAt)
            {
                _defects.Add($"{kind} {container} holds a note at offset 0x{position:x} that runs past its end");
                return;
            }

            ReadOnlyMemory<byte> name = image.Slice((int)nameAt, (int)nameSize);
            if (nameSize != 0 && name.Span[^1] == 0)
                name = name[..^1];
            ElfNote note = new(name, type, image.Slice((int)descriptorAt, (int)descriptorSize), at, container);
            _notes.Add(note);
            HasXenNote |= note.IsXen;
            position = descriptorAt + AlignUp(descriptorSize);
        }
    }

    private static long AlignUp(uint size) => ((long)size + 3) & ~3L;
}
