namespace Emu.Pvh;

/// <summary>The width of an ELF image's structures (e_ident[EI_CLASS]).</summary>
public enum ElfClass : byte
{
    /// <summary>ELF32.</summary>
    Elf32 = 1,

    /// <summary>ELF64.</summary>
    Elf64 = 2,
}

/// <summary>The processor an ELF image is for (e_machine); only those that a PVH guest can be.</summary>
public enum ElfMachine : ushort
{
    /// <summary>EM_386.</summary>
    I386 = 3,

    /// <summary>EM_X86_64.</summary>
    X86_64 = 62,
}

/// <summary>The values of p_type, sh_type and e_type that matter to a boot loader.</summary>
public static class ElfConstants
{
    /// <summary>e_type of an executable.</summary>
    public const ushort TypeExecutable = 2;

    /// <summary>e_type of a position-independent executable or shared object.</summary>
    public const ushort TypeShared = 3;

    /// <summary>PT_LOAD.</summary>
    public const uint SegmentLoad = 1;

    /// <summary>PT_NOTE.</summary>
    public const uint SegmentNote = 4;

    /// <summary>SHT_SYMTAB.</summary>
    public const uint SectionSymbols = 2;

    /// <summary>SHT_STRTAB.</summary>
    public const uint SectionStrings = 3;

    /// <summary>SHT_NOTE.</summary>
    public const uint SectionNote = 7;

    /// <summary>e_phnum when the real count stands in sh_info of section 0 (PN_XNUM).</summary>
    public const ushort ExtendedSegmentCount = 0xFFFF;
}

/// <summary>One program header. Sizes and addresses in bytes, as in the file.</summary>
/// <param name="Index">Its position in the program header table.</param>
/// <param name="Type">p_type.</param>
/// <param name="Flags">p_flags (1 = execute, 2 = write, 4 = read).</param>
/// <param name="Offset">p_offset.</param>
/// <param name="VirtualAddress">p_vaddr; a PVH loader ignores it.</param>
/// <param name="PhysicalAddress">p_paddr: where the segment is loaded.</param>
/// <param name="FileSize">p_filesz: bytes copied from the file.</param>
/// <param name="MemorySize">p_memsz: bytes in memory; the rest is zero.</param>
/// <param name="Alignment">p_align.</param>
public readonly record struct ElfSegment(
    int Index,
    uint Type,
    uint Flags,
    ulong Offset,
    ulong VirtualAddress,
    ulong PhysicalAddress,
    ulong FileSize,
    ulong MemorySize,
    ulong Alignment)
{
    /// <summary>True for a PT_LOAD segment that occupies memory.</summary>
    public bool IsLoadable => Type == ElfConstants.SegmentLoad && MemorySize != 0;

    /// <summary>The physical range; only for segments that <see cref="ElfFile"/> has checked (loadable ones).</summary>
    public GuestRange PhysicalRange => new(PhysicalAddress, MemorySize);
}

/// <summary>One section header, as far as a boot loader looks at it.</summary>
/// <param name="Index">Its position in the section header table.</param>
/// <param name="Type">sh_type.</param>
/// <param name="Address">sh_addr; 0 where no segment loads the section.</param>
/// <param name="Offset">sh_offset.</param>
/// <param name="Size">sh_size.</param>
/// <param name="Alignment">sh_addralign.</param>
public readonly record struct ElfSection(int Index, uint Type, ulong Address, ulong Offset, ulong Size, ulong Alignment);
