using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Interrupts;

public class LocalApicTimerTests
{
    private const uint DeadlineMsr = 0x6E0;
    private const ulong Lvt = 0x320;
    private const ulong InitialCount = 0x380;
    private const ulong CurrentCount = 0x390;
    private const ulong Divide = 0x3E0;
    private const uint Periodic = 1 << 17;
    private const uint Deadline = 2 << 17;

    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly FakeVcpu _vcpu = new();
    private readonly LocalApic _apic;

    public LocalApicTimerTests()
    {
        _vcpu.Clock = _clock;
        _apic = new LocalApic(0, true, _clock, new ApicBus(), _vcpu, null);
        _apic.Write(0xF0, 4, 0x1FF);
    }

    [Fact]
    public void One_shot_fires_once_after_count_times_divisor()
    {
        Start(0x40, divide: 0x3, count: 100); // divide by 16
        _clock.Advance(1599);
        Assert.False(_apic.HasInterrupt);
        Assert.Equal(1UL, _apic.Read(CurrentCount, 4));
        _clock.Advance(1);
        Assert.True(_apic.HasInterrupt);
        Assert.Equal(0UL, _apic.Read(CurrentCount, 4));
        Assert.Null(_clock.NextDeadline);
    }

    [Theory]
    [InlineData(0x0U, 2UL)]
    [InlineData(0x1U, 4UL)]
    [InlineData(0x2U, 8UL)]
    [InlineData(0x3U, 16UL)]
    [InlineData(0x8U, 32UL)]
    [InlineData(0x9U, 64UL)]
    [InlineData(0xAU, 128UL)]
    [InlineData(0xBU, 1UL)]
    public void Divide_configuration_divides(uint code, ulong divisor)
    {
        Start(0x40, code, count: 10);
        Assert.Equal(10 * divisor, _clock.NextDeadline);
        Assert.Equal((ulong)code, _apic.Read(Divide, 4));
    }

    [Fact]
    public void Periodic_fires_again_and_again()
    {
        Start(0x40 | Periodic, divide: 0xB, count: 1000);
        for (ulong i = 1; i <= 3; i++)
        {
            _clock.Advance(1000);
            Assert.Equal(0x40, _apic.Acknowledge());
            _apic.Write(0xB0, 4, 0);
        }

        _clock.Advance(250);
        Assert.Equal(750UL, _apic.Read(CurrentCount, 4));
    }

    [Fact]
    public void Masked_timer_counts_but_does_not_interrupt()
    {
        Start(0x1_0040, divide: 0xB, count: 10);
        _clock.Advance(20);
        Assert.False(_apic.HasInterrupt);
    }

    [Fact]
    public void Zero_count_stops_the_timer()
    {
        Start(0x40, divide: 0xB, count: 10);
        _apic.Write(InitialCount, 4, 0);
        Assert.Null(_clock.NextDeadline);
    }

    [Fact]
    public void Deadline_mode_fires_at_the_time_stamp_and_clears_the_register()
    {
        _vcpu.TimeStampOffset = 5000;
        _apic.Write(Lvt, 4, 0x40 | Deadline);
        Assert.True(_apic.TryWriteMsr(DeadlineMsr, 5700));
        _clock.Advance(699);
        Assert.False(_apic.HasInterrupt);
        _clock.Advance(1);
        Assert.True(_apic.HasInterrupt);
        Assert.True(_apic.TryReadMsr(DeadlineMsr, out var value));
        Assert.Equal(0UL, value);
    }

    [Fact]
    public void Deadline_in_the_past_fires_at_once()
    {
        _vcpu.TimeStampOffset = 5000;
        _apic.Write(Lvt, 4, 0x40 | Deadline);
        _apic.TryWriteMsr(DeadlineMsr, 17);
        _clock.FireDue();
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Deadline_waits_longer_where_the_time_stamp_was_set_back()
    {
        _apic.Write(Lvt, 4, 0x40 | Deadline);
        _apic.TryWriteMsr(DeadlineMsr, 1000);
        _clock.Advance(500);
        _vcpu.TimeStampOffset = unchecked(0UL - 300);
        _apic.TimeStampChanged();
        _clock.Advance(500);
        Assert.False(_apic.HasInterrupt);
        _clock.Advance(300);
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Deadline_comes_at_once_where_the_time_stamp_was_set_beyond_it()
    {
        _apic.Write(Lvt, 4, 0x40 | Deadline);
        _apic.TryWriteMsr(DeadlineMsr, 1000);
        _vcpu.TimeStampOffset = 5000;
        _apic.TimeStampChanged();
        _clock.FireDue();
        Assert.True(_apic.HasInterrupt);
    }

    [Fact]
    public void Deadline_is_ignored_outside_its_mode_and_dies_with_it()
    {
        _apic.TryWriteMsr(DeadlineMsr, 1000);
        Assert.Null(_clock.NextDeadline);
        _apic.Write(Lvt, 4, 0x40 | Deadline);
        _apic.TryWriteMsr(DeadlineMsr, 1000);
        _apic.Write(Lvt, 4, 0x40);
        Assert.Null(_clock.NextDeadline);
    }

    private void Start(uint lvt, uint divide, uint count)
    {
        _apic.Write(Lvt, 4, lvt);
        _apic.Write(Divide, 4, divide);
        _apic.Write(InitialCount, 4, count);
    }
}
