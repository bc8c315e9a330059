using System.Buffers.Binary;
using System.Text;

namespace Emu.Pvh;

/// <summary>The boot information of Multiboot 1 (specification 0.6.96, §3.3), with the lists and texts that it points to.</summary>
/// <remarks>
/// <code>
///  0 flags | 4 mem_lower, 8 mem_upper (KiB) | 12 boot_device | 16 cmdline | 20 mods_count, 24 mods_addr | 28 num, 32 size, 36 addr, 40 shndx
/// 44 mmap_length, 48 mmap_addr | 52 drives | 60 config_table | 64 boot_loader_name | 68 apm_table | 72 vbe | 88 framebuffer … 116
///
/// flags:  0 memory   1 boot device   2 command line   3 modules   5 ELF sections   6 memory map   9 loader name
/// module: start, end, string, 0           memory map entry: size (20), base (8), length (8), type
/// </code>
/// There is no BIOS disk that the kernel came from, so boot_device is absent, as the specification asks.
/// </remarks>
internal sealed class MultibootInformation
{
    private const int HeaderSpace = 120;
    private const int ModuleSize = 16;
    private const int MapEntrySize = 24;
    private const uint MemoryFlag = 1 << 0, CommandLineFlag = 1 << 2, ModulesFlag = 1 << 3;
    private const uint SectionsFlag = 1 << 5, MapFlag = 1 << 6, LoaderNameFlag = 1 << 9;

    private readonly MultibootBootOptions _options;
    private readonly IReadOnlyList<MemoryMapEntry> _map;
    private readonly MultibootSections? _sections;
    private readonly long _moduleList = HeaderSpace;
    private readonly long _memoryMap;
    private readonly long _strings;
    private readonly List<byte[]> _texts;
    private readonly long[] _textOffsets;
    private GuestRange _sectionBlock;

    public MultibootInformation(MultibootBootOptions options, IReadOnlyList<MemoryMapEntry> map, MultibootSections? sections)
    {
        _options = options;
        _map = map;
        _sections = sections;
        _memoryMap = AlignUp(_moduleList + ((long)ModuleSize * options.Modules.Count));
        _strings = AlignUp(_memoryMap + ((long)MapEntrySize * map.Count));
        _texts =
        [
            Text(options.ImageName, options.CommandLine),
            Text(options.LoaderName, null),
            .. options.Modules.Select(static module => Text(module.Name, module.CommandLine)),
        ];
        _textOffsets = new long[_texts.Count];
        long end = _strings;
        for (int i = 0; i < _texts.Count; i++)
        {
            _textOffsets[i] = end;
            end = AlignUp(end + _texts[i].Length);
        }

        Length = (ulong)end;
    }

    /// <summary>The length of the block in bytes, without the sections.</summary>
    public ulong Length { get; }

    /// <summary>The end of the sections' block; 0 without one.</summary>
    public ulong SectionsEnd => _sectionBlock.End;

    public ulong ModuleTextAddress(int module, ulong block) => block + (ulong)_textOffsets[module + 2];

    /// <summary>Finds room for the sections.</summary>
    public void PlaceSections(BootPlacement placement, ulong preferred)
    {
        if (_sections is not null)
            _sectionBlock = placement.PlaceBlock(_sections.HeaderLength + _sections.TablesLength, preferred, "the kernel's section headers and symbols");
    }

    /// <summary>Writes everything.</summary>
    public void Write(IGuestMemory memory, ulong block, IReadOnlyList<LoadedModule> modules)
    {
        byte[] bytes = new byte[checked((int)Length)];
        void Put(long offset, ulong value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((int)offset), (uint)value);

        Put(0, MemoryFlag | CommandLineFlag | ModulesFlag | MapFlag | LoaderNameFlag | (_sections is null ? 0 : SectionsFlag));
        Put(4, MultibootMemory.LowerKib(_map));
        Put(8, MultibootMemory.UpperKib(_map));
        Put(16, block + (ulong)_textOffsets[0]);
        Put(20, (ulong)modules.Count);
        Put(24, modules.Count == 0 ? 0 : block + (ulong)_moduleList);
        if (_sections is { } sections)
        {
            Put(28, (ulong)sections.Count);
            Put(32, sections.EntrySize);
            Put(36, _sectionBlock.Start);
            Put(40, sections.NameIndex);
            ulong tables = _sectionBlock.Start + sections.HeaderLength;
            memory.Write(_sectionBlock.Start, sections.Headers(tables));
            sections.WriteTables(memory, tables);
        }

        Put(44, (ulong)_map.Count * MapEntrySize);
        Put(48, block + (ulong)_memoryMap);
        Put(64, block + (ulong)_textOffsets[1]);
        for (int i = 0; i < modules.Count; i++)
        {
            long at = _moduleList + (i * ModuleSize);
            Put(at, modules[i].Range.Start);
            Put(at + 4, modules[i].Range.End);
            Put(at + 8, modules[i].CommandLineAddress);
        }

        for (int i = 0; i < _map.Count; i++)
        {
            Span<byte> entry = bytes.AsSpan((int)_memoryMap + (i * MapEntrySize), MapEntrySize);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, MapEntrySize - 4);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[4..], _map[i].Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[12..], _map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], (uint)_map[i].Type);
        }

        for (int i = 0; i < _texts.Count; i++)
            _texts[i].CopyTo(bytes, _textOffsets[i]);
        memory.Write(block, bytes);
    }

    /// <summary>A name and a command line with a blank between them, and NUL.</summary>
    private static byte[] Text(string? name, ReadOnlyMemory<byte>? commandLine)
    {
        byte[] first = Encoding.UTF8.GetBytes(name ?? "");
        bool hasBoth = name is not null && commandLine is not null;
        return [.. first, .. hasBoth ? " "u8 : default, .. (commandLine ?? default).Span, 0];
    }

    private static long AlignUp(long value) => (value + 7) & ~7L;
}
