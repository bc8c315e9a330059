using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>How string instructions use rSI, rDI and rCX. A type argument of handlers, like <see cref="IAddressing"/>.</summary>
public unsafe interface IStringAddressing
{
    /// <summary>True where linear addresses are known without segment checks, so that whole pages can be worked on at once.</summary>
    static abstract bool IsLinear { get; }

    /// <summary>The linear address of the element at rSI, in DS or the segment of a prefix.</summary>
    static abstract ulong Source(Vcpu vcpu, CpuState* s, Op* op, int size);

    /// <summary>The linear address of the element at rDI, in ES.</summary>
    static abstract ulong Destination(Vcpu vcpu, CpuState* s, Op* op, int size, bool write);

    /// <summary>A register at the address size.</summary>
    static abstract ulong Get(CpuState* s, Op* op, byte register);

    /// <summary>Adds to a register at the address size.</summary>
    static abstract void Add(CpuState* s, Op* op, byte register, ulong value);
}

/// <summary>64-bit code and addresses.</summary>
public readonly unsafe struct LongStrings : IStringAddressing
{
    /// <inheritdoc/>
    public static bool IsLinear => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Source(Vcpu vcpu, CpuState* s, Op* op, int size)
    {
        var offset = s->Registers[6];
        return op->Segment >= (byte)SegmentName.Fs ? offset + s->Segments[op->Segment].Base : offset;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Destination(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) => s->Registers[7];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Get(CpuState* s, Op* op, byte register) => Step.Get<ulong>(s, register);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(CpuState* s, Op* op, byte register, ulong value) => Step.Set(s, register, Step.Get<ulong>(s, register) + value);
}

/// <summary>32-bit code and addresses in flat segments.</summary>
public readonly unsafe struct FlatStrings : IStringAddressing
{
    /// <inheritdoc/>
    public static bool IsLinear => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Source(Vcpu vcpu, CpuState* s, Op* op, int size) => (uint)s->Registers[6];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Destination(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) => (uint)s->Registers[7];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Get(CpuState* s, Op* op, byte register) => Step.Get<uint>(s, register);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(CpuState* s, Op* op, byte register, ulong value) => Step.Set(s, register, Step.Get<uint>(s, register) + (uint)value);
}

/// <summary>Everything else: segments with bases and limits, 16-bit addresses, address-size prefixes.</summary>
public readonly unsafe struct SegmentedStrings : IStringAddressing
{
    private const byte Rsi = 6 * 8, Rdi = 7 * 8;

    /// <inheritdoc/>
    public static bool IsLinear => false;

    /// <inheritdoc/>
    public static ulong Source(Vcpu vcpu, CpuState* s, Op* op, int size) =>
        vcpu.Segment(op, (SegmentName)op->Segment, Get(s, op, Rsi), size, false);

    /// <inheritdoc/>
    public static ulong Destination(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        vcpu.Segment(op, SegmentName.Es, Get(s, op, Rdi), size, write);

    /// <inheritdoc/>
    public static ulong Get(CpuState* s, Op* op, byte register) => Step.Get<ulong>(s, register) & op->AddressMask;

    /// <inheritdoc/>
    public static void Add(CpuState* s, Op* op, byte register, ulong value)
    {
        switch (op->AddressSize)
        {
            case 2:
                Step.Set(s, register, (ushort)(Step.Get<ushort>(s, register) + (uint)value));
                break;
            case 4:
                Step.Set(s, register, Step.Get<uint>(s, register) + (uint)value);
                break;
            default:
                Step.Set(s, register, Step.Get<ulong>(s, register) + value);
                break;
        }
    }
}
