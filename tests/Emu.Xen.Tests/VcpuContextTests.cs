using System.Buffers.Binary;
using Emu.Cpu.State;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>VCPUOP_initialise: vcpu_hvm_context, 128 bytes, its union at 8.</summary>
public sealed unsafe class VcpuContextTests : IDisposable
{
    private const uint VcpuOp = 24;
    private const ulong Buffer = 0x8000;
    private const int Cs = 0, Ds = 1, Ss = 2, Es = 3, Tr = 4;

    private readonly TestDomain _domain = new(vcpus: 2);
    private readonly byte[] _context = new byte[128];

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Thirty_two_bit_state_is_taken_as_it_is()
    {
        Make32();
        Assert.Equal(0, Initialise());
        Assert.True(_domain.Processors[1].IsInitialised);
        Assert.False(_domain.Processors[1].IsUp);
        var state = _domain.Processors[1].Vcpu.State;
        for (var i = 0; i < 8; i++)
            Assert.Equal(0x1000UL + (uint)i, state->Registers[i]);
        Assert.Equal(0x1234UL, state->Rip);
        Assert.Equal(0x11UL, state->Cr0);
        var code = state->Segments[(int)SegmentName.Cs];
        Assert.Equal((0x100UL, 0xFFFF_FFFFU, (SegmentAttributes)0xC9B), (code.Base, code.Limit, code.Attributes));
        Assert.Equal((SegmentAttributes)0xC93, state->Segments[(int)SegmentName.Ss].Attributes);
        Assert.Equal((SegmentAttributes)0x8B, state->Segments[(int)SegmentName.Tr].Attributes);
        Assert.False(_domain.Processors[1].Vcpu.Is64BitCode);
    }

    [Fact]
    public void Sixty_four_bit_state_has_flat_segments()
    {
        Make64();
        Assert.Equal(0, Initialise());
        var vcpu = _domain.Processors[1].Vcpu;
        Assert.True(vcpu.Is64BitCode);
        for (var i = 0; i < 8; i++)
            Assert.Equal(0xFFFF_0000_0000_1000UL + (uint)i, vcpu.State->Registers[i]);
        Assert.Equal(0xFFFF_8000_0000_1234UL, vcpu.State->Rip);
        Assert.Equal(Efer.Lme | Efer.Lma, vcpu.State->Efer);
    }

    [Fact]
    public void State_is_given_once()
    {
        Make32();
        Assert.Equal(0, Initialise());
        Assert.Equal(-17, Initialise());
        Assert.Equal(-17, _domain.Try(VcpuOp, 0, 0, Buffer));
    }

    [Fact]
    public void Counter_is_that_of_the_first_vcpu()
    {
        _domain.Processors[0].TimeStamp = 1000;
        _domain.Processors[1].TimeStamp = 400;
        Make32();
        Assert.Equal(0, Initialise());
        Assert.Equal(600UL, _domain.Processors[1].Vcpu.State->TimeStampOffset);
    }

    [Theory]
    [InlineData(0, 2U)]
    [InlineData(0, uint.MaxValue)]
    [InlineData(4, 1U)]
    [InlineData(8 + 52, 1U)]
    [InlineData(8 + 116, 0x100U)]
    [InlineData(8 + 48, 1U << 13)]
    [InlineData(8 + 56, 1U << 30)]
    [InlineData(8 + 56, (uint)Efer.Lma)]
    [InlineData(8 + 56, 1U << 12)]
    public void Impossible_number_is_invalid(int offset, uint value)
    {
        Make32();
        Set32(offset, value);
        Assert.Equal(-22, Initialise());
        Assert.False(_domain.Processors[1].IsInitialised);
    }

    [Theory]
    [InlineData(Cs, 0, -22)]
    [InlineData(Cs, 0xC93, -22)]
    [InlineData(Cs, 0xC1B, -22)]
    [InlineData(Cs, 0xC8B, -22)]
    [InlineData(Cs, 0x1C9B, -22)]
    [InlineData(Cs, 0xC99, 0)]
    [InlineData(Cs, 0x09B, 0)]
    [InlineData(Cs, 0x29B, 0)]
    [InlineData(Cs, 0xCFB, -22)]
    [InlineData(Ss, 0, -22)]
    [InlineData(Ss, 0xC91, -22)]
    [InlineData(Ss, 0xC9B, -22)]
    [InlineData(Ss, 0xC97, 0)]
    [InlineData(Ss, 0xCF3, -22)]
    [InlineData(Ds, 0, 0)]
    [InlineData(Ds, 0xC91, 0)]
    [InlineData(Ds, 0xC9B, 0)]
    [InlineData(Ds, 0xC99, -22)]
    [InlineData(Ds, 0xC13, -22)]
    [InlineData(Ds, 0xCB3, -22)]
    [InlineData(Es, 0x4000, -22)]
    [InlineData(Es, 0, 0)]
    [InlineData(Es, 0xC83, -22)]
    [InlineData(Tr, 0, -22)]
    [InlineData(Tr, 0x89, 0)]
    [InlineData(Tr, 0x83, -22)]
    [InlineData(Tr, 0x0B, -22)]
    [InlineData(Tr, 0x9B, -22)]
    [InlineData(Tr, 0x82, -22)]
    public void Segments_must_be_what_a_load_would_take(int segment, int attributes, long expected)
    {
        Make32();
        SetAttributes(segment, (ushort)attributes);
        Assert.Equal(expected, Initialise());
    }

    [Theory]
    [InlineData(0xFFFFU, 0x09B, 0xFFFFU, 0)]
    [InlineData(0xFFFFU, 0x09B, 0x1_0000U, -22)]
    [InlineData(0xFU, 0xC9B, 0xFFFFU, 0)]
    [InlineData(0xFU, 0xC9B, 0x1_0000U, -22)]
    public void Code_begins_within_its_limit(uint limit, int attributes, uint eip, long expected)
    {
        Make32();
        Set32(8 + 84, limit);
        SetAttributes(Cs, (ushort)attributes);
        Set32(8 + 32, eip);
        Assert.Equal(expected, Initialise());
        if (expected == 0)
            Assert.Equal(limit, _domain.Processors[1].Vcpu.State->Segments[(int)SegmentName.Cs].Limit);
    }

    [Fact]
    public void Real_mode_is_a_32_bit_state_without_protection()
    {
        Make32();
        Set32(8 + 40, 0x10);
        Set32(8 + 64, 0x9_9000);
        SetAttributes(Cs, 0x9B);
        Assert.Equal(0, Initialise());
        Assert.Equal(0x10UL, _domain.Processors[1].Vcpu.State->Cr0);
        Assert.Equal(0x9_9000UL, _domain.Processors[1].Vcpu.State->Segments[(int)SegmentName.Cs].Base);
    }

    [Theory]
    [InlineData(64, 0x0000_8000_0000_0000UL)]
    [InlineData(80, 0x11UL)]
    [InlineData(96, 0UL)]
    [InlineData(104, 0UL)]
    [InlineData(104, 0x1100UL)]
    [InlineData(96, 0x2020UL)]
    public void Sixty_four_bit_state_needs_long_mode(int offset, ulong value)
    {
        Make64();
        Set64(8 + offset, value);
        Assert.Equal(-22, Initialise());
    }

    [Fact]
    public void Layout_is_the_same_for_64_bit_callers()
    {
        _domain.Use64BitCode();
        Make32();
        Assert.Equal(0, Initialise());
        Assert.Equal(0x1234UL, _domain.Processors[1].Vcpu.State->Rip);
    }

    private long Initialise()
    {
        _domain.Write(Buffer, _context);
        return _domain.Try(VcpuOp, 0, 1, Buffer);
    }

    private void Make32()
    {
        for (var i = 0; i < 8; i++)
            Set32(8 + (4 * i), 0x1000 + (uint)i);
        Set32(8 + 32, 0x1234);
        Set32(8 + 36, 2);
        Set32(8 + 40, 0x11);
        for (var segment = Cs; segment <= Tr; segment++)
        {
            Set32(8 + 64 + (4 * segment), 0x100);
            Set32(8 + 84 + (4 * segment), segment == Tr ? 0x67 : uint.MaxValue);
            SetAttributes(segment, (ushort)(segment switch { Cs => 0xC9A, Tr => 0x89, _ => 0xC92 }));
        }
    }

    private void Make64()
    {
        Set32(0, 1);
        for (var i = 0; i < 8; i++)
            Set64(8 + (8 * i), 0xFFFF_0000_0000_1000UL + (uint)i);
        Set64(8 + 64, 0xFFFF_8000_0000_1234);
        Set64(8 + 72, 2);
        Set64(8 + 80, 0x8000_0011);
        Set64(8 + 88, 0x5000);
        Set64(8 + 96, 0x20);
        Set64(8 + 104, 0x100);
    }

    private void Set32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_context.AsSpan(offset), value);

    private void Set64(int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(_context.AsSpan(offset), value);

    private void SetAttributes(int segment, ushort value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(_context.AsSpan(8 + 104 + (2 * segment)), value);
}
