using System.Buffers.Binary;
using System.Text;
using Emu.Pvh;

namespace Emu.Host.Symbols;

/// <summary>Writes symbols as an ELF file without contents, as objcopy --only-keep-debug does: what debuggers load names from.</summary>
/// <remarks>
/// <code>
/// ELF header · one SHT_NOBITS section for each segment of the kernel · .note.gnu.build-id, where the kernel has one ·
/// .symtab (local symbols first) · .strtab · .shstrtab · section headers
/// </code>
/// Always ELF64 for x86-64, which has room for any address.
/// </remarks>
public static class SymbolFile
{
    private const int HeaderSize = 64, SectionHeaderSize = 64, SymbolSize = 24;
    private const uint Note = 7, NoBits = 8, SymbolTableType = 2, StringTableType = 3;
    private const ulong Writable = 1, Allocated = 2, Executable = 4;
    private const uint SegmentExecutable = 1, SegmentWritable = 2;
    private const ushort Absolute = 0xFFF1;
    private const byte Global = 1 << 4, Object = 1, Function = 2;
    private const uint BuildIdType = 3;

    /// <summary>Builds the file.</summary>
    /// <param name="kernel">The kernel that the symbols are of.</param>
    /// <param name="notes">Its notes.</param>
    /// <param name="symbols">The symbols.</param>
    /// <returns>The file's bytes.</returns>
    public static byte[] Build(ElfFile kernel, ElfNotes notes, SymbolTable symbols)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(notes);
        ArgumentNullException.ThrowIfNull(symbols);
        List<Section> sections = [new Section("", 0, 0, 0, 0, [])];
        foreach (ElfSegment segment in kernel.LoadableSegments)
        {
            ulong flags = Allocated | ((segment.Flags & SegmentExecutable) != 0 ? Executable : 0) | ((segment.Flags & SegmentWritable) != 0 ? Writable : 0);
            string name = (flags & Executable) != 0 ? ".text" : (flags & Writable) != 0 ? ".data" : ".rodata";
            int others = sections.Count(section => section.Name.StartsWith(name, StringComparison.Ordinal));
            sections.Add(new Section(others == 0 ? name : $"{name}.{others}", NoBits, flags, segment.VirtualAddress, segment.MemorySize, []));
        }

        int segments = sections.Count;
        if (notes.Notes.FirstOrDefault(static note => note.Type == BuildIdType && note.Name.Span.SequenceEqual("GNU"u8)) is { } buildId)
            sections.Add(new Section(".note.gnu.build-id", Note, 0, 0, 0, NoteOf(buildId)));
        byte[] table = Table(symbols, sections[..segments], out byte[] names, out int locals);
        sections.Add(new Section(".symtab", SymbolTableType, 0, 0, 0, table) { Link = sections.Count + 1, Info = locals, EntrySize = SymbolSize });
        sections.Add(new Section(".strtab", StringTableType, 0, 0, 0, names));
        return Assemble(kernel, sections);
    }

    private static byte[] Table(SymbolTable symbols, List<Section> segments, out byte[] names, out int locals)
    {
        // Local ones must come first; OrderBy keeps the order of addresses.
        Symbol[] all = [.. symbols.All.OrderBy(static symbol => symbol.IsGlobal)];
        locals = 1 + all.Count(static symbol => !symbol.IsGlobal);
        byte[] table = new byte[(all.Length + 1) * SymbolSize];
        using MemoryStream text = new();
        text.WriteByte(0);
        for (int i = 0; i < all.Length; i++)
        {
            Symbol symbol = all[i];
            Span<byte> entry = table.AsSpan((i + 1) * SymbolSize, SymbolSize);
            int section = segments.FindIndex(1, segment => symbol.Address - segment.Address < segment.Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)text.Length);
            entry[4] = (byte)((symbol.IsGlobal ? Global : 0) | (symbol.IsCode ? Function : Object));
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], section < 0 ? Absolute : (ushort)section);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], symbol.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], SizeOf(symbol, symbols, section < 0 ? null : segments[section]));
            text.Write(Encoding.UTF8.GetBytes(symbol.Name));
            text.WriteByte(0);
        }

        names = text.ToArray();
        return table;
    }

    // Up to the next one in the same part of the kernel, where nobody says.
    private static ulong SizeOf(Symbol symbol, SymbolTable symbols, Section? section)
    {
        if (symbol.Size != 0 || section is null)
            return symbol.Size;
        ulong end = symbols.Next(symbol.Address) is { } next ? next.Address : ulong.MaxValue;
        return Math.Min(end - symbol.Address, section.Address + section.Size - symbol.Address);
    }

    private static byte[] NoteOf(ElfNote note)
    {
        byte[] bytes = new byte[12 + 4 + ((note.Descriptor.Length + 3) & ~3)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, 4);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), (uint)note.Descriptor.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), note.Type);
        "GNU\0"u8.CopyTo(bytes.AsSpan(12));
        note.Descriptor.Span.CopyTo(bytes.AsSpan(16));
        return bytes;
    }

    private static byte[] Assemble(ElfFile kernel, List<Section> sections)
    {
        using MemoryStream names = new();
        List<int> nameOffsets = [];
        foreach (string name in sections.Select(static section => section.Name).Append(".shstrtab"))
        {
            nameOffsets.Add(name.Length == 0 ? 0 : (int)Math.Max(names.Length, 1));
            if (names.Length == 0)
                names.WriteByte(0);
            if (name.Length != 0)
                names.Write(Encoding.ASCII.GetBytes(name + "\0"));
        }

        sections.Add(new Section(".shstrtab", StringTableType, 0, 0, 0, names.ToArray()));
        using MemoryStream file = new();
        file.SetLength(HeaderSize);
        file.Position = HeaderSize;
        byte[] headers = new byte[sections.Count * SectionHeaderSize];
        for (int i = 1; i < sections.Count; i++)
        {
            Section section = sections[i];
            file.Position = (file.Position + 7) & ~7L;
            Span<byte> header = headers.AsSpan(i * SectionHeaderSize, SectionHeaderSize);
            BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)nameOffsets[i]);
            BinaryPrimitives.WriteUInt32LittleEndian(header[4..], section.Type);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], section.Flags);
            BinaryPrimitives.WriteUInt64LittleEndian(header[16..], section.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)file.Position);
            BinaryPrimitives.WriteUInt64LittleEndian(header[32..], section.Type == NoBits ? section.Size : (ulong)section.Content.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header[40..], (uint)section.Link);
            BinaryPrimitives.WriteUInt32LittleEndian(header[44..], (uint)section.Info);
            BinaryPrimitives.WriteUInt64LittleEndian(header[48..], section.Type == NoBits ? 1UL : 8);
            BinaryPrimitives.WriteUInt64LittleEndian(header[56..], (ulong)section.EntrySize);
            file.Write(section.Content);
        }

        file.Position = (file.Position + 7) & ~7L;
        long table = file.Position;
        file.Write(headers);
        byte[] bytes = file.ToArray();
        WriteHeader(bytes, kernel, (ulong)table, (ushort)sections.Count);
        return bytes;
    }

    private static void WriteHeader(Span<byte> file, ElfFile kernel, ulong sectionTable, ushort sections)
    {
        ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file[16..], ElfConstants.TypeExecutable);
        BinaryPrimitives.WriteUInt16LittleEndian(file[18..], (ushort)ElfMachine.X86_64);
        BinaryPrimitives.WriteUInt32LittleEndian(file[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file[24..], kernel.Entry);
        BinaryPrimitives.WriteUInt64LittleEndian(file[40..], sectionTable);
        BinaryPrimitives.WriteUInt16LittleEndian(file[52..], HeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file[58..], SectionHeaderSize);
        BinaryPrimitives.WriteUInt16LittleEndian(file[60..], sections);
        BinaryPrimitives.WriteUInt16LittleEndian(file[62..], (ushort)(sections - 1));
    }

    private sealed record Section(string Name, uint Type, ulong Flags, ulong Address, ulong Size, byte[] Content)
    {
        public int Link { get; init; }

        public int Info { get; init; }

        public int EntrySize { get; init; }
    }
}
