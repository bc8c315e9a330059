using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>event_channel_op as far as it is the same in both ABIs. The domain is number 7; ports 1 and 2 are the store's and the console's.</summary>
public sealed class EventChannelTests : IDisposable
{
    private const uint EventChannelOp = 32;
    private const uint BindInterdomain = 0, BindVirtual = 1, BindPhysical = 2, Close = 3, Send = 4, Status = 5, AllocateUnbound = 6,
        BindInterprocessor = 7, BindVcpu = 8, Unmask = 9, Reset = 10, SetPriority = 13;

    private const ulong Buffer = 0x8000, Nowhere = 0xF000_0000;
    private const uint Self = 0x7FF0;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Ports_are_handed_out_from_the_lowest_free_on()
    {
        Assert.Equal(3U, BindIpi(0));
        Assert.Equal(4U, BindIpi(1));
        Assert.Equal(0, Do(Close, 3));
        Assert.Equal(3U, BindIpi(0));
        Assert.Equal(5U, BindIpi(0));
    }

    [Fact]
    public void There_are_1023_ports_and_no_more()
    {
        for (var port = 3U; port <= 1023; port++)
            Assert.Equal(port, BindIpi(0));
        Assert.Equal(-28, Do(BindInterprocessor, 0));
        Assert.Equal(-28, Do(BindVirtual, 0, 0));
        Assert.Equal(-28, Do(AllocateUnbound, Self));
        Assert.Equal(-28, Do(BindInterdomain, Self, 3));
        Assert.Equal(0, Do(Close, 700));
        Assert.Equal(700U, BindIpi(0));
    }

    [Theory]
    [InlineData(BindInterdomain)]
    [InlineData(BindVirtual)]
    [InlineData(BindPhysical)]
    [InlineData(Close)]
    [InlineData(Send)]
    [InlineData(Status)]
    [InlineData(AllocateUnbound)]
    [InlineData(BindInterprocessor)]
    [InlineData(BindVcpu)]
    [InlineData(Unmask)]
    [InlineData(Reset)]
    [InlineData(11U)]
    [InlineData(12U)]
    [InlineData(SetPriority)]
    public void Argument_that_cannot_be_read_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(EventChannelOp, command, Nowhere));

    [Theory]
    [InlineData(15U)]
    [InlineData(0xFFFF_FFFFU)]
    public void Other_operations_do_not_exist(uint command) => Assert.Equal(-38, _domain.Try(EventChannelOp, command, Nowhere));

    [Theory]
    [InlineData(Close)]
    [InlineData(Send)]
    [InlineData(BindVcpu)]
    public void Free_port_is_invalid(uint command)
    {
        foreach (var port in (uint[])[0, 10, 64, 1023, 1024, 0xFFFF_FFFF])
            Assert.Equal(-22, Do(command, port, 0));
    }

    [Fact]
    public void Free_port_can_be_unmasked_where_xen_has_made_it()
    {
        Assert.Equal(0, Do(Unmask, 0));
        Assert.Equal(0, Do(Unmask, 63));
        Assert.Equal(-22, Do(Unmask, 64));
        Assert.Equal(-22, Do(Unmask, 0xFFFF_FFFF));
    }

    [Theory]
    [InlineData(24U, 0U, -22)]
    [InlineData(0xFFFF_FFFFU, 0U, -22)]
    [InlineData(2U, 1U, -22)]
    [InlineData(0U, 2U, -2)]
    [InlineData(0U, 0xFFFF_FFFFU, -2)]
    public void Virtual_interrupt_must_exist_and_be_of_the_vcpu(uint virq, uint vcpu, long expected) =>
        Assert.Equal(expected, Do(BindVirtual, virq, vcpu));

    [Theory]
    [InlineData(0U)]
    [InlineData(1U)]
    [InlineData(2U)]
    [InlineData(11U)]
    [InlineData(16U)]
    public void Virtual_interrupt_is_bound_once(uint virq)
    {
        Assert.Equal(0, Do(BindVirtual, virq, 0));
        var port = _domain.Read32(Buffer + 8);
        Assert.Equal(3U, port);
        Assert.Equal(-17, Do(BindVirtual, virq, 0));
        Assert.Equal(0, Do(Close, port));
        Assert.Equal(0, Do(BindVirtual, virq, 0));
    }

    [Fact]
    public void Each_vcpu_has_a_timer_interrupt_of_its_own()
    {
        Assert.Equal(0, Do(BindVirtual, 0, 0));
        Assert.Equal(0, Do(BindVirtual, 0, 1));
        Assert.Equal(-17, Do(BindVirtual, 0, 1));
    }

    [Fact]
    public void Physical_interrupt_can_be_bound_once_though_none_will_come()
    {
        Assert.Equal(0, Do(BindPhysical, 5, 0));
        Assert.Equal(-17, Do(BindPhysical, 5, 0));
        Assert.Equal(-22, Do(BindPhysical, 56, 0));
        Assert.Equal(0, Do(Status, Self, 3));
        Assert.Equal(3U, _domain.Read32(Buffer + 8));
        Assert.Equal(5U, _domain.Read32(Buffer + 16));
        Assert.Equal(-22, Do(Send, 3));
    }

    [Fact]
    public void Interprocessor_interrupt_needs_a_vcpu() => Assert.Equal(-2, Do(BindInterprocessor, 2));

    [Fact]
    public void Only_what_belongs_to_no_vcpu_moves_to_another()
    {
        var ipi = BindIpi(0);
        Assert.Equal(0, Do(BindVirtual, 0, 0));
        var timer = _domain.Read32(Buffer + 8);
        Assert.Equal(0, Do(BindVirtual, 2, 0));
        var global = _domain.Read32(Buffer + 8);
        Assert.Equal(-22, Do(BindVcpu, ipi, 1));
        Assert.Equal(-22, Do(BindVcpu, timer, 1));
        Assert.Equal(0, Do(BindVcpu, global, 1));
        Assert.Equal(0, Do(BindVcpu, 1, 1));
        Assert.Equal(-2, Do(BindVcpu, 1, 2));
        Assert.Equal(0, Do(Status, Self, global));
        Assert.Equal(1U, _domain.Read32(Buffer + 12));
        Assert.Equal(0, Do(Close, global));
        Assert.Equal(0, Do(BindVirtual, 2, 0));
    }

    [Theory]
    [InlineData(Status)]
    [InlineData(AllocateUnbound)]
    [InlineData(Reset)]
    public void Other_domains_are_not_to_be_named(uint command)
    {
        Assert.Equal(-1, Do(command, 0, 1));
        Assert.Equal(-3, Do(command, 9, 1));
        Assert.Equal(0, Do(command, 7, 1));
    }

    [Fact]
    public void Status_tells_what_a_port_is_bound_to()
    {
        Assert.Equal(0, Do(Status, Self, 1));
        Assert.Equal(1U, _domain.Read32(Buffer + 8));
        Assert.Equal(0, _domain.Read16(Buffer + 16));
        _domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { }));
        Assert.Equal(0, Do(Status, Self, 1));
        Assert.Equal(2U, _domain.Read32(Buffer + 8));
        Assert.Equal(0, _domain.Read16(Buffer + 16));
        Assert.NotEqual(0U, _domain.Read32(Buffer + 20));
        Assert.Equal(0, Do(BindVirtual, 1, 1));
        Assert.Equal(0, Do(Status, Self, 3));
        Assert.Equal((4U, 1U, 1U), (_domain.Read32(Buffer + 8), _domain.Read32(Buffer + 12), _domain.Read32(Buffer + 16)));
        BindIpi(1);
        Assert.Equal(0, Do(Status, Self, 4));
        Assert.Equal((5U, 1U), (_domain.Read32(Buffer + 8), _domain.Read32(Buffer + 12)));
        Assert.Equal(0, Do(Status, Self, 0));
        Assert.Equal(0U, _domain.Read32(Buffer + 8));
        Assert.Equal(0, Do(Status, Self, 63));
        Assert.Equal(-22, Do(Status, Self, 64));
    }

    [Fact]
    public void Domain_connects_with_itself()
    {
        Assert.Equal(0, Do(AllocateUnbound, Self | (Self << 16)));
        Assert.Equal(3U, _domain.Read32(Buffer + 4));
        Assert.Equal(0, Do(Status, Self, 3));
        Assert.Equal(7, _domain.Read16(Buffer + 16));
        Assert.Equal(0, Do(BindInterdomain, Self, 3));
        Assert.Equal(4U, _domain.Read32(Buffer + 8));
        Assert.True(IsPending(4));
        Assert.Equal(0, Do(Send, 4));
        Assert.True(IsPending(3));
        // The other end waits again, and what it sends is lost.
        Assert.Equal(0, Do(Close, 4));
        Assert.False(IsPending(4));
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(0, Do(BindInterdomain, 7, 3));
    }

    [Theory]
    [InlineData(9U, 3U, -3)]
    [InlineData(0U, 3U, -22)]
    [InlineData(Self, 1U, -22)]
    [InlineData(Self, 3U, -22)]
    [InlineData(Self, 0U, -22)]
    [InlineData(Self, 0xFFFF_FFFFU, -22)]
    public void Only_a_port_that_waits_for_the_domain_can_be_bound(uint remote, uint port, long expected)
    {
        Assert.Equal(expected, Do(BindInterdomain, remote, port));
        Assert.Equal(3U, BindIpi(0));
    }

    [Fact]
    public void Control_domain_hears_what_is_sent_and_that_a_port_is_closed()
    {
        int notified = 0, closed = 0;
        Assert.True(_domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(() => notified++, _ => closed++)));
        Assert.False(_domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { })));
        Assert.False(_domain.Domain.Events.TryConnect(40, _domain.Domain.Events.AddListener(static () => { })));
        Assert.Equal(1, notified);
        Assert.Equal(0, Do(Send, 1));
        Assert.Equal(2, notified);
        _domain.Domain.Events.Notify(1);
        Assert.True(IsPending(1));
        Assert.Equal(0, Do(Close, 1));
        Assert.Equal(1, closed);
        Assert.False(IsPending(1));
        _domain.Domain.Events.Notify(1);
        Assert.False(IsPending(1));
    }

    [Fact]
    public void Port_waits_again_when_the_control_domain_disconnects()
    {
        _domain.Domain.Events.TryConnect(2, _domain.Domain.Events.AddListener(static () => { }));
        _domain.Domain.Events.Disconnect(2);
        Assert.Equal(0, Do(Send, 2));
        Assert.Equal(0, Do(Status, Self, 2));
        Assert.Equal(1U, _domain.Read32(Buffer + 8));
        Assert.True(_domain.Domain.Events.TryConnect(2, _domain.Domain.Events.AddListener(static () => { })));
    }

    [Fact]
    public void Reset_closes_every_port()
    {
        var closed = 0;
        _domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { }, _ => closed++));
        BindIpi(1);
        Assert.Equal(0, Do(BindVirtual, 0, 1));
        Assert.Equal(0, Do(Reset, Self));
        Assert.Equal(1, closed);
        Assert.Equal(1U, BindIpi(0));
        Assert.Equal(0, Do(BindVirtual, 0, 1));
    }

    [Fact]
    public void Priorities_are_not_of_the_2_level_abi()
    {
        Assert.Equal(-38, Do(SetPriority, 1, 3));
        Assert.Equal(-22, Do(SetPriority, 64, 3));
        Assert.Equal(-95, Do(12U, 5));
    }

    [Fact]
    public void Structures_are_the_same_for_64_bit_callers()
    {
        _domain.Use64BitCode();
        Assert.Equal(3U, BindIpi(1));
        Assert.Equal(0, Do(Status, Self, 3));
        Assert.Equal((5U, 1U), (_domain.Read32(Buffer + 8), _domain.Read32(Buffer + 12)));
    }

    private bool IsPending(uint port) => _domain.Domain.SharedInfo.Bytes.TestBit(0x800, (int)port);

    private uint BindIpi(uint vcpu)
    {
        Assert.Equal(0, Do(BindInterprocessor, vcpu));
        return _domain.Read32(Buffer + 4);
    }

    private long Do(uint command, params uint[] words)
    {
        _domain.Put(Buffer, 0, 0, 0, 0, 0, 0);
        _domain.Put(Buffer, words);
        return _domain.Try(EventChannelOp, command, Buffer);
    }
}
