using Emu.Cpu.State;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>sched_op and set_timer_op. The domain is number 7; port 1 waits for the control domain.</summary>
public sealed class SchedulerOperationTests : IDisposable
{
    private const uint SetTimerOp = 15, SchedOp = 29, EventChannelOp = 32;
    private const uint Shutdown = 2, Poll = 3, RemoteShutdown = 4, ShutdownCode = 5, Watchdog = 6, PinOverride = 7;
    private const ulong Buffer = 0x8000, Ports = 0x8100, Nowhere = 0xF000_0000;
    private const ulong Second = 1_000_000_000;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(0x100U, ShutdownReason.PowerOff)]
    [InlineData(6U, (ShutdownReason)6)]
    [InlineData(0xFFFF_FF05U, ShutdownReason.SoftReset)]
    public void Any_reason_of_eight_bits_ends_the_domain(uint bits, ShutdownReason expected)
    {
        Assert.Equal(0, Do(Shutdown, bits));
        Assert.Equal([expected], _domain.Host.Shutdowns);
    }

    [Fact]
    public void Guest_that_was_to_be_saved_goes_on()
    {
        Assert.Equal(1, Do(Shutdown, 2));
        Assert.Empty(_domain.Host.Shutdowns);
    }

    [Fact]
    public void First_shutdown_code_holds_whatever_ends_the_domain()
    {
        Assert.Equal(0, Do(ShutdownCode, 3));
        Assert.Equal(0, Do(ShutdownCode, 1));
        Assert.Equal(0, Do(Shutdown, 0));
        Assert.Equal([ShutdownReason.Crash], _domain.Host.Shutdowns);
    }

    [Fact]
    public void Domain_ends_once()
    {
        Assert.Equal(0, Do(Shutdown, 0));
        Assert.Equal(0, Do(Shutdown, 1));
        Assert.Equal([ShutdownReason.PowerOff], _domain.Host.Shutdowns);
    }

    [Theory]
    [InlineData(Shutdown)]
    [InlineData(Poll)]
    [InlineData(RemoteShutdown)]
    [InlineData(ShutdownCode)]
    [InlineData(Watchdog)]
    public void Argument_that_cannot_be_read_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(SchedOp, command, Nowhere));

    [Theory]
    [InlineData(0U, -1)]
    [InlineData(7U, -1)]
    [InlineData(0x7FF0U, -3)]
    [InlineData(9U, -3)]
    public void No_domain_is_there_to_be_shut_down_from_outside(uint id, long expected)
    {
        Assert.Equal(expected, Do(RemoteShutdown, id, 0));
        Assert.Empty(_domain.Host.Shutdowns);
    }

    [Fact]
    public void Other_operations_are_denied_or_unknown()
    {
        Assert.Equal(-1, Do(PinOverride, 0));
        Assert.Equal(-38, Do(8, 0));
        Assert.Equal(-38, Do(uint.MaxValue, 0));
    }

    [Fact]
    public void Two_watchdogs_end_the_domain_where_nobody_winds_them()
    {
        Assert.Equal(-22, Do(Watchdog, 1, 5));
        Assert.Equal(1, Do(Watchdog, 0, 10));
        Assert.Equal(2, Do(Watchdog, 0, 20));
        Assert.Equal(-28, Do(Watchdog, 0, 5));
        Assert.Equal(-22, Do(Watchdog, 3, 5));
        _domain.Host.Advance(9 * Second);
        Assert.Equal(0, Do(Watchdog, 1, 10));
        Assert.Equal(0, Do(Watchdog, 2, 0));
        Assert.Equal(-22, Do(Watchdog, 2, 5));
        _domain.Host.Advance((10 * Second) - 1);
        Assert.Empty(_domain.Host.Shutdowns);
        _domain.Host.Advance(1);
        Assert.Equal([ShutdownReason.Watchdog], _domain.Host.Shutdowns);
    }

    [Fact]
    public void Block_waits_unless_an_interrupt_can_be_taken()
    {
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        Assert.True(_domain.Processors[0].IsBlocked);
        _domain.Processors[0].Wake();
        MakeUpcall(isTaken: true);
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        Assert.False(_domain.Processors[0].IsBlocked);
        MakeUpcall(isTaken: false);
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        Assert.True(_domain.Processors[0].IsBlocked);
    }

    [Fact]
    public unsafe void Pending_nmi_is_not_waited_for()
    {
        _domain.Vcpu.NotifyNmi();
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        Assert.False(_domain.Processors[0].IsBlocked);
        _domain.Vcpu.State->Pending |= PendingEvents.NmiBlocked;
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        Assert.True(_domain.Processors[0].IsBlocked);
    }

    [Fact]
    public void Poll_looks_at_no_port_where_an_interrupt_can_be_taken()
    {
        MakeUpcall(isTaken: true);
        Assert.Equal(0, DoPoll(Nowhere, 1, 0));
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    [Theory]
    [InlineData(129U, -22)]
    [InlineData(uint.MaxValue, -22)]
    public void At_most_128_ports_are_polled(uint count, long expected) => Assert.Equal(expected, DoPoll(Ports, count, 0));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Poll_gives_up_at_its_time(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.Put(Ports, 1);
        Assert.Equal(0, DoPoll(Ports, 1, 500));
        Assert.True(_domain.Processors[0].IsBlocked);
        _domain.Host.Advance(499);
        Assert.True(_domain.Processors[0].IsBlocked);
        _domain.Host.Advance(1);
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    [Fact]
    public void Poll_of_a_pending_port_does_not_wait()
    {
        _domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { }));
        _domain.Domain.SharedInfo.Bytes.SetBit(0xA00, 1);
        _domain.Domain.Events.Notify(1);
        _domain.Put(Ports, 2, 1, 900);
        Assert.Equal(0, DoPoll(Ports, 3, 0));
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    [Theory]
    [InlineData(0U)]
    [InlineData(40U)]
    [InlineData(900U)]
    [InlineData(uint.MaxValue)]
    public void Poll_of_a_free_port_is_invalid(uint port)
    {
        _domain.Put(Ports, 1, port);
        Assert.Equal(-22, DoPoll(Ports, 2, 0));
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    [Fact]
    public void Ports_that_cannot_be_read_are_a_bad_address() => Assert.Equal(-14, DoPoll(Nowhere, 1, 0));

    [Fact]
    public void Wait_that_an_interrupt_has_ended_is_no_poll_any_more()
    {
        _domain.Put(Ports, 1);
        Assert.Equal(0, DoPoll(Ports, 1, 1000));
        _domain.Processors[0].Wake();
        Assert.Equal(0, _domain.Try(SchedOp, 1));
        _domain.Host.Advance(2000);
        Assert.True(_domain.Processors[0].IsBlocked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Timer_operation_raises_the_timers_interrupt(bool is64Bit)
    {
        _domain.Select(is64Bit);
        BindTimer();
        SetTimer(is64Bit, (5UL << 32) + 7);
        _domain.Host.Advance((5UL << 32) + 6);
        Assert.False(IsTimerPending);
        _domain.Host.Advance(1);
        Assert.True(IsTimerPending);
    }

    [Fact]
    public void Timer_operation_with_0_stops_the_timer()
    {
        BindTimer();
        SetTimer(false, 100);
        SetTimer(false, 0);
        _domain.Host.Advance(1000);
        Assert.False(IsTimerPending);
    }

    [Theory]
    [InlineData(1UL << 63)]
    [InlineData((1UL << 50) + 1000)]
    public void Far_deadlines_come_after_100_milliseconds(ulong deadline)
    {
        BindTimer();
        SetTimer(true, deadline);
        _domain.Host.Advance(99_999_999);
        Assert.False(IsTimerPending);
        _domain.Host.Advance(1);
        Assert.True(IsTimerPending);
    }

    private bool IsTimerPending => _domain.Domain.SharedInfo.Bytes.TestBit(0x800, 3);

    private void BindTimer()
    {
        _domain.Put(Buffer, 0, 0, 0);
        Assert.Equal(0, _domain.Try(EventChannelOp, 1, Buffer));
    }

    private void SetTimer(bool is64Bit, ulong deadline)
    {
        _domain.Select(is64Bit);
        Assert.Equal(0, is64Bit ? _domain.Try(SetTimerOp, deadline) : _domain.Try(SetTimerOp, (uint)deadline, deadline >> 32));
    }

    private unsafe void MakeUpcall(bool isTaken)
    {
        _domain.Domain.Parameters.Set(0, (2UL << 56) | 0xF3);
        _domain.Domain.SharedInfo.Bytes.WriteByte(0, 1);
        _domain.Vcpu.State->SystemFlags = isTaken ? Rflags.Interrupt : 0;
    }

    private long DoPoll(ulong list, uint count, ulong timeout)
    {
        _domain.PutWords(Buffer, list, count);
        _domain.Write(Buffer + (_domain.Vcpu.Is64BitCode ? 16UL : 8), BitConverter.GetBytes(timeout));
        return _domain.Try(SchedOp, Poll, Buffer);
    }

    private long Do(uint command, params uint[] words)
    {
        _domain.Put(Buffer, words);
        return _domain.Try(SchedOp, command, Buffer);
    }
}
