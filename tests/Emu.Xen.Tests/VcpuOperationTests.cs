using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>vcpu_op but for VCPUOP_initialise. vCPU 0 calls; vCPU 1 is down.</summary>
public sealed class VcpuOperationTests : IDisposable
{
    private const uint VcpuOp = 24, EventChannelOp = 32;
    private const uint Initialise = 0, Up = 1, Down = 2, IsUp = 3, GetRunstate = 4, RegisterRunstate = 5, SetPeriodic = 6, StopPeriodic = 7,
        SetSingleshot = 8, StopSingleshot = 9, RegisterInfo = 10, SendNmi = 11, GetPhysicalId = 12, RegisterTime = 13;

    private const ulong Buffer = 0x8000, Place = 0x9100, Nowhere = 0xF000_0000;
    private const uint Millisecond = 1_000_000;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(Initialise)]
    [InlineData(IsUp)]
    [InlineData(SendNmi)]
    [InlineData(99U)]
    public void Vcpu_must_exist(uint command)
    {
        Assert.Equal(-2, _domain.Try(VcpuOp, command, 2, Nowhere));
        Assert.Equal(-2, _domain.Try(VcpuOp, command, uint.MaxValue, Nowhere));
    }

    [Theory]
    [InlineData(Initialise)]
    [InlineData(GetRunstate)]
    [InlineData(RegisterRunstate)]
    [InlineData(SetPeriodic)]
    [InlineData(SetSingleshot)]
    [InlineData(RegisterInfo)]
    [InlineData(RegisterTime)]
    public void Argument_that_cannot_be_reached_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(VcpuOp, command, 0, Nowhere));

    [Theory]
    [InlineData(14U)]
    [InlineData(15U)]
    [InlineData(uint.MaxValue)]
    public void Other_operations_came_after_4_17(uint command) => Assert.Equal(-38, _domain.Try(VcpuOp, command, 0, Buffer));

    [Fact]
    public void Vcpu_comes_up_when_it_has_a_state()
    {
        Assert.Equal(0, _domain.Try(VcpuOp, IsUp, 1));
        Assert.Equal(-22, _domain.Try(VcpuOp, Up, 1));
        _domain.Processors[1].IsInitialised = true;
        Assert.Equal(0, _domain.Try(VcpuOp, Up, 1));
        Assert.Equal(1, _domain.Try(VcpuOp, IsUp, 1));
        Assert.Equal(0, _domain.Try(VcpuOp, Down, 1));
        Assert.Equal(0, _domain.Try(VcpuOp, IsUp, 1));
        Assert.Empty(_domain.Host.Shutdowns);
    }

    [Fact]
    public void Last_vcpu_that_goes_down_switches_the_domain_off()
    {
        Assert.Equal(0, _domain.Try(VcpuOp, Down, 0));
        Assert.Equal([ShutdownReason.PowerOff], _domain.Host.Shutdowns);
    }

    [Fact]
    public void Nmi_has_no_argument()
    {
        Assert.Equal(0, _domain.Try(VcpuOp, SendNmi, 1, 0));
        Assert.Equal(1, _domain.Processors[1].Nmis);
        Assert.Equal(-22, _domain.Try(VcpuOp, SendNmi, 1, Buffer));
    }

    [Fact]
    public void Physical_processors_are_not_told() => Assert.Equal(-22, _domain.Try(VcpuOp, GetPhysicalId, 0, Buffer));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Singleshot_timer_fires_once(bool is64Bit)
    {
        _domain.Select(is64Bit);
        BindTimer(0);
        SetDeadline(1000);
        _domain.Host.Advance(999);
        Assert.False(TakeTimer());
        _domain.Host.Advance(1);
        Assert.True(TakeTimer());
        _domain.Host.Advance(1000);
        Assert.False(TakeTimer());
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(999UL)]
    public void Deadline_in_the_past_fires_at_once(ulong deadline)
    {
        BindTimer(0);
        _domain.Host.Advance(1000);
        SetDeadline(deadline);
        Assert.True(TakeTimer());
    }

    [Fact]
    public void Singleshot_timer_is_its_own_vcpus()
    {
        Assert.Equal(-22, _domain.Try(VcpuOp, SetSingleshot, 1, Buffer));
        Assert.Equal(-22, _domain.Try(VcpuOp, StopSingleshot, 1));
        _domain.Use64BitCode();
        Assert.Equal(-22, _domain.Try(VcpuOp, SetSingleshot, 1, Nowhere));
    }

    [Fact]
    public void Stopped_singleshot_timer_does_not_fire()
    {
        BindTimer(0);
        SetDeadline(1000);
        Assert.Equal(0, _domain.Try(VcpuOp, StopSingleshot, 0));
        _domain.Host.Advance(2000);
        Assert.False(TakeTimer());
    }

    [Theory]
    [InlineData(Millisecond - 1UL, -22)]
    [InlineData(0UL, -22)]
    [InlineData((ulong)Millisecond, 0)]
    [InlineData(ulong.MaxValue >> 2, 0)]
    [InlineData((ulong.MaxValue >> 2) + 1, -22)]
    public void Period_is_a_millisecond_at_least(ulong period, long expected) =>
        Assert.Equal(expected, SetPeriod(0, period));

    [Fact]
    public void Periodic_timer_goes_on_from_when_it_ticked_last()
    {
        BindTimer(0);
        _domain.Host.Advance(10 * Millisecond);
        // It "ticked" when the domain started.
        Assert.Equal(0, SetPeriod(0, 4 * Millisecond));
        Assert.True(TakeTimer());
        _domain.Host.Advance(4 * Millisecond);
        Assert.True(TakeTimer());
        _domain.Host.Advance(3 * Millisecond);
        Assert.Equal(0, SetPeriod(0, 5 * Millisecond));
        Assert.False(TakeTimer());
        _domain.Host.Advance(2 * Millisecond);
        Assert.True(TakeTimer());
        Assert.Equal(0, _domain.Try(VcpuOp, StopPeriodic, 0));
        _domain.Host.Advance(100 * Millisecond);
        Assert.False(TakeTimer());
    }

    [Fact]
    public void Periodic_timer_of_another_vcpu_can_be_set()
    {
        BindTimer(1);
        Assert.Equal(0, SetPeriod(1, Millisecond));
        _domain.Host.Advance(Millisecond);
        Assert.True(TakeTimer());
        Assert.Equal(1, _domain.Domain.SharedInfo.Bytes.ReadByte(64));
    }

    [Theory]
    [InlineData(false, 44, 4)]
    [InlineData(true, 48, 8)]
    public void Runstate_is_of_the_callers_layout(bool is64Bit, int length, int entered)
    {
        _domain.Select(is64Bit);
        _domain.Host.Advance(500);
        _domain.Write(Place + (ulong)length, 0xCC);
        Assert.Equal(0, _domain.Try(VcpuOp, GetRunstate, 0, Place));
        Assert.Equal(0U, _domain.Read32(Place));
        Assert.Equal(0UL, _domain.Read64(Place + (ulong)entered));
        Assert.Equal(500UL, _domain.Read64(Place + (ulong)entered + 8));
        Assert.Equal(0xCC, _domain.Read(Place + (ulong)length, 1)[0]);
        Assert.Equal(0, _domain.Try(VcpuOp, GetRunstate, 1, Place));
        Assert.Equal(3U, _domain.Read32(Place));
        Assert.Equal(500UL, _domain.Read64(Place + (ulong)entered + 32));
    }

    [Theory]
    [InlineData(0x09UL, 0x100U, 0U)]
    [InlineData(0x09UL, 4096U - 64, 0U)]
    public void Vcpu_info_moves_with_its_contents_and_everything_pending(ulong gfn, uint offset, uint vcpu)
    {
        var shared = _domain.Domain.SharedInfo.Bytes;
        shared.WriteUInt64(24, 0x1122_3344_5566_7788);
        Assert.Equal(0, Register(vcpu, gfn, offset));
        var place = (gfn << 12) + offset;
        Assert.Equal(1, _domain.Read(place, 1)[0]);
        Assert.Equal(ulong.MaxValue, _domain.Read64(place + 8));
        Assert.Equal(0x1122_3344_5566_7788UL, _domain.Read64(place + 24));
        Assert.Equal(0, shared.ReadByte(0));
        Assert.Equal(-22, Register(vcpu, gfn, offset));
    }

    [Theory]
    [InlineData(0x09UL, 4096U - 56, -6)]
    [InlineData(0x09UL, 0x104U, -6)]
    [InlineData(0x09UL, uint.MaxValue, -6)]
    [InlineData(0xF0000UL, 0U, -22)]
    [InlineData(ulong.MaxValue, 0U, -22)]
    public void Place_of_vcpu_info_is_aligned_and_in_a_page_of_memory(ulong gfn, uint offset, long expected) =>
        Assert.Equal(expected, Register(0, gfn, offset));

    [Fact]
    public void Place_of_a_32_bit_domains_vcpu_info_is_aligned_to_4()
    {
        _domain.Domain.SharedInfo.LatchWidth(is64Bit: false);
        Assert.Equal(-6, Register(0, 9, 0x102));
        Assert.Equal(0, Register(0, 9, 0x104));
        Assert.Equal(uint.MaxValue, _domain.Read32(0x9108));
        Assert.Equal(0U, _domain.Read32(0x910C));
    }

    [Fact]
    public void Vcpu_info_of_another_that_runs_cannot_be_moved()
    {
        _domain.Processors[1].IsUp = true;
        Assert.Equal(-22, Register(1, 9, 0));
        _domain.Processors[1].IsUp = false;
        Assert.Equal(0, Register(1, 9, 0));
    }

    [Fact]
    public void Vcpu_info_stays_in_its_page_when_the_guest_gives_the_page_back()
    {
        Assert.Equal(0, Register(0, 9, 0));
        Assert.Equal(0, _domain.Domain.Memory.Free(9));
        Assert.True(_domain.Domain.Vcpus[0].IsUpcallPending);
        // Nobody else gets the page.
        Assert.False(_domain.Domain.Memory.Populate(0x1000, 1));
    }

    private void BindTimer(uint vcpu)
    {
        _domain.Put(Buffer, 0, vcpu, 0);
        Assert.Equal(0, _domain.Try(EventChannelOp, 1, Buffer));
    }

    private bool TakeTimer() => _domain.Domain.SharedInfo.Bytes.ClearBit(0x800, 3);

    private void SetDeadline(ulong deadline)
    {
        _domain.Put(Buffer, (uint)deadline, (uint)(deadline >> 32), 0, 0);
        Assert.Equal(0, _domain.Try(VcpuOp, SetSingleshot, 0, Buffer));
    }

    private long SetPeriod(uint vcpu, ulong period)
    {
        _domain.Put(Buffer, (uint)period, (uint)(period >> 32));
        return _domain.Try(VcpuOp, SetPeriodic, vcpu, Buffer);
    }

    private long Register(uint vcpu, ulong gfn, uint offset)
    {
        _domain.Put(Buffer, (uint)gfn, (uint)(gfn >> 32), offset, 0);
        return _domain.Try(VcpuOp, RegisterInfo, vcpu, Buffer);
    }
}
