using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emu.Pvh;

namespace Emu.Host.Symbols;

/// <summary>Reads symbols from an ELF file's .symtab, or from a text as System.map and /proc/kallsyms are.</summary>
/// <remarks>
/// <code>
/// ELF64 symbol, 24 bytes:  name u32@0  info u8@4  shndx u16@6  value u64@8  size u64@16
/// ELF32 symbol, 16 bytes:  name u32@0  value u32@4  size u32@8  info u8@12  shndx u16@14
/// text, one line each:     ffffffff81000000 T _text     a fourth word names a module
/// </code>
/// </remarks>
public static class SymbolReader
{
    private const uint SymbolTableType = 2;
    private const int FunctionType = 2, SectionType = 3, FileType = 4;

    /// <summary>The longest name: C++ and Rust make names of thousands of characters. More is cut.</summary>
    private const int LongestName = 4096;

    /// <summary>Characters of all names together: 128 Mi. Names may share their text in the file, so a small file could mean more.</summary>
    private const long MostText = 1 << 27;

    private const ushort Undefined = 0, Absolute = 0xFFF1;

    /// <summary>Reads a file that the user named.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="path">Its name, for a refusal.</param>
    /// <returns>The symbols.</returns>
    /// <exception cref="UsageException">The file has none.</exception>
    public static SymbolTable Read(ReadOnlyMemory<byte> bytes, string path)
    {
        SymbolTable table;
        if (ElfFile.HasMagic(bytes.Span))
        {
            try
            {
                table = FromElf(ElfFile.Parse(bytes));
            }
            catch (PvhBootException e)
            {
                throw new UsageException($"--symbols cannot use '{path}': {e.Message}", e);
            }
        }
        else
        {
            table = FromText(bytes.Span);
        }

        return table.Count != 0
            ? table
            : throw new UsageException($"--symbols found none in '{path}': it takes an ELF file with .symtab, a System.map, or what /proc/kallsyms shows to root.");
    }

    /// <summary>The symbols of an ELF file.</summary>
    /// <param name="file">The file.</param>
    /// <returns>Its symbols; none where it is stripped, or its table lies outside.</returns>
    public static SymbolTable FromElf(ElfFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        ReadOnlySpan<byte> image = file.Image.Span;
        bool isWide = file.Class == ElfClass.Elf64;
        int entrySize = isWide ? 24 : 16;
        List<Symbol> symbols = [];
        long length = 0;
        foreach (ElfSection section in file.Sections)
        {
            if (section.Type != SymbolTableType || !TrySlice(image, section, out ReadOnlySpan<byte> entries) || Names(file, section, isWide) is not { } namesSection
                || !TrySlice(image, namesSection, out ReadOnlySpan<byte> names))
            {
                continue;
            }

            for (; entries.Length >= entrySize; entries = entries[entrySize..])
            {
                byte info = entries[isWide ? 4 : 12];
                ushort home = BinaryPrimitives.ReadUInt16LittleEndian(entries[(isWide ? 6 : 14)..]);
                int type = info & 0xF;
                if (type is SectionType or FileType || home is Undefined or Absolute)
                    continue;
                string name = Text(names, BinaryPrimitives.ReadUInt32LittleEndian(entries));
                length += name.Length;
                if (name.Length == 0 || length > MostText)
                    continue;
                ulong value = isWide ? BinaryPrimitives.ReadUInt64LittleEndian(entries[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(entries[4..]);
                ulong size = isWide ? BinaryPrimitives.ReadUInt64LittleEndian(entries[16..]) : BinaryPrimitives.ReadUInt32LittleEndian(entries[8..]);
                symbols.Add(new Symbol(value, size, name, (type == FunctionType ? 2 : 0) + (info >> 4 != 0 ? 1 : 0)));
            }
        }

        return new SymbolTable(symbols);
    }

    /// <summary>The symbols of a text; lines that are none are passed over.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The symbols.</returns>
    public static SymbolTable FromText(ReadOnlySpan<byte> text)
    {
        List<Symbol> symbols = [];
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range];
            int blank = line.IndexOf((byte)' ');
            if (blank is < 1 or > 16 || line.Length < blank + 4 || line[blank + 2] != ' '
                || !ulong.TryParse(line[..blank], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address) || address == 0)
            {
                continue;
            }

            char kind = (char)line[blank + 1];
            // Absolute ones are constants; in Linux also offsets into each processor's own data.
            if (kind is 'a' or 'A' or 'U')
                continue;
            ReadOnlySpan<byte> name = line[(blank + 3)..];
            int end = name.IndexOfAny((byte)'\t', (byte)' ', (byte)'\r');
            // More words are a module's name, or a sentence: Debian's System.map says so where the real one is.
            if (end >= 0 && name[end..].Trim(" \t\r"u8) is not ([] or [(byte)'[', ..]))
                continue;
            bool isCode = kind is 't' or 'T' or 'w' or 'W';
            symbols.Add(new Symbol(address, 0, Encoding.UTF8.GetString(end < 0 ? name : name[..end]), (isCode ? 2 : 0) + (char.IsUpper(kind) ? 1 : 0)));
        }

        return new SymbolTable(symbols);
    }

    /// <summary>The section with the names: sh_link of the symbols' section.</summary>
    private static ElfSection? Names(ElfFile file, ElfSection section, bool isWide)
    {
        ulong header = file.SectionTableOffset + ((ulong)section.Index * file.SectionEntrySize);
        uint link = BinaryPrimitives.ReadUInt32LittleEndian(file.Image.Span[(int)(header + (isWide ? 40u : 24u))..]);
        return link < (uint)file.Sections.Count ? file.Sections[(int)link] : null;
    }

    private static bool TrySlice(ReadOnlySpan<byte> image, ElfSection section, out ReadOnlySpan<byte> bytes)
    {
        bool fits = section.Offset <= (ulong)image.Length && section.Size <= (ulong)image.Length - section.Offset;
        bytes = fits ? image.Slice((int)section.Offset, (int)section.Size) : default;
        return fits;
    }

    private static string Text(ReadOnlySpan<byte> names, uint offset)
    {
        if (offset >= (uint)names.Length)
            return "";
        ReadOnlySpan<byte> text = names[(int)offset..];
        int end = text[..Math.Min(text.Length, LongestName)].IndexOf((byte)0);
        return Encoding.UTF8.GetString(text[..(end < 0 ? Math.Min(text.Length, LongestName) : end)]);
    }
}
