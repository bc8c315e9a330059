using System.Buffers.Binary;

namespace Emu.Pvh;

/// <summary>
/// The ELF section headers that a Multiboot kernel is told (to find its own symbols), and the symbol and string tables behind them, which no
/// segment loads. Each table has its address entered in its header.
/// </summary>
internal sealed class MultibootSections
{
    private const ulong Alignment = 16;

    private readonly ElfFile _elf;
    private readonly List<(ElfSection Section, ulong Offset)> _tables = [];

    private MultibootSections(ElfFile elf)
    {
        _elf = elf;
        foreach (ElfSection section in elf.Sections)
        {
            bool isLoaded = section.Address != 0 || section.Size == 0;
            bool isInFile = section.Offset <= (ulong)elf.Image.Length && section.Size <= (ulong)elf.Image.Length - section.Offset;
            if (isLoaded || !isInFile || section.Type is not (ElfConstants.SectionSymbols or ElfConstants.SectionStrings))
                continue;
            ulong offset = (TablesLength + Alignment - 1) & ~(Alignment - 1);
            _tables.Add((section, offset));
            TablesLength = offset + section.Size;
        }
    }

    /// <summary>How many section headers there are.</summary>
    public int Count => _elf.Sections.Count;

    /// <summary>The size of one, in bytes.</summary>
    public uint EntrySize => _elf.SectionEntrySize;

    /// <summary>The index of the section with the sections' names.</summary>
    public uint NameIndex => _elf.SectionNameIndex;

    /// <summary>The length of all headers in bytes.</summary>
    public ulong HeaderLength => (ulong)Count * EntrySize;

    /// <summary>The length of the tables in bytes.</summary>
    public ulong TablesLength { get; }

    /// <summary>The sections of an image; null where there is no ELF image, or its section table is absent.</summary>
    public static MultibootSections? Read(ElfFile? elf) => elf is null || elf.Sections.Count == 0 ? null : new MultibootSections(elf);

    /// <summary>The headers, for tables that lie from an address on.</summary>
    public byte[] Headers(ulong tables)
    {
        byte[] headers = _elf.Slice(_elf.SectionTableOffset, HeaderLength).ToArray();
        foreach ((ElfSection section, ulong offset) in _tables)
        {
            Span<byte> header = headers.AsSpan(section.Index * _elf.SectionEntrySize);
            // sh_addr
            if (_elf.Class == ElfClass.Elf64)
                BinaryPrimitives.WriteUInt64LittleEndian(header[16..], tables + offset);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)(tables + offset));
        }

        return headers;
    }

    /// <summary>Writes the tables.</summary>
    public void WriteTables(IGuestMemory memory, ulong tables)
    {
        foreach ((ElfSection section, ulong offset) in _tables)
            memory.Write(tables + offset, _elf.Slice(section.Offset, section.Size));
    }
}
