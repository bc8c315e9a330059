using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Interrupts;

public class LocalApicTests
{
    private const uint BaseMsr = 0x1B;
    private const ulong Enabled = 0xFEE0_0900;
    private const ulong X2Apic = 0xFEE0_0D00;
    private const uint Masked = 1 << 16;

    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly ApicBus _bus = new();
    private readonly FakeVcpu _vcpu = new();
    private readonly FakeVcpu _otherVcpu = new();
    private readonly LocalApic _apic;
    private readonly LocalApic _other;
    private readonly Pic8259Pair _pic;

    public LocalApicTests()
    {
        _vcpu.Clock = _otherVcpu.Clock = _clock;
        _pic = new Pic8259Pair(high => _apic!.ExternalInterruptChanged(high));
        _apic = new LocalApic(0, true, _clock, _bus, _vcpu, _pic);
        _other = new LocalApic(1, false, _clock, _bus, _otherVcpu, _pic);
        _apic.Write(0xF0, 4, 0x1FF);
        _other.Write(0xF0, 4, 0x1FF);
    }

    [Fact]
    public void Higher_vector_is_delivered_first_and_nests()
    {
        _apic.Request(0x31, false);
        _apic.Request(0x45, false);
        Assert.Equal(0x45, _apic.Acknowledge());
        Assert.False(_apic.HasInterrupt);
        _apic.Request(0x51, false);
        Assert.Equal(0x51, _apic.Acknowledge());
        EndOfInterrupt();
        Assert.False(_apic.HasInterrupt);
        EndOfInterrupt();
        Assert.Equal(0x31, _apic.Acknowledge());
    }

    [Fact]
    public void Same_priority_class_waits_for_the_end()
    {
        _apic.Request(0x41, false);
        _apic.Acknowledge();
        _apic.Request(0x4F, false);
        Assert.False(_apic.HasInterrupt);
        EndOfInterrupt();
        Assert.True(_apic.HasInterrupt);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Task_priority_holds_back_its_class_and_below(byte priority, bool expected)
    {
        _apic.TaskPriorityClass = priority;
        _apic.Request(0x41, false);
        Assert.Equal(expected, _apic.HasInterrupt);
        Assert.Equal((ulong)priority << 4, _apic.Read(0x80, 4));
    }

    [Fact]
    public void Lowering_the_task_priority_notifies_the_vcpu()
    {
        _apic.TaskPriorityClass = 15;
        _apic.Request(0x41, false);
        var before = _vcpu.Notifications;
        _apic.TaskPriorityClass = 0;
        Assert.Equal(before + 1, _vcpu.Notifications);
    }

    [Fact]
    public void Processor_priority_is_the_greater_of_task_and_service()
    {
        _apic.Write(0x80, 4, 0x25);
        Assert.Equal(0x25UL, _apic.Read(0xA0, 4));
        _apic.Request(0x61, false);
        _apic.Acknowledge();
        Assert.Equal(0x60UL, _apic.Read(0xA0, 4));
    }

    [Fact]
    public void Registers_show_requests_service_and_trigger_mode()
    {
        _apic.Request(0x45, true);
        Assert.Equal(1UL << 5, _apic.Read(0x220, 4));
        Assert.Equal(1UL << 5, _apic.Read(0x1A0, 4));
        _apic.Acknowledge();
        Assert.Equal(0UL, _apic.Read(0x220, 4));
        Assert.Equal(1UL << 5, _apic.Read(0x120, 4));
    }

    [Fact]
    public void Illegal_vector_is_an_error_and_not_delivered()
    {
        _apic.Request(0x0F, false);
        Assert.False(_apic.HasInterrupt);
        Assert.Equal(0UL, _apic.Read(0x280, 4));
        _apic.Write(0x280, 4, 0);
        Assert.Equal(0x40UL, _apic.Read(0x280, 4));
        _apic.Write(0x280, 4, 0);
        Assert.Equal(0UL, _apic.Read(0x280, 4));
    }

    [Fact]
    public void Sending_an_illegal_vector_raises_the_error_interrupt()
    {
        _apic.Write(0x370, 4, 0xFE);
        SendInterrupt(0, 0x0005);
        Assert.Equal(0xFE, _apic.Acknowledge());
        _apic.Write(0x280, 4, 0);
        Assert.Equal(0x20UL, _apic.Read(0x280, 4));
    }

    [Fact]
    public void Unknown_register_is_an_error()
    {
        _apic.Read(0x400 - 0x10, 4);
        _apic.Write(0x280, 4, 0);
        Assert.Equal(0x80UL, _apic.Read(0x280, 4));
    }

    [Fact]
    public void Disabling_by_software_masks_local_vectors_and_stops_delivery()
    {
        _apic.Write(0x320, 4, 0x40);
        _apic.Request(0x41, false);
        _apic.Write(0xF0, 4, 0xFF);
        Assert.False(_apic.HasInterrupt);
        Assert.Equal(0x40UL | Masked, _apic.Read(0x320, 4));
        _apic.Write(0x320, 4, 0x50);
        Assert.Equal(0x50UL | Masked, _apic.Read(0x320, 4));
        _apic.Write(0xF0, 4, 0x1FF);
        Assert.True(_apic.HasInterrupt);
    }

    [Theory]
    [InlineData(0x0_0000U, 1U << 24, false, true)]
    [InlineData(0x4_0000U, 0U, true, false)]
    [InlineData(0x8_0000U, 0U, true, true)]
    [InlineData(0xC_0000U, 0U, false, true)]
    [InlineData(0x0_0000U, 0xFFU << 24, true, true)]
    [InlineData(0x0_0800U, 2U << 24, false, true)]
    public void Interprocessor_interrupt_reaches_its_destination(uint shorthand, uint destination, bool self, bool other)
    {
        _apic.Write(0xD0, 4, 1U << 24);
        _other.Write(0xD0, 4, 2U << 24);
        SendInterrupt(destination, shorthand | 0x41);
        Assert.Equal(self, _apic.HasInterrupt);
        Assert.Equal(other, _other.HasInterrupt);
    }

    [Fact]
    public void Cluster_model_matches_cluster_and_member()
    {
        _apic.Write(0xE0, 4, 0x0FFF_FFFF);
        _other.Write(0xE0, 4, 0x0FFF_FFFF);
        _apic.Write(0xD0, 4, 0x11U << 24);
        _other.Write(0xD0, 4, 0x22U << 24);
        SendInterrupt(0x23U << 24, 0x841);
        Assert.False(_apic.HasInterrupt);
        Assert.True(_other.HasInterrupt);
    }

    [Fact]
    public void Lowest_priority_goes_to_the_least_busy()
    {
        _apic.Request(0x81, false);
        _apic.Acknowledge();
        SendInterrupt(0xFFU << 24, 0x141);
        Assert.False(_apic.HasInterrupt);
        Assert.True(_other.HasInterrupt);
    }

    [Fact]
    public void Nmi_init_and_startup_reach_the_other_vcpu()
    {
        SendInterrupt(1U << 24, 0x400);
        SendInterrupt(1U << 24, 0xC500);
        SendInterrupt(1U << 24, 0x8500);
        SendInterrupt(1U << 24, 0x699);
        Assert.Equal(1, _otherVcpu.Nmis);
        Assert.Equal(1, _otherVcpu.Inits);
        Assert.Equal([0x99], _otherVcpu.Startups);
        Assert.Equal(0, _vcpu.Inits);
    }

    [Fact]
    public void Init_leaves_the_identifier_and_switching_off_does_not()
    {
        _other.Write(0x20, 4, 7U << 24);
        SendInterrupt(7U << 24, 0x500);
        Assert.Equal(7UL << 24, _other.Read(0x20, 4));
        Assert.Equal(0xFFUL, _other.Read(0xF0, 4));
        Assert.True(_other.TryWriteMsr(BaseMsr, 0xFEE0_0000));
        Assert.True(_other.TryWriteMsr(BaseMsr, 0xFEE0_0800));
        Assert.Equal(1UL << 24, _other.Read(0x20, 4));
    }

    [Fact]
    public void Eight_ones_address_everybody_in_xapic_mode_only()
    {
        SendInterrupt(0xFFU << 24, 0x41);
        Assert.True(_apic.HasInterrupt);
        Assert.True(_other.HasInterrupt);

        var late = new LocalApic(17, false, _clock, _bus, new FakeVcpu(), null);
        Assert.True(late.TryWriteMsr(BaseMsr, 0xFEE0_0C00));
        Assert.True(late.TryWriteMsr(0x80F, 0x1FF));
        Assert.True(_apic.TryWriteMsr(BaseMsr, X2Apic));
        Assert.True(_apic.TryWriteMsr(0x830, (0xFFUL << 32) | 0x842)); // The logical destination: eight of cluster 0.
        Assert.False(late.HasInterrupt);
        Assert.True(_apic.TryWriteMsr(0x830, (0xFFFF_FFFFUL << 32) | 0x43));
        Assert.True(late.HasInterrupt);
    }

    [Theory]
    [InlineData(39, true)]
    [InlineData(40, false)]
    [InlineData(51, false)]
    public void Base_register_is_as_wide_as_physical_addresses(int bit, bool allowed) =>
        Assert.Equal(allowed, _apic.TryWriteMsr(BaseMsr, Enabled | (1UL << bit)));

    [Fact]
    public void Base_register_follows_the_modes()
    {
        Assert.True(_apic.TryReadMsr(BaseMsr, out var value));
        Assert.Equal(Enabled, value);
        Assert.False(_apic.TryWriteMsr(BaseMsr, 0xFEE0_0500)); // x2APIC without enable
        Assert.False(_apic.TryWriteMsr(BaseMsr, Enabled | 1));
        Assert.False(_apic.TryReadMsr(0x802, out _));
        Assert.True(_apic.TryWriteMsr(BaseMsr, X2Apic));
        Assert.False(_apic.TryWriteMsr(BaseMsr, Enabled)); // back only through disabled
        Assert.True(_apic.TryWriteMsr(BaseMsr, 0xFEE0_0100));
        Assert.False(_apic.TryWriteMsr(BaseMsr, X2Apic)); // not straight from disabled
        Assert.True(_apic.TryWriteMsr(BaseMsr, Enabled));
    }

    [Fact]
    public void X2apic_registers_are_msrs_with_checked_bits()
    {
        Assert.True(_other.TryWriteMsr(BaseMsr, 0xFEE0_0C00));
        Assert.True(_other.TryReadMsr(0x802, out var id));
        Assert.Equal(1UL, id);
        Assert.True(_other.TryReadMsr(0x80D, out var logical));
        Assert.Equal(2UL, logical);
        Assert.False(_other.TryWriteMsr(0x802, 5));
        Assert.False(_other.TryWriteMsr(0x80B, 1));
        Assert.False(_other.TryReadMsr(0x80B, out _));
        Assert.False(_other.TryReadMsr(0x80E, out _));
        Assert.False(_other.TryReadMsr(0x831, out _));
        Assert.False(_other.TryWriteMsr(0x808, 0x100));
        Assert.True(_other.TryWriteMsr(0x808, 0x20));
    }

    [Fact]
    public void X2apic_sends_with_one_write_and_to_itself_with_another()
    {
        Assert.True(_apic.TryWriteMsr(BaseMsr, X2Apic));
        Assert.True(_apic.TryWriteMsr(0x830, (1UL << 32) | 0x41));
        Assert.Equal(0x41, _other.Acknowledge());
        Assert.True(_apic.TryWriteMsr(0x83F, 0x42));
        Assert.Equal(0x42, _apic.Acknowledge());
    }

    [Fact]
    public void External_interrupt_comes_through_lint0_in_virtual_wire_mode()
    {
        InitializePic();
        _pic.SetIrq(0, true);
        Assert.True(_apic.HasInterrupt);
        Assert.False(_other.HasInterrupt);
        Assert.Equal(0x30, _apic.Acknowledge());
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Masked_lint0_keeps_the_8259_out_until_the_apic_is_off()
    {
        InitializePic();
        _apic.Write(0x350, 4, 0x700 | Masked);
        _pic.SetIrq(0, true);
        Assert.False(_apic.HasInterrupt);
        Assert.True(_apic.TryWriteMsr(BaseMsr, 0xFEE0_0100));
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Lint0_as_nmi_turns_the_8259_into_a_watchdog()
    {
        InitializePic();
        _apic.Write(0x350, 4, 0x400);
        Assert.True(_apic.CanReceiveNmiFromPins);
        _pic.SetIrq(0, true);
        Assert.Equal(1, _vcpu.Nmis);
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Reads_within_a_register_pick_its_bytes()
    {
        Assert.Equal(0x14UL, _apic.Read(0x30, 1));
        Assert.Equal(0x05UL, _apic.Read(0x32, 1));
        Assert.Equal(0UL, _apic.Read(0x34, 4));
        Assert.Equal(0x0005_0014UL, _apic.Read(0x30, 8));
    }

    private void InitializePic()
    {
        _pic.Write(0x20, 0x11);
        _pic.Write(0x21, 0x30);
        _pic.Write(0x21, 0x04);
        _pic.Write(0x21, 0x01);
    }

    private void EndOfInterrupt() => _apic.Write(0xB0, 4, 0);

    private void SendInterrupt(uint high, uint low)
    {
        _apic.Write(0x310, 4, high);
        _apic.Write(0x300, 4, low);
    }
}
