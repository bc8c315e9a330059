using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Interrupts;

public class IoApicTests
{
    private const uint Masked = 1 << 16;
    private const uint Level = 1 << 15;
    private const uint RemoteIrr = 1 << 14;
    private const uint ActiveLow = 1 << 13;
    private const int Pin = 5;

    private readonly ApicBus _bus = new();
    private readonly IoApic _ioApic;
    private readonly LocalApic _apic;

    public IoApicTests()
    {
        _ioApic = new IoApic(_bus);
        _bus.Connect(_ioApic);
        _apic = new LocalApic(0, true, new VirtualClock(new ManualCounter()), _bus, new FakeVcpu(), null);
        _apic.Write(0xF0, 4, 0x1FF);
    }

    [Fact]
    public void Version_names_24_pins() => Assert.Equal(0x0017_0011UL, ReadRegister(1));

    [Fact]
    public void All_pins_start_masked()
    {
        for (uint i = 0; i < 24; i++)
            Assert.Equal(Masked, ReadRegister(0x10 + (2 * i)));
    }

    [Fact]
    public void Rising_edge_sends_the_vector_once()
    {
        SetEntry(0x41);
        _ioApic.SetPin(Pin, true);
        Assert.Equal(0x41, _apic.Acknowledge());
        EndOfInterrupt();
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Edge_at_a_masked_pin_is_lost()
    {
        SetEntry(0x41 | Masked);
        _ioApic.SetPin(Pin, true);
        SetEntry(0x41);
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Level_interrupts_again_after_its_end_while_the_line_is_active()
    {
        SetEntry(0x41 | Level);
        _ioApic.SetPin(Pin, true);
        Assert.Equal(RemoteIrr, ReadRegister(0x10 + (2 * Pin)) & RemoteIrr);
        Assert.Equal(0x41, _apic.Acknowledge());
        Assert.False(_apic.HasInterrupt);
        EndOfInterrupt();
        Assert.True(_apic.HasInterrupt);
        Assert.Equal(0x41, _apic.Acknowledge());
        _ioApic.SetPin(Pin, false);
        EndOfInterrupt();
        Assert.False(_apic.HasInterrupt);
        Assert.Equal(0UL, ReadRegister(0x10 + (2 * Pin)) & RemoteIrr);
    }

    [Fact]
    public void Level_at_a_masked_pin_waits_for_the_mask_to_go()
    {
        SetEntry(0x41 | Level | Masked);
        _ioApic.SetPin(Pin, true);
        SetEntry(0x41 | Level);
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Active_low_pin_interrupts_on_the_falling_edge()
    {
        _ioApic.SetPin(Pin, true);
        SetEntry(0x41 | ActiveLow);
        Assert.False(_apic.HasInterrupt);
        _ioApic.SetPin(Pin, false);
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Read_only_bits_cannot_be_written()
    {
        SetEntry(0xFFFE_0000 | RemoteIrr | (1 << 12) | Level | Masked | 0x41);
        Assert.Equal(Level | Masked | 0x41UL, ReadRegister(0x10 + (2 * Pin)));
    }

    [Fact]
    public void Change_to_edge_clears_remote_irr()
    {
        SetEntry(0x41 | Level);
        _ioApic.SetPin(Pin, true);
        SetEntry(0x41 | Masked);
        SetEntry(0x41 | Masked | Level);
        Assert.Equal(0UL, ReadRegister(0x10 + (2 * Pin)) & RemoteIrr);
    }

    [Fact]
    public void Other_destination_does_not_reach_this_apic()
    {
        WriteRegister(0x11 + (2 * Pin), 7U << 24);
        SetEntry(0x41);
        _ioApic.SetPin(Pin, true);
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Nmi_mode_is_recognised_as_unmaskable()
    {
        Assert.False(_ioApic.CanSendUnmaskable);
        SetEntry(0x400);
        Assert.True(_ioApic.CanSendUnmaskable);
    }

    [Fact]
    public void Registers_beyond_the_last_pin_are_empty()
    {
        WriteRegister(0x40, 0x1234);
        Assert.Equal(0UL, ReadRegister(0x40));
        Assert.Equal(0UL, ReadRegister(0xFF));
    }

    private void SetEntry(uint low) => WriteRegister(0x10 + (2 * Pin), low);

    private void EndOfInterrupt() => _apic.Write(0xB0, 4, 0);

    private ulong ReadRegister(uint index)
    {
        _ioApic.Write(0x00, 4, index);
        return _ioApic.Read(0x10, 4);
    }

    private void WriteRegister(uint index, uint value)
    {
        _ioApic.Write(0x00, 4, index);
        _ioApic.Write(0x10, 4, value);
    }
}
