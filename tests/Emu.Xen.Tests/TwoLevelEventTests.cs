using Emu.Cpu.State;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>How events reach the guest in the 2-level ABI: bitmaps, selectors, masks and the three ways of an upcall.</summary>
public sealed class TwoLevelEventTests : IDisposable
{
    private const uint EventChannelOp = 32, HvmOp = 34;
    private const uint Close = 3, Send = 4, BindInterprocessor = 7, BindVcpu = 8, Unmask = 9;
    private const ulong Buffer = 0x8000;
    private const int Pending = 0x800, Mask64 = 0xA00, Mask32 = 0x880, Selector = 8, Selector32 = 4;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Event_sets_its_bit_the_selectors_and_the_upcall()
    {
        BindIpi(1);
        Assert.Equal(0, Do(Send, 3));
        Assert.True(Shared.TestBit(Pending, 3));
        Assert.Equal(1UL, Shared.ReadUInt64(64 + Selector));
        Assert.Equal(1, Shared.ReadByte(64));
        Assert.Equal(0, Shared.ReadByte(0));
    }

    [Fact]
    public void Selector_names_the_word_of_the_domains_width()
    {
        for (var i = 0; i < 70; i++)
            BindIpi(0);
        Assert.Equal(0, Do(Send, 70));
        Assert.Equal(1UL << 1, Shared.ReadUInt64(Selector));
        SetCallback(1);
        Assert.Equal(0, Do(Send, 71));
        Assert.Equal(1U << 2, Shared.ReadUInt32(Selector32));
    }

    [Fact]
    public void Masked_event_waits_for_unmask()
    {
        BindIpi(0);
        Shared.SetBit(Mask64, 3);
        Assert.Equal(0, Do(Send, 3));
        Assert.True(Shared.TestBit(Pending, 3));
        Assert.Equal(0, Shared.ReadByte(0));
        Assert.Equal(0, Do(Unmask, 3));
        Assert.False(Shared.TestBit(Mask64, 3));
        Assert.Equal(1, Shared.ReadByte(0));
        Assert.Equal(1UL, Shared.ReadUInt64(Selector));
    }

    [Fact]
    public void Unmask_of_what_is_not_masked_raises_nothing()
    {
        BindIpi(0);
        Shared.SetBit(Pending, 3);
        Assert.Equal(0, Do(Unmask, 3));
        Assert.Equal(0, Shared.ReadByte(0));
    }

    [Fact]
    public void Event_that_is_pending_already_raises_no_second_upcall()
    {
        BindIpi(0);
        Assert.Equal(0, Do(Send, 3));
        Shared.WriteByte(0, 0);
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(0, Shared.ReadByte(0));
    }

    [Fact]
    public void Selector_that_is_set_already_raises_no_second_upcall()
    {
        BindIpi(0);
        BindIpi(0);
        Assert.Equal(0, Do(Send, 3));
        Shared.WriteByte(0, 0);
        Assert.Equal(0, Do(Send, 4));
        Assert.True(Shared.TestBit(Pending, 4));
        Assert.Equal(0, Shared.ReadByte(0));
    }

    [Fact]
    public void Masks_of_a_32_bit_domain_lie_elsewhere()
    {
        SetCallback(1);
        BindIpi(0);
        Shared.SetBit(Mask32, 3);
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(0, Shared.ReadByte(0));
        Assert.Equal(0, Do(Unmask, 3));
        Assert.Equal(1, Shared.ReadByte(0));
        Assert.Equal(1U, Shared.ReadUInt32(Selector32));
    }

    [Fact]
    public void Closed_port_is_not_pending_any_more()
    {
        BindIpi(0);
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(0, Do(Close, 3));
        Assert.False(Shared.TestBit(Pending, 3));
        Assert.Equal(1, Shared.ReadByte(0));
    }

    [Fact]
    public void Event_goes_to_the_vcpu_to_which_its_port_was_moved()
    {
        _domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { }));
        Assert.Equal(0, Do(BindVcpu, 1, 1));
        _domain.Domain.Events.Notify(1);
        Assert.Equal((0, 1), (Shared.ReadByte(0), Shared.ReadByte(64)));
    }

    [Fact]
    public void Vector_of_a_vcpu_is_requested_in_its_apic_once_for_each_upcall()
    {
        SetVector(1, 0xF3);
        // Setting it is an upcall for itself.
        Assert.Equal([0xF3], _domain.Processors[1].Requested);
        BindIpi(1);
        BindIpi(1);
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(0, Do(Send, 4));
        Assert.Equal([0xF3, 0xF3], _domain.Processors[1].Requested);
        Assert.Empty(_domain.Processors[0].Requested);
    }

    [Fact]
    public void Upcall_that_the_apic_missed_comes_when_it_is_switched_on()
    {
        BindIpi(0);
        Assert.Equal(0, Do(Send, 3));
        _domain.Domain.Vcpus[0].NoteApicEnabled();
        Assert.Empty(_domain.Processors[0].Requested);
        SetVector(0, 0x20);
        _domain.Domain.Vcpus[0].NoteApicEnabled();
        Assert.Equal([0x20, 0x20], _domain.Processors[0].Requested);
    }

    [Fact]
    public void Callback_vector_is_injected_while_an_upcall_is_pending()
    {
        SetCallback((2UL << 56) | 0xF3);
        // Those that are up are told, upcall or not.
        Assert.Equal((1, 0), (_domain.Processors[0].Notifications, _domain.Processors[1].Notifications));
        Assert.False(_domain.Domain.Vcpus[0].HasCallback);
        BindIpi(0);
        Assert.Equal(0, Do(Send, 3));
        Assert.Equal(2, _domain.Processors[0].Notifications);
        Assert.True(_domain.Vcpu.Interrupts.HasInterrupt);
        Assert.Equal(0xF3, _domain.Vcpu.Interrupts.Acknowledge());
        Assert.True(_domain.Domain.Vcpus[0].HasCallback);
        Shared.WriteByte(0, 0);
        Assert.False(_domain.Vcpu.Interrupts.HasInterrupt);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(0UL)]
    [InlineData((1UL << 56) | 0x1803)]
    [InlineData((3UL << 56) | 0xF3)]
    public void Ways_by_interrupt_line_leave_the_vector_as_it_is(ulong way)
    {
        SetCallback((2UL << 56) | 0xF3);
        SetCallback(way);
        Assert.Equal((byte)0xF3, _domain.Domain.Parameters.CallbackVector);
        Assert.Equal(1, _domain.Processors[0].Notifications);
    }

    [Fact]
    public unsafe void Poller_wakes_for_its_port_even_where_that_is_masked()
    {
        BindIpi(1);
        BindIpi(1);
        Shared.SetBit(Mask64, 3);
        Shared.SetBit(Mask64, 4);
        _domain.Vcpu.State->SystemFlags &= ~Rflags.Interrupt;
        Poll(3);
        Assert.True(_domain.Processors[0].IsBlocked);
        Assert.Equal(0, Do(Send, 4));
        Assert.True(_domain.Processors[0].IsBlocked);
        Assert.Equal(0, Do(Send, 3));
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    [Fact]
    public void Poller_of_several_ports_wakes_for_any_port()
    {
        BindIpi(1);
        BindIpi(1);
        BindIpi(1);
        Poll(3, 4);
        Assert.True(_domain.Processors[0].IsBlocked);
        Assert.Equal(0, Do(Send, 5));
        Assert.False(_domain.Processors[0].IsBlocked);
    }

    private Domains.MappedBytes Shared => _domain.Domain.SharedInfo.Bytes;

    private void Poll(params uint[] ports)
    {
        _domain.Put(Buffer + 0x100, ports);
        _domain.Put(Buffer, (uint)Buffer + 0x100, (uint)ports.Length, 0, 0);
        Assert.Equal(0, _domain.Try(29, 3, Buffer));
    }

    private void BindIpi(uint vcpu) => Assert.Equal(0, Do(BindInterprocessor, vcpu, 0));

    private void SetVector(uint vcpu, uint vector)
    {
        _domain.Put(Buffer, vcpu, vector);
        Assert.Equal(0, _domain.Try(HvmOp, 23, Buffer));
    }

    private void SetCallback(ulong value)
    {
        _domain.Put(Buffer, 0x7FF0, 0, (uint)value, (uint)(value >> 32));
        Assert.Equal(0, _domain.Try(HvmOp, 0, Buffer));
    }

    private long Do(uint command, params uint[] words)
    {
        _domain.Put(Buffer, words);
        return _domain.Try(EventChannelOp, command, Buffer);
    }
}
