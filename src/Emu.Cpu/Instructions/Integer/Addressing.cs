using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>64-bit code, segment base zero, no index: what most loads and stores use.</summary>
internal readonly unsafe struct LongBaseAddress : IAddressing
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        Step.Get<ulong>(s, op->Base) + (ulong)op->Displacement;
}

/// <summary>A 64-bit address in the instruction itself, kept in <see cref="Op.Immediate"/> because no displacement holds it (MOV moffs).</summary>
internal readonly unsafe struct AbsoluteAddress : IAddressing
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        vcpu.Segment(op, (SegmentName)op->Segment, (ulong)op->Immediate, size, write);
}

/// <summary>
/// Addresses away from the memory operand: by a register (bit strings, XLATB), or those of a further element of an operand of several, such as
/// the selector of a far pointer. Its offset is taken modulo the address size, and checked, by itself: so does silicon, which reads a far
/// pointer at 0xFFFE with its selector at 0.
/// </summary>
internal static unsafe class DistantAddress
{
    /// <summary>The linear address <paramref name="distance"/> bytes from the memory operand, in any mode.</summary>
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, ulong distance, int size, bool write) =>
        vcpu.Segment(op, (SegmentName)op->Segment, (LongAddress.Linear(vcpu, s, op, size, write) + distance) & op->AddressMask, size, write);
}
