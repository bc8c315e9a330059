namespace Emu.Host.Tests.Debugging;

/// <summary>What gdb is told of the processor, and that it stays right whatever the mode.</summary>
public sealed class ViewTests
{
    [Fact]
    public void Kernel_of_32_bits_is_described_as_such_until_another_view_is_asked_for()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;

        Assert.Contains("<architecture>i386</architecture>", gdb.Description(), StringComparison.Ordinal);
        int length = gdb.Ask("g").Length;
        Assert.Contains("unset tdesc filename", gdb.Monitor("view 64"), StringComparison.Ordinal);
        Assert.Equal(length, gdb.Ask("g").Length);
        string wide = gdb.Description();
        Assert.Contains("<architecture>i386:x86-64</architecture>", wide, StringComparison.Ordinal);
        Assert.Contains("name=\"r15\"", wide, StringComparison.Ordinal);
        Assert.NotEqual(length, gdb.Ask("g").Length);
        Assert.Equal(DebuggedGuest.At(0), gdb.Register("rip"));
        gdb.Monitor("view 16");
        Assert.Contains("<architecture>i8086</architecture>", gdb.Description(), StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_of_64_bits_is_described_as_such_from_its_32_bit_entry_on()
    {
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", TestFiles.TourKernel, "--gdb", $"{port}");
        using GdbClient gdb = GdbClient.Connect(port);

        Assert.Contains("<architecture>i386:x86-64</architecture>", gdb.Description(), StringComparison.Ordinal);
        Assert.Equal(32UL, gdb.Register("code_bits"));
    }

    [Fact]
    public void Every_description_is_as_long_as_the_registers_that_are_sent()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        foreach (int view in (ReadOnlySpan<int>)[16, 32, 64])
        {
            gdb.Monitor($"view {view}");
            string xml = gdb.Description().Replace("<!DOCTYPE target SYSTEM \"gdb-target.dtd\">", "", StringComparison.Ordinal);
            int bits = System.Xml.Linq.XDocument.Parse(xml).Descendants("reg").Sum(static register => (int)register.Attribute("bitsize")!);
            Assert.Equal(bits / 4, gdb.Ask("g").Length);
        }
    }

    [Fact]
    public void In_real_mode_the_program_counter_is_a_linear_address()
    {
        // nop; mov ax, 0x1234; jmp to itself
        using DebuggedGuest guest = DebuggedGuest.FromRom(0x90, 0xB8, 0x34, 0x12, 0xEB, 0xFE);
        GdbClient gdb = guest.Client;

        Assert.Contains("<architecture>i8086</architecture>", gdb.Description(), StringComparison.Ordinal);
        Assert.Equal(0xFFFF_FFF0UL, gdb.Register("eip"));
        Assert.Equal("ea", gdb.Ask("mfffffff0,1"));
        Assert.Equal("OK", gdb.Ask("Z0,f0004,1"));
        Assert.StartsWith("T05thread:1;", gdb.Ask("c"), StringComparison.Ordinal);
        Assert.Equal((0xF0004UL, 0xF000UL, 0xF0000UL, 0x1234UL), (gdb.Register("eip"), gdb.Register("cs"), gdb.Register("cs_base"), gdb.Register("eax") & 0xFFFF));
        Assert.Equal("OK", gdb.SetRegister("eip", 0xF0000));
        gdb.Ask("s");
        Assert.Equal(0xF0001UL, gdb.Register("eip"));
    }

    [Fact]
    public void Segments_are_loaded_as_the_mode_has_them()
    {
        using DebuggedGuest guest = DebuggedGuest.FromRom(0xEB, 0xFE);
        GdbClient gdb = guest.Client;

        Assert.Equal("OK", gdb.SetRegister("ds", 0x1234));
        Assert.Equal(0x12340UL, gdb.Register("ds_base"));
        Assert.Equal("E01", gdb.SetRegister("ds", 0x12345));
    }

    [Fact]
    public void Breakpoint_of_a_32_bit_gdb_is_met_where_the_kernel_will_lie()
    {
        using DebuggedGuest guest = new(DebuggedGuest.Forever);

        Assert.Equal("OK", guest.Client.Ask("Z0,82000000,1"));
        Assert.Contains("0xffffffff82000000", guest.Client.Monitor("breakpoints"), StringComparison.Ordinal);
        Assert.Equal("OK", guest.Client.Ask("z0,82000000,1"));
        Assert.DoesNotContain("82000000", guest.Client.Monitor("breakpoints"), StringComparison.Ordinal);
    }
}
