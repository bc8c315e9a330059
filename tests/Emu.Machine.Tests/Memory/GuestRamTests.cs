using Emu.Machine.Memory;
using Emu.Pvh;
using Xunit;

namespace Emu.Machine.Tests.Memory;

public class GuestRamTests
{
    [Fact]
    public void Fresh_ram_reads_as_zeros_and_keeps_what_is_written()
    {
        using var ram = new GuestRam(4 << 20, [new GuestRange(0, 4 << 20)]);
        Span<byte> bytes = stackalloc byte[3];
        ram.Read(0x1FFF, bytes);
        Assert.Equal([0, 0, 0], bytes.ToArray());
        ram.Write(0x1FFF, [1, 2, 3]);
        ram.Read(0x1FFF, bytes);
        Assert.Equal([1, 2, 3], bytes.ToArray());
    }

    [Fact]
    public void Zero_clears_exactly_its_range()
    {
        using var ram = new GuestRam(4 << 20, []);
        var ones = new byte[0x3000];
        ones.AsSpan().Fill(0xFF);
        ram.Write(0x1000, ones);
        ram.Zero(0x1800, 0x1801);
        var bytes = new byte[0x3000];
        ram.Read(0x1000, bytes);
        Assert.Equal(0xFF, bytes[0x7FF]);
        Assert.False(bytes.AsSpan(0x800, 0x1801).ContainsAnyExcept((byte)0));
        Assert.Equal(0xFF, bytes[0x2001]);
    }

    [Fact]
    public void High_ram_lies_at_4_gib()
    {
        using var ram = new GuestRam(AddressMap.LowMemoryLimit + (2 << 20), []);
        ram.Write(0x1_0010_0000, [7]);
        Span<byte> value = stackalloc byte[1];
        ram.Read(0x1_0010_0000, value);
        Assert.Equal(7, value[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => ram.Write(AddressMap.LowMemoryLimit, [1]));
    }

    [Fact]
    public void More_memory_than_the_host_can_address_is_a_configuration_error() =>
        Assert.Throws<MachineConfigurationException>(() => new GuestRam(1UL << 60, []));
}
