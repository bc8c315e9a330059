using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>The FIFO ABI: control blocks at 0x10000 (vCPU 0) and 0x11000 (vCPU 1), words from 0x20000 on.</summary>
public sealed class FifoEventTests : IDisposable
{
    private const uint EventChannelOp = 32;
    private const uint Close = 3, Send = 4, BindInterprocessor = 7, BindVcpu = 8, Unmask = 9, Reset = 10, InitControl = 11, ExpandArray = 12,
        SetPriority = 13;

    private const ulong Buffer = 0x8000, Control = 0x10000, OtherControl = 0x11000, Words = 0x20000;
    private const uint Pending = 1U << 31, Masked = 1U << 30, Linked = 1U << 29, Link = 0x1FFFF;
    private const uint DefaultPriority = 7;

    private readonly TestDomain _domain = new(vcpus: 2);

    public FifoEventTests()
    {
        Assert.Equal(0, Init(0, Control));
        Assert.Equal(17, _domain.Read(Buffer + 16, 1)[0]);
        Assert.Equal(0, Do(ExpandArray, (uint)(Words >> 12), 0));
    }

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Event_begins_a_queue_and_raises_an_upcall()
    {
        var port = BindIpi(0);
        Assert.Equal(0, Do(Send, port));
        Assert.Equal(Pending | Linked, Word(port));
        Assert.Equal(1U << 7, Ready());
        Assert.Equal(port, Head(DefaultPriority));
        Assert.Equal(1, _domain.Domain.SharedInfo.Bytes.ReadByte(0));
    }

    [Fact]
    public void Later_events_are_linked_behind()
    {
        uint a = BindIpi(0), b = BindIpi(0), c = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(0, Do(Send, b));
        Assert.Equal(0, Do(Send, c));
        Assert.Equal(a, Head(DefaultPriority));
        Assert.Equal((b, c, 0U), (Word(a) & Link, Word(b) & Link, Word(c) & Link));
    }

    [Fact]
    public void Event_behind_one_that_the_guest_has_taken_begins_the_queue_anew()
    {
        uint a = BindIpi(0), b = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        _domain.Put(Words + (4 * a), 0);
        _domain.Put(Control, 0);
        Assert.Equal(0, Do(Send, b));
        Assert.Equal(0U, Word(a));
        Assert.Equal(b, Head(DefaultPriority));
        Assert.Equal(1U << 7, Ready());
    }

    [Fact]
    public void Event_that_was_last_itself_begins_the_queue_anew()
    {
        var a = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        // The guest has cleared "linked", and the event comes again before it sees the end of the queue.
        _domain.Put(Words + (4 * a), 0);
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(Pending | Linked, Word(a));
        Assert.Equal(a, Head(DefaultPriority));
    }

    [Fact]
    public void Pending_event_is_not_linked_twice()
    {
        uint a = BindIpi(0), b = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(0, Do(Send, b));
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(0U, Word(b) & Link);
    }

    [Fact]
    public void Masked_event_is_linked_when_it_is_unmasked()
    {
        var port = BindIpi(0);
        _domain.Put(Words + (4 * port), Masked);
        Assert.Equal(0, Do(Send, port));
        Assert.Equal(Pending | Masked, Word(port));
        Assert.Equal(0U, Ready());
        Assert.Equal(0, Do(Unmask, port));
        Assert.Equal(Pending | Linked, Word(port));
        Assert.Equal(1U << 7, Ready());
    }

    [Fact]
    public void Priority_chooses_the_queue_of_later_events()
    {
        uint a = BindIpi(0), b = BindIpi(0);
        Assert.Equal(0, Do(SetPriority, a, 0));
        Assert.Equal(0, Do(SetPriority, b, 15));
        Assert.Equal(-22, Do(SetPriority, b, 16));
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(0, Do(Send, b));
        Assert.Equal((1U << 15) | 1, Ready());
        Assert.Equal((a, b), (Head(0), Head(15)));
    }

    [Fact]
    public void Event_that_was_last_in_one_queue_and_moves_to_another_leaves_the_first_empty()
    {
        uint a = BindIpi(0), b = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        _domain.Put(Words + (4 * a), 0);
        _domain.Put(Control, 0);
        Assert.Equal(0, Do(SetPriority, a, 3));
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(a, Head(3));
        // Nothing may be linked to it from the old queue.
        Assert.Equal(0, Do(Send, b));
        Assert.Equal(0U, Word(a) & Link);
        Assert.Equal(b, Head(DefaultPriority));
    }

    [Fact]
    public void Priority_of_a_free_port_is_denied()
    {
        Assert.Equal(-13, Do(SetPriority, 10, 3));
        Assert.Equal(-22, Do(SetPriority, 64, 3));
    }

    [Fact]
    public void Closed_port_is_not_bound_again_before_the_guest_has_taken_it_off_its_queue()
    {
        var a = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        Assert.Equal(0, Do(Close, a));
        Assert.Equal(Linked, Word(a));
        Assert.Equal(a + 1, BindIpi(0));
        _domain.Put(Words + (4 * a), 0);
        Assert.Equal(a, BindIpi(0));
    }

    [Fact]
    public void Event_for_a_vcpu_without_control_block_is_lost()
    {
        var port = BindIpi(1);
        Assert.Equal(0, Do(Send, port));
        Assert.Equal(0U, Word(port));
        Assert.Equal(0, Init(1, OtherControl));
        Assert.Equal(0, Do(Send, port));
        Assert.Equal(port, _domain.Read32(OtherControl + 8 + (4 * DefaultPriority)));
        Assert.Equal(1, _domain.Domain.SharedInfo.Bytes.ReadByte(64));
    }

    [Fact]
    public void Control_block_is_taken_as_the_guest_left_it()
    {
        _domain.Put(OtherControl, 0x8000, 0, 5);
        Assert.Equal(0, Init(1, OtherControl));
        Assert.Equal(0x8000U, _domain.Read32(OtherControl));
        Assert.Equal(5U, _domain.Read32(OtherControl + 8));
    }

    [Theory]
    [InlineData(2U, 0x11UL, 0U, -2)]
    [InlineData(0xFFFF_FFFFU, 0x11UL, 0U, -2)]
    [InlineData(1U, 0x11UL, 4096U - 72 + 8, -22)]
    [InlineData(1U, 0x11UL, 4U, -22)]
    [InlineData(1U, 0xF0000UL, 0U, -22)]
    [InlineData(1U, ulong.MaxValue, 0U, -22)]
    [InlineData(0U, 0x11UL, 0U, -22)]
    [InlineData(1U, 0x11UL, 4096U - 72, 0)]
    public void Control_block_must_be_the_first_of_its_vcpu_and_lie_in_a_page(uint vcpu, ulong gfn, uint offset, long expected)
    {
        _domain.Put(Buffer, (uint)gfn, (uint)(gfn >> 32), offset, vcpu, 0, 0);
        Assert.Equal(expected, _domain.Try(EventChannelOp, InitControl, Buffer));
    }

    [Fact]
    public void Array_has_128_pages_of_the_domains_memory()
    {
        Assert.Equal(-22, Do(ExpandArray, 0xF0000, 0));
        for (var page = 1; page < 128; page++)
            Assert.Equal(0, Do(ExpandArray, (uint)(Words >> 12) + (uint)(page % 64), 0));
        Assert.Equal(-28, Do(ExpandArray, 0x60, 0));
    }

    [Fact]
    public void What_was_pending_before_is_raised_when_its_word_has_a_place()
    {
        using var domain = new TestDomain();
        Assert.Equal(0, Do(domain, BindInterprocessor, 0, 0));
        Assert.Equal(0, Do(domain, Send, 3));
        domain.Put(Buffer, (uint)(Control >> 12), 0, 0, 0, 0, 0);
        Assert.Equal(0, domain.Try(EventChannelOp, InitControl, Buffer));
        // Sent where there is no place yet.
        Assert.Equal(0, Do(domain, BindInterprocessor, 0, 0));
        Assert.Equal(0, Do(domain, Send, 4));
        Assert.Equal(0U, domain.Read32(Control));
        Assert.Equal(0, Do(domain, ExpandArray, (uint)(Words >> 12), 0));
        Assert.Equal(Pending | Linked | 4, domain.Read32(Words + 12));
        Assert.Equal(Pending | Linked, domain.Read32(Words + 16));
        Assert.Equal(3U, domain.Read32(Control + 8 + (4 * DefaultPriority)));
    }

    [Fact]
    public void Moved_port_is_queued_for_its_new_vcpu()
    {
        Assert.Equal(0, Init(1, OtherControl));
        _domain.Domain.Events.TryConnect(1, _domain.Domain.Events.AddListener(static () => { }));
        Assert.Equal(0, Do(BindVcpu, 1, 1));
        _domain.Domain.Events.Notify(1);
        Assert.Equal(0U, Ready());
        Assert.Equal(1U, _domain.Read32(OtherControl + 8 + (4 * DefaultPriority)));
    }

    [Fact]
    public void Reset_returns_to_the_2_level_abi()
    {
        Assert.Equal(0, Do(Reset, 0x7FF0));
        Assert.Equal(-95, Do(ExpandArray, 0x20, 0));
        var port = BindIpi(0);
        Assert.Equal(0, Do(Send, port));
        Assert.True(_domain.Domain.SharedInfo.Bytes.TestBit(0x800, (int)port));
        Assert.Equal(0, Init(0, Control));
    }

    [Fact]
    public void Hostile_links_lead_nowhere()
    {
        uint a = BindIpi(0), b = BindIpi(0);
        Assert.Equal(0, Do(Send, a));
        _domain.Put(Words + (4 * a), uint.MaxValue);
        _domain.Put(Control, uint.MaxValue, 0, uint.MaxValue);
        Assert.Equal(0, Do(Send, b));
        Assert.Equal(b, Word(a) & Link);
        Assert.Equal(0, Do(Close, a));
        Assert.Equal(0, Do(Unmask, b));
    }

    private static long Do(TestDomain domain, uint command, params uint[] words)
    {
        domain.Put(Buffer, words);
        return domain.Try(EventChannelOp, command, Buffer);
    }

    private uint Word(uint port) => _domain.Read32(Words + (4 * port));

    private uint Ready() => _domain.Read32(Control);

    private uint Head(uint priority) => _domain.Read32(Control + 8 + (4 * priority));

    private long Init(uint vcpu, ulong address)
    {
        _domain.Put(Buffer, (uint)(address >> 12), 0, (uint)(address & 0xFFF), vcpu, 0, 0);
        return _domain.Try(EventChannelOp, InitControl, Buffer);
    }

    private uint BindIpi(uint vcpu)
    {
        Assert.Equal(0, Do(BindInterprocessor, vcpu, 0));
        return _domain.Read32(Buffer + 4);
    }

    private long Do(uint command, params uint[] words) => Do(_domain, command, words);
}
