using System.Globalization;
using System.Text;
using Emu.Host.Symbols;
using Emu.Pvh;

namespace Emu.Host.Tests.Symbols;

public sealed class KallsymsTests
{
    private static readonly string LongName = "T__" + string.Concat(Enumerable.Repeat("stable_", 40));

    [Theory]
    [InlineData(AddressForm.Address, false, true, 8, false)]
    [InlineData(AddressForm.Address, false, false, 4, false)]
    [InlineData(AddressForm.OffsetOrAbsolute, false, true, 8, false)]
    [InlineData(AddressForm.OffsetOrAbsolute, false, true, 4, false)]
    [InlineData(AddressForm.OffsetOrAbsolute, false, true, 4, true)]
    [InlineData(AddressForm.OffsetOrAbsolute, true, true, 4, true)]
    [InlineData(AddressForm.Offset, false, false, 4, false)]
    [InlineData(AddressForm.Offset, true, true, 4, true)]
    [InlineData(AddressForm.OffsetFromItself, true, true, 4, true)]
    [InlineData(AddressForm.OffsetFromItself, true, false, 4, true)]
    public void Tables_of_each_generation_of_Linux_are_read(AddressForm form, bool addressesLast, bool isWide, int markerWidth, bool hasSequences)
    {
        List<(string Text, ulong Address)> symbols = Symbols(isWide, hasAbsolute: form == AddressForm.OffsetOrAbsolute);
        SymbolTable table = Kallsyms.Read(ElfFile.Parse(KallsymsImage.Create(symbols, form, addressesLast, isWide, markerWidth, hasSequences).File));

        foreach ((string text, ulong address) in symbols.Where(symbol => symbol.Text[0] != 'A'))
        {
            Assert.Equal(text[1..], table.Describe(address));
            Assert.True(table.TryFind(text[1..], out ulong found));
            Assert.Equal(address, found);
        }

        Assert.Equal(symbols.Count(symbol => symbol.Text[0] != 'A'), table.Count);
    }

    [Fact]
    public void A_kernel_where_it_lies_in_memory_has_the_names_that_it_is_linked_for()
    {
        List<(string Text, ulong Address)> symbols = Symbols(isWide: true, hasAbsolute: false);
        ElfFile file = ElfFile.Parse(KallsymsImage.Create(symbols, AddressForm.Offset, addressesLast: true).File);
        KernelSymbols kernel = new(Kallsyms.Read(file), file, displacement: 0x20_0000);

        Assert.Equal("symbol_3+0x1", kernel.Describe(KallsymsImage.VirtualAddress + 49));
        Assert.Equal("symbol_3+0x1", kernel.Describe(0x120_0000 + 49));
        Assert.Null(kernel.Describe(0x100_0000 + 49));
        Assert.Null(kernel.Table.Describe(0x120_0000 + 49));
    }

    [Fact]
    public void Broken_tables_are_none()
    {
        List<(string Text, ulong Address)> symbols = Symbols(isWide: true, hasAbsolute: false);
        KallsymsImage image = KallsymsImage.Create(symbols, AddressForm.Offset, addressesLast: true);
        // An index that does not follow from the tokens, a marker that is not where its name begins, a number of names that is not theirs, and
        // addresses that do not ascend.
        foreach (int at in (int[])[image.TokenIndex + 6, image.Markers + 4, image.Names - 8, image.Addresses + 43])
        {
            byte[] broken = (byte[])image.File.Clone();
            broken[at] ^= 0x40;
            Assert.Equal(0, Kallsyms.Read(ElfFile.Parse(broken)).Count);
        }
    }

    [Fact]
    public void Whatever_the_tables_hold_reading_them_ends()
    {
        List<(string Text, ulong Address)> symbols = Symbols(isWide: true, hasAbsolute: true);
        KallsymsImage image = KallsymsImage.Create(symbols, AddressForm.OffsetOrAbsolute, addressesLast: false, hasSequences: true);
        Random random = new(6);
        int whole = 0;
        for (int round = 0; round < 400; round++)
        {
            byte[] broken = (byte[])image.File.Clone();
            for (int i = 0; i <= round % 4; i++)
                broken[random.Next(0x200, broken.Length)] = (byte)random.Next(256);
            whole += Kallsyms.Read(ElfFile.Parse(broken)).Count != 0 ? 1 : 0;
        }

        // Some changes only change names or addresses: those that leave the tables what they must be.
        Assert.InRange(whole, 1, 399);
    }

    [Theory]
    [InlineData("0\u00001\u00002\u00003\u00004\u00005\u00006\u00007\u00008\u00009\u0000")]
    [InlineData("\u0000")]
    [InlineData("x\u00000\u0000")]
    public void A_file_full_of_beginnings_is_searched_in_bounded_time(string pattern)
    {
        List<(string Text, ulong Address)> symbols = Symbols(isWide: true, hasAbsolute: false);
        KallsymsImage image = KallsymsImage.Create(symbols, AddressForm.Offset, addressesLast: true);
        byte[] file = new byte[8 << 20];
        image.File.AsSpan(0, 0x200).CopyTo(file);
        byte[] bytes = Encoding.ASCII.GetBytes(pattern);
        for (int at = 0x200; at + bytes.Length <= file.Length; at += bytes.Length)
            bytes.CopyTo(file, at);
        // Tables whose names are nowhere.
        int tokens = image.TokenIndex - 0x800;
        for (int copy = 1; copy < 100; copy++)
            image.File.AsSpan(tokens, 0xA00).CopyTo(file.AsSpan(file.Length - (copy * 0x1000)));

        Assert.Equal(0, Kallsyms.Read(ElfFile.Parse(file)).Count);
    }

    [SkippableTheory]
    [InlineData("vmlinuz-amd64")]
    [InlineData("vmlinuz-cloud-amd64")]
    public void Debians_kernels_have_the_symbols_that_they_show_themselves(string kernel)
    {
        SymbolTable table = KernelSymbols.Read(KernelImage.Open(TestFiles.Guest(kernel)));

        using EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest(kernel), "--initrd", TestFiles.Guest("initrd-shell.gz"), "--memory", "256M", "--append", "console=ttyS0 quiet nokaslr");
        emu.Type("mount -t proc proc /proc; cat /proc/kallsyms; poweroff -f\n");
        SymbolTable truth = SymbolReader.FromText(Encoding.UTF8.GetBytes(emu.Wait().Console));

        Assert.InRange(truth.Count, 50_000, 500_000);
        Assert.Equal(truth.Symbols.Select(Line), table.Symbols.Select(Line));

        static string Line(Symbol symbol) => string.Create(CultureInfo.InvariantCulture, $"{symbol.Address:x} {symbol.Name}");
    }

    /// <summary>A thousand symbols, one with a name of more than 127 tokens, and constants before them.</summary>
    private static List<(string Text, ulong Address)> Symbols(bool isWide, bool hasAbsolute)
    {
        ulong start = isWide ? KallsymsImage.VirtualAddress : (uint)(KallsymsImage.VirtualAddress & uint.MaxValue);
        List<(string Text, ulong Address)> symbols = [];
        for (int i = 0; hasAbsolute && i < 20; i++)
            symbols.Add(($"A__per_processor_{i}", (ulong)i * 8));
        for (int i = 0; i < 1000; i++)
            symbols.Add((i == 300 ? LongName : $"{"tTdD"[i % 4]}symbol_{i}", start + ((ulong)i * 16)));
        return symbols;
    }
}
