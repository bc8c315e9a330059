using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>hvm_op and the parameters. The domain is number 7.</summary>
public sealed class HvmOperationTests : IDisposable
{
    private const uint HvmOp = 34;
    private const uint SetParameter = 0, GetParameter = 1, FlushTlbs = 5, PagetableDying = 9, GetTime = 10, TraceEvent = 11, GetMemoryType = 15,
        SetUpcallVector = 23, RequestVmEvent = 24, AlternateP2m = 25;

    private const ulong Buffer = 0x8000, Nowhere = 0xF000_0000;
    private const uint Self = 0x7FF0;

    private readonly TestDomain _domain = new(vcpus: 2);

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(1U, 0xFEFFCUL)]
    [InlineData(2U, 1UL)]
    [InlineData(17U, 0xFEFFFUL)]
    [InlineData(18U, 2UL)]
    [InlineData(0U, 0UL)]
    [InlineData(19U, 0UL)]
    [InlineData(34U, 0UL)]
    [InlineData(35U, 0UL)]
    [InlineData(36U, 0UL)]
    public void Toolstack_leaves_word_of_rings_and_ports(uint index, ulong expected)
    {
        Assert.Equal(0, Do(GetParameter, Self, index, 0xCCCC_CCCC, 0xCCCC_CCCC));
        Assert.Equal(expected, _domain.Read64(Buffer + 8));
        Assert.Equal(0, Do(GetParameter, 7, index));
    }

    [Theory]
    [InlineData(39U, -22, -22)]
    [InlineData(uint.MaxValue, -22, -22)]
    [InlineData(4U, -22, -22)]
    [InlineData(13U, -22, -22)]
    [InlineData(20U, -22, -22)]
    [InlineData(24U, -22, -22)]
    [InlineData(26U, -22, -22)]
    [InlineData(30U, -22, -22)]
    [InlineData(5U, -1, -1)]
    [InlineData(9U, -1, -1)]
    [InlineData(14U, -1, -1)]
    [InlineData(31U, -1, -1)]
    [InlineData(38U, -1, -1)]
    [InlineData(1U, 0, -1)]
    [InlineData(17U, 0, -1)]
    [InlineData(35U, 0, -1)]
    [InlineData(19U, 0, -19)]
    public void Parameters_are_the_guests_to_read_or_to_write(uint index, long read, long written)
    {
        Assert.Equal(read, Do(GetParameter, Self, index));
        Assert.Equal(written, Do(SetParameter, Self, index, 1, 0));
    }

    [Theory]
    [InlineData(2U, 5UL)]
    [InlineData(18U, 5UL)]
    [InlineData(34U, 0x1234_5678_9ABCUL)]
    [InlineData(36U, 8UL)]
    [InlineData(0U, 1UL)]
    public void What_the_guest_writes_it_reads(uint index, ulong value)
    {
        Assert.Equal(0, Do(SetParameter, Self, index, (uint)value, (uint)(value >> 32)));
        Assert.Equal(0, Do(GetParameter, Self, index));
        Assert.Equal(value, _domain.Read64(Buffer + 8));
    }

    [Fact]
    public void Number_of_a_parameter_is_looked_at_before_the_domain()
    {
        Assert.Equal(-22, Do(GetParameter, 9, 39));
        Assert.Equal(-3, Do(GetParameter, 9, 4));
        Assert.Equal(-1, Do(SetParameter, 0, 4));
    }

    [Fact]
    public void Width_of_the_fpus_pointers_is_0_4_or_8() => Assert.Equal(-22, Do(SetParameter, Self, 36, 2, 0));

    [Fact]
    public void Task_state_segment_has_a_size()
    {
        Assert.Equal(0, Do(SetParameter, Self, 15, 0x5000, 0));
        Assert.Equal(0, Do(GetParameter, Self, 15));
        Assert.Equal(0x5000UL, _domain.Read64(Buffer + 8));
        Assert.Equal(0, Do(GetParameter, Self, 37));
        Assert.Equal(0x80_0000_5000UL, _domain.Read64(Buffer + 8));
        Assert.Equal(0, Do(SetParameter, Self, 37, 0x6000, 0xFFFF_FFFF));
        Assert.Equal(0, Do(GetParameter, Self, 37));
        Assert.Equal((0x2089UL << 32) | 0x6000, _domain.Read64(Buffer + 8));
        Assert.Empty(_domain.Host.Shutdowns);
    }

    [Theory]
    [InlineData(15U, 1U)]
    [InlineData(37U, 103U)]
    public void Impossible_task_state_segment_crashes_the_domain(uint index, uint upper)
    {
        Assert.Equal(-22, Do(SetParameter, Self, index, 0, upper));
        Assert.Equal([ShutdownReason.Crash], _domain.Host.Shutdowns);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Callback_takes_the_callers_width_and_writes_the_wallclock(bool is64Bit)
    {
        _domain.Select(is64Bit);
        var clock = is64Bit ? 0xC00 : 0x900;
        var shared = _domain.Domain.SharedInfo;
        var version = shared.Bytes.ReadUInt32(clock);
        Assert.Equal(0, Do(SetParameter, Self, 0, 1, 0));
        Assert.Equal(is64Bit, shared.Is64Bit);
        Assert.Equal(version + 2, shared.Bytes.ReadUInt32(clock));
        Assert.Equal((uint)_domain.Host.ClockStart.ToUnixTimeSeconds(), shared.Bytes.ReadUInt32(clock + 4));
        Assert.Equal(0U, shared.Bytes.ReadUInt32(clock + 8));
    }

    [Theory]
    [InlineData(SetParameter)]
    [InlineData(GetParameter)]
    [InlineData(PagetableDying)]
    [InlineData(GetTime)]
    [InlineData(TraceEvent)]
    [InlineData(GetMemoryType)]
    [InlineData(SetUpcallVector)]
    public void Argument_that_cannot_be_reached_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(HvmOp, command, Nowhere));

    [Theory]
    [InlineData(Self, -22)]
    [InlineData(7U, -22)]
    [InlineData(0U, -95)]
    [InlineData(9U, -3)]
    public void Page_tables_of_a_dying_process_are_shadow_pagings_business(uint id, long expected) =>
        Assert.Equal(expected, Do(PagetableDying, id, 0, 0, 0));

    [Fact]
    public void Only_the_empty_set_of_vcpus_can_be_flushed()
    {
        Assert.Equal(0, _domain.Try(HvmOp, FlushTlbs));
        Assert.Equal(-22, _domain.Try(HvmOp, FlushTlbs, Buffer));
    }

    [Fact]
    public void Time_is_system_time()
    {
        _domain.Host.Advance((7UL << 32) + 5);
        Assert.Equal(0, _domain.Try(HvmOp, GetTime, Buffer));
        Assert.Equal((7UL << 32) + 5, _domain.Read64(Buffer));
    }

    [Theory]
    [InlineData(0xFFFU | (28U << 16), 0)]
    [InlineData(0x1000U, -22)]
    [InlineData(29U << 16, -22)]
    public void Trace_event_has_twelve_bits_and_28_bytes(uint word, long expected) => Assert.Equal(expected, Do(TraceEvent, word));

    [Theory]
    [InlineData(0x10UL, 0)]
    [InlineData(0xFEFFFUL, 0)]
    [InlineData(0x80000UL, 2)]
    [InlineData(ulong.MaxValue, 2)]
    public void Memory_has_a_type(ulong gfn, int expected)
    {
        Assert.Equal(0, Do(GetMemoryType, Self | 0xFFFF_0000, 0, (uint)gfn, (uint)(gfn >> 32)));
        Assert.Equal(expected, _domain.Read16(Buffer + 2));
        Assert.Equal(-3, Do(GetMemoryType, 9, 0, 0, 0));
    }

    [Theory]
    [InlineData(0U, 0x0FU, -22)]
    [InlineData(2U, 0x0FU, -22)]
    [InlineData(2U, 0x10U, -2)]
    [InlineData(1U, 0x10U, 0)]
    [InlineData(1U, 0x1F0U, 0)]
    public void Vector_is_above_the_exceptions(uint vcpu, uint vector, long expected) => Assert.Equal(expected, Do(SetUpcallVector, vcpu, vector));

    [Fact]
    public void Requests_to_a_listener_are_heard_by_nobody()
    {
        Assert.Equal(0, _domain.Try(HvmOp, RequestVmEvent));
        Assert.Equal(-22, _domain.Try(HvmOp, RequestVmEvent, Buffer));
        Assert.Equal(-95, _domain.Try(HvmOp, AlternateP2m, Nowhere));
    }

    [Fact]
    public void Other_operations_do_not_exist()
    {
        foreach (var command in (uint[])[2, 3, 4, 6, 7, 8, 12, 13, 14, 16, 17, 22, 26, uint.MaxValue])
            Assert.Equal(-38, Do(command, Self));
        _domain.Use64BitCode();
        Assert.Equal(-38, _domain.Try(HvmOp, (1UL << 32) + GetTime, Buffer));
    }

    private long Do(uint command, params uint[] words)
    {
        _domain.Put(Buffer, words);
        return _domain.Try(HvmOp, command, Buffer);
    }
}
