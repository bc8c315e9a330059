using System.Buffers.Binary;
using System.Text;
using Emu.Host.Symbols;
using Emu.Pvh;

namespace Emu.Host.Tests.Symbols;

public sealed class SymbolTests
{
    private const int Function = 2, Object = 1, Global = 0x10;

    private static readonly SymbolTable Table = new(
    [
        new Symbol(0x2000, 0x10, "sized"),
        new Symbol(0x1000, 0, "first"),
        new Symbol(0x3000, 0, "label", 0),
        new Symbol(0x3000, 0, "function", 2),
        new Symbol(0x4000, 0, "last"),
        new Symbol(0x5000, 0, "twice"),
        new Symbol(0x1800, 0, "twice"),
    ]);

    [Theory]
    [InlineData(0xFFF, null)]
    [InlineData(0x1000, "first")]
    [InlineData(0x17FF, "first+0x7ff")]
    [InlineData(0x2000, "sized")]
    [InlineData(0x200F, "sized+0xf")]
    [InlineData(0x2010, null)]
    [InlineData(0x3004, "function+0x4")]
    [InlineData(0x5000, "twice")]
    [InlineData(0x1_4FFF, "twice+0xffff")]
    [InlineData(0x1_5000, null)]
    [InlineData(ulong.MaxValue, null)]
    public void An_address_belongs_to_the_last_symbol_that_reaches_it(ulong address, string? expected)
    {
        Assert.Equal(expected, Table.Describe(address));
    }

    [Fact]
    public void A_name_leads_to_its_lowest_address()
    {
        Assert.True(Table.TryFind("twice", out ulong address));
        Assert.Equal(0x1800UL, address);
        Assert.True(Table.TryFind("label", out address));
        Assert.Equal(0x3000UL, address);
        Assert.False(Table.TryFind("nothing", out _));
    }

    [Fact]
    public void An_empty_table_knows_nothing()
    {
        Assert.Null(SymbolTable.Empty.Find(0));
        Assert.Equal(0, SymbolTable.Empty.Count);
    }

    [Fact]
    public void A_text_is_read_like_kallsyms_and_other_lines_are_passed_over()
    {
        SymbolTable table = SymbolReader.FromText("""
            / # cat /proc/kallsyms
            0000000000000000 A fixed_percpu_data
            ffffffff81000000 T _text
            ffffffff81000000 t local_at_the_same_place
            ffffffff81000070 T secondary_startup_64
            ffffffff82000000 D jiffies
            ffffffffc0001000 t probe	[xen_blkfront]
            ffffffff8100zzzz T broken
            ffffffffffffffff B The real System.map is elsewhere
            ffffffff81
            ffffffff81000080 T

            """u8);

        Assert.Equal(4, table.Count);
        Assert.Equal("_text+0x6f", table.Describe(0xFFFF_FFFF_8100_006F));
        Assert.Equal("probe+0x1", table.Describe(0xFFFF_FFFF_C000_1001));
        Assert.Null(table.Describe(0x10));
    }

    [Fact]
    public void A_carriage_return_is_no_part_of_a_name()
    {
        Assert.Equal("_text", SymbolReader.FromText("ffffffff81000000 T _text\r\n"u8).Describe(0xFFFF_FFFF_8100_0000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_elf_file_shows_its_symtab(bool isWide)
    {
        SymbolTable table = SymbolReader.FromElf(ElfFile.Parse(Elf(isWide,
        [
            ("kernel.c", 0, 0, 4, 0xFFF1),
            ("start", 0x100000, 8, Function | Global, 1),
            ("marker", 0x100000, 0, 0, 1),
            ("data", 0x100010, 4, Object, 1),
            ("elsewhere", 0x100020, 0, Function, 0),
        ])));

        Assert.Equal(2, table.Count);
        Assert.Equal("start+0x7", table.Describe(0x100007));
        Assert.Null(table.Describe(0x100008));
        Assert.Equal("data", table.Describe(0x100010));
        Assert.True(table.TryFind("marker", out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_broken_symtab_is_none(bool isWide)
    {
        byte[] file = Elf(isWide, [("start", 0x100000, 8, Function, 1)]);
        int header = HeaderOfSymbols(isWide);
        byte[] link = (byte[])file.Clone();
        BinaryPrimitives.WriteUInt32LittleEndian(link.AsSpan(header + (isWide ? 40 : 24)), 77);
        byte[] place = (byte[])file.Clone();
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(header + (isWide ? 24 : 16)), 0x7FFF_FFFF);

        Assert.Equal(0, SymbolReader.FromElf(ElfFile.Parse(link)).Count);
        Assert.Equal(0, SymbolReader.FromElf(ElfFile.Parse(place)).Count);
    }

    [Fact]
    public void A_file_without_symbols_is_refused()
    {
        Assert.Contains("found none in 'x'", Assert.Throws<UsageException>(() => SymbolReader.Read("no symbols"u8.ToArray(), "x")).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => SymbolReader.Read(new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F' }, "x"));
        Assert.Throws<UsageException>(() => SymbolReader.Read(Elf(true, []), "x"));
    }

    private static int HeaderOfSymbols(bool isWide) => (isWide ? 64 + 56 : 52 + 32) + (isWide ? 64 : 40);

    /// <summary>An executable with one segment of 64 bytes and the sections null, .symtab and .strtab.</summary>
    private static byte[] Elf(bool isWide, (string Name, ulong Value, ulong Size, int Info, ushort Home)[] symbols)
    {
        int headers = isWide ? 64 : 52, segment = isWide ? 56 : 32, section = isWide ? 64 : 40, entry = isWide ? 24 : 16;
        int sections = headers + segment, table = sections + (3 * section);
        byte[] names = Encoding.ASCII.GetBytes("\0" + string.Join('\0', symbols.Select(static symbol => symbol.Name)) + "\0");
        int text = table + (entry * symbols.Length);
        byte[] file = new byte[text + names.Length + 64];
        names.CopyTo(file, text);
        ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(isWide ? 2 : 1), 1, 1]).CopyTo(file);
        Put(file, 16, 2, 2);
        Put(file, 18, (ulong)(isWide ? 62 : 3), 2);
        Put(file, isWide ? 32 : 28, (ulong)headers, isWide ? 8 : 4);
        Put(file, isWide ? 40 : 32, (ulong)sections, isWide ? 8 : 4);
        Put(file, isWide ? 54 : 42, (ulong)segment, 2);
        Put(file, isWide ? 56 : 44, 1, 2);
        Put(file, isWide ? 58 : 46, (ulong)section, 2);
        Put(file, isWide ? 60 : 48, 3, 2);

        Put(file, headers, 1, 4);
        int word = isWide ? 8 : 4;
        // Offset, virtual and physical address, size in the file and in memory.
        ulong[] fields = [(ulong)(text + names.Length), 0x100000, 0x100000, 64, 64];
        for (int i = 0; i < fields.Length; i++)
            Put(file, headers + (isWide ? 8 : 4) + (i * word), fields[i], word);

        Section(1, type: 2, offset: table, size: entry * symbols.Length, link: 2);
        Section(2, type: 3, offset: text, size: names.Length, link: 0);
        int name = 1;
        for (int i = 0; i < symbols.Length; i++)
        {
            int at = table + (i * entry);
            Put(file, at, (ulong)name, 4);
            file[at + (isWide ? 4 : 12)] = (byte)symbols[i].Info;
            Put(file, at + (isWide ? 6 : 14), symbols[i].Home, 2);
            Put(file, at + (isWide ? 8 : 4), symbols[i].Value, word);
            Put(file, at + (isWide ? 16 : 8), symbols[i].Size, word);
            name += symbols[i].Name.Length + 1;
        }

        return file;

        void Section(int index, uint type, int offset, int size, uint link)
        {
            int at = sections + (index * section);
            Put(file, at + 4, type, 4);
            Put(file, at + (isWide ? 24 : 16), (ulong)offset, word);
            Put(file, at + (isWide ? 32 : 20), (ulong)size, word);
            Put(file, at + (isWide ? 40 : 24), link, 4);
        }
    }

    private static void Put(byte[] file, int at, ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(file.AsSpan(at));
    }
}
