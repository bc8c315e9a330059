using System.Buffers.Binary;
using System.Text;

namespace Emu.Pvh;

/// <summary>The boot information of Multiboot 2 (specification 2.0, §3.6): one block of tags.</summary>
/// <remarks>
/// <code>
/// 0 total_size | 4 reserved | 8 tags, each 8-aligned: 0 type | 4 size without the padding | 8 …
///
///  1 command line   text
///  2 loader         name
///  3 module         mod_start | mod_end | text
///  4 memory         mem_lower | mem_upper (KiB)
///  6 memory map     entry_size (24) | entry_version (0) | entries: base (8), length (8), type, 0
///  9 ELF sections   num | entsize | shndx | headers       (three double words: the specification's text and its C header disagree)
/// 14 ACPI 1.0 RSDP  the first 20 bytes of it
/// 15 ACPI 2.0 RSDP  all of it
/// 21 load base      where a relocatable image lies
///  0 end
/// </code>
/// </remarks>
internal sealed class Multiboot2Information
{
    private const uint EndTag = 0, CommandLineTag = 1, LoaderTag = 2, ModuleTag = 3, MemoryTag = 4, MapTag = 6, SectionsTag = 9;
    private const uint OldRootPointerTag = 14, NewRootPointerTag = 15, LoadBaseTag = 21;
    private const int MapEntrySize = 24;
    private const int OldRootPointerLength = 20;
    private const int RevisionOffset = 15;

    private readonly Multiboot2BootOptions _options;
    private readonly IReadOnlyList<MemoryMapEntry> _map;
    private readonly MultibootSections? _sections;
    private readonly uint? _loadBase;
    private GuestRange _tables;

    public Multiboot2Information(
        Multiboot2BootOptions options, IReadOnlyList<MemoryMapEntry> map, MultibootSections? sections, uint? loadBase)
    {
        _options = options;
        _map = map;
        _sections = sections;
        _loadBase = loadBase;
        GuestRange[] modules = new GuestRange[options.Modules.Count];
        Length = (ulong)Build(modules, tables: 0).Length;
    }

    /// <summary>The length of the block in bytes, without the symbol and string tables.</summary>
    public ulong Length { get; }

    /// <summary>The end of the block of symbol and string tables; 0 without one.</summary>
    public ulong TablesEnd => _tables.End;

    /// <summary>Finds room for the symbol and string tables.</summary>
    public void PlaceTables(BootPlacement placement, ulong preferred)
    {
        if (_sections is { TablesLength: not 0 })
            _tables = placement.PlaceBlock(_sections.TablesLength, preferred, "the kernel's symbols");
    }

    /// <summary>Where a module's text lies, in bytes from the block's beginning.</summary>
    public ulong ModuleTextOffset(int module)
    {
        const int beforeText = 16;
        ulong at = (ulong)FirstModule;
        for (int i = 0; i < module; i++)
            at += AlignUp(beforeText + (ulong)Text(_options.Modules[i].CommandLine).Length);
        return at + beforeText;
    }

    /// <summary>Writes everything.</summary>
    public void Write(IGuestMemory memory, ulong block, IReadOnlyList<LoadedModule> modules)
    {
        _sections?.WriteTables(memory, _tables.Start);
        memory.Write(block, Build([.. modules.Select(static module => module.Range)], _tables.Start));
    }

    /// <summary>The block: its length does not depend on where anything lies.</summary>
    private byte[] Build(GuestRange[] modules, ulong tables)
    {
        List<byte> block = [.. new byte[8]];
        Append(block, CommandLineTag, Text(_options.CommandLine));
        Append(block, LoaderTag, Text(Encoding.UTF8.GetBytes(_options.LoaderName)));
        for (int i = 0; i < modules.Length; i++)
            Append(block, ModuleTag, [.. Numbers((uint)modules[i].Start, (uint)modules[i].End), .. Text(_options.Modules[i].CommandLine)]);
        Append(block, MemoryTag, Numbers(MultibootMemory.LowerKib(_map), MultibootMemory.UpperKib(_map)));
        Append(block, MapTag, Map());
        if (_sections is { } sections)
            Append(block, SectionsTag, [.. Numbers((uint)sections.Count, sections.EntrySize, sections.NameIndex), .. sections.Headers(tables)]);
        AppendRootPointer(block);
        if (_loadBase is { } loadBase)
            Append(block, LoadBaseTag, Numbers(loadBase));
        Append(block, EndTag, []);
        byte[] bytes = [.. block];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)bytes.Length);
        return bytes;
    }

    private int FirstModule
    {
        get
        {
            List<byte> before = [.. new byte[8]];
            Append(before, CommandLineTag, Text(_options.CommandLine));
            Append(before, LoaderTag, Text(Encoding.UTF8.GetBytes(_options.LoaderName)));
            return before.Count;
        }
    }

    /// <summary>A root pointer of revision 2 is one of revision 0 with more behind it; without an RSDT it serves nobody who reads only that.</summary>
    private void AppendRootPointer(List<byte> block)
    {
        ReadOnlySpan<byte> pointer = _options.RootPointer.Span;
        if (pointer.Length < OldRootPointerLength)
            return;
        if (BinaryPrimitives.ReadUInt32LittleEndian(pointer[16..]) != 0)
            Append(block, OldRootPointerTag, pointer[..OldRootPointerLength].ToArray());
        if (pointer[RevisionOffset] >= 2)
            Append(block, NewRootPointerTag, pointer.ToArray());
    }

    private byte[] Map()
    {
        byte[] bytes = new byte[8 + (MapEntrySize * _map.Count)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, MapEntrySize);
        for (int i = 0; i < _map.Count; i++)
        {
            Span<byte> entry = bytes.AsSpan(8 + (i * MapEntrySize), MapEntrySize);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, _map[i].Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], _map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)_map[i].Type);
        }

        return bytes;
    }

    private static void Append(List<byte> block, uint type, byte[] body)
    {
        block.AddRange(Numbers(type, 8 + (uint)body.Length));
        block.AddRange(body);
        while (block.Count % 8 != 0)
            block.Add(0);
    }

    private static byte[] Numbers(params ReadOnlySpan<uint> values)
    {
        byte[] bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), values[i]);
        return bytes;
    }

    private static byte[] Text(ReadOnlyMemory<byte>? text) => [.. (text ?? default).Span, 0];

    private static ulong AlignUp(ulong value) => (value + 7) & ~7UL;
}
