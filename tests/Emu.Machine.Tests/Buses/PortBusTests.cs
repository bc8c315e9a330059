using Emu.Machine.Buses;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Buses;

public class PortBusTests
{
    private readonly RecordingLogger _log = new();
    private readonly PortBus _bus;

    public PortBusTests() => _bus = new PortBus(_log);

    [Theory]
    [InlineData(1, 0xFFU)]
    [InlineData(2, 0xFFFFU)]
    [InlineData(4, 0xFFFF_FFFFU)]
    public void Unclaimed_ports_read_as_ones(int size, uint expected) => Assert.Equal(expected, _bus.Read(0x2E8, size));

    [Fact]
    public void Unclaimed_port_is_logged_once()
    {
        _bus.Read(0x2E8, 1);
        _bus.Write(0x2E8, 1, 0);
        _bus.Write(0x2E9, 1, 0);
        Assert.Equal(2, _log.Lines.Count);
        Assert.Contains("0x2e8", _log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Wide_access_to_an_8_bit_device_becomes_bytes_lowest_first()
    {
        var device = new Bytes();
        _bus.Claim(device, 0x100, 4);
        _bus.Write(0x100, 4, 0x44332211);
        Assert.Equal([(0x100, 0x11), (0x101, 0x22), (0x102, 0x33), (0x103, 0x44)], device.Writes);
        Assert.Equal(0x03020100U, _bus.Read(0x100, 4));
    }

    [Fact]
    public void Access_across_two_devices_is_split()
    {
        var left = new Bytes();
        var right = new Bytes();
        _bus.Claim(left, 0x60, 1);
        _bus.Claim(right, 0x61, 1);
        _bus.Write(0x60, 2, 0xBBAA);
        Assert.Equal([(0x60, 0xAA)], left.Writes);
        Assert.Equal([(0x61, 0xBB)], right.Writes);
    }

    [Fact]
    public void Access_that_runs_into_unclaimed_ports_reads_ones_there()
    {
        _bus.Claim(new Bytes(), 0x60, 1);
        Assert.Equal(0xFF60U, _bus.Read(0x60, 2));
    }

    [Fact]
    public void Access_at_the_last_port_wraps()
    {
        _bus.Claim(new Bytes(), 0, 1);
        Assert.Equal(0x00FFU, _bus.Read(0xFFFF, 2));
    }

    [Fact]
    public void Port_has_one_owner()
    {
        _bus.Claim(new Bytes(), 0x60, 2);
        Assert.Throws<InvalidOperationException>(() => _bus.Claim(new Bytes(), 0x61, 1));
    }

    private sealed class Bytes : BytePortDevice
    {
        public List<(int Port, int Value)> Writes { get; } = [];

        public override byte Read(ushort port) => (byte)port;

        public override void Write(ushort port, byte value) => Writes.Add((port, value));
    }
}
