using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>
/// An ELF image with its program and section headers, checked so far that every loadable segment lies in the file, has a range that
/// does not wrap, and overlaps no other one.
/// </summary>
/// <remarks>
/// <code>
/// ELF32: e_type@16 e_machine@18 e_entry@24/4 e_phoff@28/4 e_shoff@32/4 e_phentsize@42 e_phnum@44 e_shentsize@46 e_shnum@48
/// ELF64: e_type@16 e_machine@18 e_entry@24/8 e_phoff@32/8 e_shoff@40/8 e_phentsize@54 e_phnum@56 e_shentsize@58 e_shnum@60
/// </code>
/// </remarks>
public sealed class ElfFile
{
    private ElfFile(ReadOnlyMemory<byte> image, ElfClass elfClass, ElfMachine machine, ushort type, ulong entry)
    {
        Image = image;
        Class = elfClass;
        Machine = machine;
        Type = type;
        Entry = entry;
    }

    /// <summary>The whole image; bytes behind the ELF (Linux appends its relocations) are allowed.</summary>
    public ReadOnlyMemory<byte> Image { get; }

    /// <summary>ELF32 or ELF64.</summary>
    public ElfClass Class { get; }

    /// <summary>The processor.</summary>
    public ElfMachine Machine { get; }

    /// <summary>e_type: 2 executable or 3 shared.</summary>
    public ushort Type { get; }

    /// <summary>e_flags; QEMU refuses some of its bits.</summary>
    public uint Flags { get; private init; }

    /// <summary>e_phoff: where the program headers begin, in bytes.</summary>
    public ulong SegmentTableOffset { get; private init; }

    /// <summary>e_phentsize: the size of a program header in bytes.</summary>
    public ushort SegmentEntrySize { get; private init; }

    /// <summary>e_shoff: where the section headers begin, in bytes.</summary>
    public ulong SectionTableOffset { get; private init; }

    /// <summary>e_shentsize: the size of a section header in bytes.</summary>
    public ushort SectionEntrySize { get; private init; }

    /// <summary>e_shstrndx: the index of the section with the sections' names.</summary>
    public ushort SectionNameIndex { get; private init; }

    /// <summary>e_entry. PVH ignores it; some loaders do not.</summary>
    public ulong Entry { get; }

    /// <summary>All program headers in file order.</summary>
    public IReadOnlyList<ElfSegment> Segments { get; private set; } = [];

    /// <summary>All section headers in file order; empty when the table is absent or lies outside the file (a stripped image still loads).</summary>
    public IReadOnlyList<ElfSection> Sections { get; private set; } = [];

    /// <summary>The segments to load, ordered by physical address. Never empty.</summary>
    public IReadOnlyList<ElfSegment> LoadableSegments { get; private set; } = [];

    /// <summary>From the lowest to the highest physical address that a loadable segment occupies.</summary>
    public GuestRange PhysicalRange { get; private set; }

    /// <summary>The largest p_align of the loadable segments, at least 1.</summary>
    public ulong MaximumAlignment { get; private set; } = 1;

    /// <summary>True when <paramref name="image"/> begins with the ELF magic.</summary>
    /// <param name="image">The first bytes of a file.</param>
    /// <returns>Whether it is an ELF image.</returns>
    public static bool HasMagic(ReadOnlySpan<byte> image) => image.StartsWith("\u007fELF"u8);

    /// <summary>Reads and checks an ELF image.</summary>
    /// <param name="image">The image; it is kept, not copied.</param>
    /// <returns>The parsed image.</returns>
    /// <exception cref="KernelImageException">The image cannot be loaded; the class tells why.</exception>
    public static ElfFile Parse(ReadOnlyMemory<byte> image)
    {
        ReadOnlySpan<byte> bytes = image.Span;
        if (!HasMagic(bytes))
            throw new UnrecognizedImageException("The image does not begin with the ELF magic.");
        Require(bytes, "the ELF identification", 0, 16);
        ElfClass elfClass = bytes[4] switch
        {
            1 => ElfClass.Elf32,
            2 => ElfClass.Elf64,
            byte other => throw new UnsupportedElfException($"The ELF class {other} is neither ELF32 (1) nor ELF64 (2)."),
        };
        if (bytes[5] != 1)
            throw new UnsupportedElfException("The ELF image is not little-endian, so it is not for an x86 processor.");
        bool wide = elfClass == ElfClass.Elf64;
        Require(bytes, "the ELF header", 0, wide ? 64u : 52u);

        ushort type = U16(bytes, 16);
        ushort machine = U16(bytes, 18);
        if (type is not (ElfConstants.TypeExecutable or ElfConstants.TypeShared))
            throw new UnsupportedElfException($"The ELF image is of type {type}, not an executable (2 or 3); link it before booting it.");
        if (machine is not ((ushort)ElfMachine.I386 or (ushort)ElfMachine.X86_64))
            throw new UnsupportedElfException($"The ELF image is for machine {machine}, not for x86 (EM_386 = 3 or EM_X86_64 = 62).");

        ElfFile file = new(image, elfClass, (ElfMachine)machine, type, wide ? U64(bytes, 24) : U32(bytes, 24))
        {
            Flags = U32(bytes, wide ? 48 : 36),
            SegmentTableOffset = wide ? U64(bytes, 32) : U32(bytes, 28),
            SegmentEntrySize = U16(bytes, wide ? 54 : 42),
            SectionTableOffset = wide ? U64(bytes, 40) : U32(bytes, 32),
            SectionEntrySize = U16(bytes, wide ? 58 : 46),
            SectionNameIndex = U16(bytes, wide ? 62 : 50),
        };
        file.ReadSections(bytes, wide);
        file.ReadSegments(bytes, wide);
        file.CheckLoadableSegments();
        return file;
    }

    /// <summary>The bytes of a part of the image that was checked before.</summary>
    internal ReadOnlySpan<byte> Slice(ulong offset, ulong length) => Image.Span.Slice(checked((int)offset), checked((int)length));

    private static void Require(ReadOnlySpan<byte> bytes, string what, ulong offset, ulong length)
    {
        if (!Fits(bytes.Length, offset, length))
            throw new TruncatedImageException(what, offset, length, bytes.Length);
    }

    private static bool Fits(long available, ulong offset, ulong length) =>
        offset <= (ulong)available && length <= (ulong)available - offset;

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    /// <summary>A section table outside the file is treated as absent: kernels are often stripped by cutting it off.</summary>
    private void ReadSections(ReadOnlySpan<byte> bytes, bool wide)
    {
        ulong tableOffset = SectionTableOffset;
        uint entrySize = SectionEntrySize;
        ulong count = U16(bytes, wide ? 60 : 48);
        uint minimum = wide ? 64u : 40u;
        if (tableOffset == 0 || entrySize < minimum || !Fits(bytes.Length, tableOffset, minimum))
            return;
        // Extended numbering: with more than 0xFEFF sections the count stands in sh_size of section 0.
        if (count == 0)
            count = wide ? U64(bytes, (int)tableOffset + 32) : U32(bytes, (int)tableOffset + 20);
        if (count > (ulong)bytes.Length / entrySize || !Fits(bytes.Length, tableOffset, count * entrySize))
            return;

        ElfSection[] sections = new ElfSection[count];
        for (int i = 0; i < sections.Length; i++)
        {
            int at = (int)tableOffset + (i * (int)entrySize);
            sections[i] = wide
                ? new ElfSection(i, U32(bytes, at + 4), U64(bytes, at + 16), U64(bytes, at + 24), U64(bytes, at + 32), U64(bytes, at + 48))
                : new ElfSection(i, U32(bytes, at + 4), U32(bytes, at + 12), U32(bytes, at + 16), U32(bytes, at + 20), U32(bytes, at + 32));
        }

        Sections = sections;
    }

    private void ReadSegments(ReadOnlySpan<byte> bytes, bool wide)
    {
        ulong tableOffset = SegmentTableOffset;
        uint entrySize = SegmentEntrySize;
        ulong count = U16(bytes, wide ? 56 : 44);
        uint minimum = wide ? 56u : 32u;
        if (count == 0)
            throw new NoLoadableSegmentException();
        if (count == ElfConstants.ExtendedSegmentCount)
            count = ExtendedCount(bytes, wide) ?? count;
        if (entrySize < minimum)
            throw new MalformedElfException($"The ELF program headers are {entrySize} bytes each, but {Class} needs {minimum}.");
        Require(bytes, $"the table of {count} program headers", tableOffset, count * entrySize);

        ElfSegment[] segments = new ElfSegment[count];
        for (int i = 0; i < segments.Length; i++)
        {
            int at = (int)tableOffset + (i * (int)entrySize);
            segments[i] = wide
                ? new ElfSegment(i, U32(bytes, at), U32(bytes, at + 4), U64(bytes, at + 8), U64(bytes, at + 16), U64(bytes, at + 24),
                    U64(bytes, at + 32), U64(bytes, at + 40), U64(bytes, at + 48))
                : new ElfSegment(i, U32(bytes, at), U32(bytes, at + 24), U32(bytes, at + 4), U32(bytes, at + 8), U32(bytes, at + 12),
                    U32(bytes, at + 16), U32(bytes, at + 20), U32(bytes, at + 28));
        }

        Segments = segments;
    }

    /// <summary>sh_info of section 0, where e_phnum overflowed.</summary>
    private ulong? ExtendedCount(ReadOnlySpan<byte> bytes, bool wide)
    {
        ulong tableOffset = SectionTableOffset;
        if (tableOffset == 0 || !Fits(bytes.Length, tableOffset, wide ? 64u : 40u))
            return null;
        return U32(bytes, (int)tableOffset + (wide ? 44 : 28));
    }

    private void CheckLoadableSegments()
    {
        List<ElfSegment> loadable = [];
        foreach (ElfSegment segment in Segments)
        {
            if (!segment.IsLoadable)
                continue;
            if (segment.FileSize > segment.MemorySize)
                throw new SegmentSizeException(segment.Index, segment.FileSize, segment.MemorySize);
            if (segment.MemorySize > ulong.MaxValue - segment.PhysicalAddress)
                throw new SegmentWrapException(segment.Index, segment.PhysicalAddress, segment.MemorySize);
            if (segment.FileSize != 0 && !Fits(Image.Length, segment.Offset, segment.FileSize))
                throw new TruncatedImageException($"segment {segment.Index}", segment.Offset, segment.FileSize, Image.Length);
            loadable.Add(segment);
        }

        if (loadable.Count == 0)
            throw new NoLoadableSegmentException();
        loadable.Sort(static (a, b) => a.PhysicalAddress != b.PhysicalAddress
            ? a.PhysicalAddress.CompareTo(b.PhysicalAddress)
            : a.Index.CompareTo(b.Index));
        ulong end = 0;
        int previous = -1;
        foreach (ElfSegment segment in loadable)
        {
            if (previous >= 0 && segment.PhysicalAddress < end)
                throw new SegmentOverlapException(previous, segment.Index, segment.PhysicalAddress);
            end = segment.PhysicalRange.End;
            previous = segment.Index;
            MaximumAlignment = Math.Max(MaximumAlignment, segment.Alignment);
        }

        LoadableSegments = loadable;
        PhysicalRange = GuestRange.FromEnds(loadable[0].PhysicalAddress, end);
    }
}
