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

    [SkippableFact]
    public unsafe void Nothing_is_accessible_for_gibibytes_before_and_behind_ram()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the host's memory map is read from /proc");
        using var ram = new GuestRam(4 << 20, []);
        var start = (ulong)ram.Physical.Host;
        var regions = File.ReadLines("/proc/self/maps").Select(static line => line.Split(' ')).Select(static fields =>
        {
            var ends = fields[0].Split('-');
            return (Start: Convert.ToUInt64(ends[0], 16), End: Convert.ToUInt64(ends[1], 16), Rights: fields[1]);
        }).ToList();
        var before = regions.Single(region => region.End == start);
        var behind = regions.Single(region => region.Start == start + (4 << 20));
        Assert.Equal("---p", before.Rights);
        Assert.Equal("---p", behind.Rights);
        Assert.True(before.End - before.Start > 1UL << 32);
        Assert.True(behind.End - behind.Start > 1UL << 32);
    }

    [Fact]
    public void More_memory_than_the_host_can_address_is_a_configuration_error() =>
        Assert.Throws<MachineConfigurationException>(() => new GuestRam(1UL << 60, []));
}
