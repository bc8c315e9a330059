using Emu.Machine.TestDevices;
using Xunit;

namespace Emu.Machine.Tests.TestDevices;

public sealed class PcTestDeviceTests
{
    private readonly List<(int Line, bool High)> _lines = [];
    private readonly PcTestDevice _device;
    private readonly TestMemory _memory = new();

    public PcTestDeviceTests() => _device = new PcTestDevice((line, high) => _lines.Add((line, high)));

    [Fact]
    public void The_scratch_register_keeps_each_byte()
    {
        _device.Write(AddressMap.TestRegister, 4, 0x44332211);
        _device.Write(AddressMap.TestRegister + 1, 2, 0xBBAA);

        Assert.Equal(0x44BBAA11u, _device.Read(AddressMap.TestRegister, 4));
        Assert.Equal(0xAAu, _device.Read(AddressMap.TestRegister + 1, 1));
    }

    [Fact]
    public void The_flush_port_changes_nothing()
    {
        _device.Write(AddressMap.TestRegister, 4, 0x12345678);
        _device.Write(AddressMap.TestFlush, 4, 0xFFFFFFFF);

        Assert.Equal(0x12345678u, _device.Read(AddressMap.TestRegister, 4));
        Assert.Empty(_lines);
    }

    [Fact]
    public void Each_line_has_a_port_whatever_the_size_of_the_write()
    {
        _device.Write(AddressMap.TestLines + 5, 1, 1);
        _device.Write(AddressMap.TestLines + 5, 4, 0);
        _device.Write(AddressMap.TestLines + 23, 2, 0x100);

        Assert.Equal([(5, true), (5, false), (23, true)], _lines);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Scratch_memory_keeps_operands_of_every_size(int size)
    {
        const ulong pattern = 0x8877665544332211;
        _memory.Write(0x123, size, pattern);

        Assert.Equal(pattern & (ulong.MaxValue >> (64 - (8 * size))), _memory.Read(0x123, size));
    }

    [Fact]
    public void Nothing_lies_behind_scratch_memory()
    {
        _memory.Write(TestMemory.Length - 2, 8, ulong.MaxValue);

        Assert.Equal(0xFFFFul, _memory.Read(TestMemory.Length - 2, 8));
    }

    [Fact]
    public void A_domain_cannot_have_the_device() =>
        Assert.Throws<MachineConfigurationException>(() => new PvhMachine(new MachineOptions { Profile = MachineProfile.Xen, TestDevices = true }));
}
