using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Power;

public sealed class FixedHardwareTests
{
    private const ushort Status = AddressMap.FixedHardware;
    private const ushort Enable = AddressMap.FixedHardware + 2;
    private const ushort Control = AddressMap.FixedHardware + 4;

    // 2^23 periods of 3.579545 MHz.
    private const ulong HalfPeriod = 2_343_484_438;

    private readonly ManualCounter _counter = new();
    private readonly VirtualClock _clock;
    private readonly RecordingPower _power = new();
    private readonly List<bool> _interrupts = [];
    private readonly FixedHardware _hardware;

    public FixedHardwareTests()
    {
        _clock = new VirtualClock(_counter);
        _hardware = new FixedHardware(_clock, new InterruptLine(_interrupts.Add), _power);
    }

    [Fact]
    public void The_machine_is_always_in_acpi_mode()
    {
        Assert.Equal(1u, _hardware.Read(Control, 2));
        _hardware.Write(Control, 2, 0);
        Assert.Equal(1u, _hardware.Read(Control, 2));
    }

    [Fact]
    public void The_status_is_set_whenever_the_timers_highest_bit_changes_until_it_is_cleared()
    {
        _clock.Warp(HalfPeriod - 1);
        Assert.Equal(0u, _hardware.Read(Status, 2));
        _clock.Warp(1);
        Assert.Equal(1u, _hardware.Read(Status, 2));
        _hardware.Write(Status, 2, 0);
        Assert.Equal(1u, _hardware.Read(Status, 2));
        _hardware.Write(Status, 2, 1);
        Assert.Equal(0u, _hardware.Read(Status, 2));
        _clock.Warp(HalfPeriod);
        Assert.Equal(1u, _hardware.Read(Status, 2));
        Assert.Empty(_interrupts);
    }

    [Fact]
    public void An_enabled_status_interrupts_when_it_comes_and_until_it_is_cleared()
    {
        _hardware.Write(Enable, 2, 1);
        Assert.Equal(HalfPeriod, _clock.NextDeadline);
        _clock.Warp(HalfPeriod);
        _clock.FireDue();
        Assert.Equal([true], _interrupts);
        _hardware.Write(Status, 2, 1);
        Assert.Equal([true, false], _interrupts);
        Assert.Equal((2 * HalfPeriod) - 1, _clock.NextDeadline);
    }

    [Fact]
    public void Enabling_a_status_that_is_set_interrupts_at_once_and_disabling_it_ends_that()
    {
        _clock.Warp(HalfPeriod);
        _hardware.Write(Enable, 2, 1);
        Assert.Equal([true], _interrupts);
        _hardware.Write(Enable, 2, 0);
        Assert.Equal([true, false], _interrupts);
        Assert.Null(_clock.NextDeadline);
    }

    [Fact]
    public void Enable_bits_are_those_that_are_defined()
    {
        _hardware.Write(Enable, 2, 0xFFFE);
        Assert.Equal(0x0720u, _hardware.Read(Enable, 2));
    }

    [Theory]
    [InlineData(0x3400u, true)]
    // Another sleep state, and no SLP_EN.
    [InlineData(0x2C00u, false)]
    [InlineData(0x1400u, false)]
    public void Soft_off_is_sleep_type_5(uint value, bool isOff)
    {
        _hardware.Write(Control, 2, value);
        Assert.Equal(isOff ? ["off"] : [], _power.Requests);
        Assert.Equal((value & 0x1C00) | 1, _hardware.Read(Control, 2));
    }
}
