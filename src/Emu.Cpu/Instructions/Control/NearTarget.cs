using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>Where a near branch leads. A type argument of handlers.</summary>
public unsafe interface INearTarget
{
    /// <summary>The target of a relative branch.</summary>
    static abstract ulong Of(CpuState* s, Op* op);

    /// <summary>The address of the following instruction.</summary>
    static abstract ulong After(CpuState* s, Op* op);

    /// <summary>Checks a target against the code segment's limit or canonicality; false after #GP(0), with nothing changed.</summary>
    static abstract bool Allows(Vcpu vcpu, CpuState* s, Op* op, ulong target);

    /// <summary>True where <see cref="Allows"/> is known to say yes; it is asked where not.</summary>
    static abstract bool SurelyAllows(CpuState* s, ulong target);
}

/// <summary>64-bit code.</summary>
public readonly unsafe struct LongTarget : INearTarget
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(CpuState* s, Op* op) => s->Rip + (ulong)op->Displacement;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong After(CpuState* s, Op* op) => Step.RipAfter(s, op);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Allows(Vcpu vcpu, CpuState* s, Op* op, ulong target) =>
        SurelyAllows(s, target) || vcpu.AllowsTarget(op, target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SurelyAllows(CpuState* s, ulong target) => (ulong)((long)(target << 16) >> 16) == target;
}

/// <summary>64-bit code with an operand size of 16 bits, which AMD's processors take for near branches (APM Vol. 3): RIP has 16 bits then.</summary>
public readonly unsafe struct LongWordTarget : INearTarget
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(CpuState* s, Op* op) => (ushort)(s->Rip + (ulong)op->Displacement);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong After(CpuState* s, Op* op) => Step.RipAfter(s, op);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Allows(Vcpu vcpu, CpuState* s, Op* op, ulong target) => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SurelyAllows(CpuState* s, ulong target) => true;
}

/// <summary>16- and 32-bit code.</summary>
public readonly unsafe struct LegacyTarget : INearTarget
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(CpuState* s, Op* op) => (s->Rip + (ulong)op->Displacement) & (op->Source == 2 ? 0xFFFFUL : 0xFFFF_FFFF);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong After(CpuState* s, Op* op) => (uint)Step.RipAfter(s, op);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Allows(Vcpu vcpu, CpuState* s, Op* op, ulong target) =>
        SurelyAllows(s, target) || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SurelyAllows(CpuState* s, ulong target) => target <= s->Segments[(int)SegmentName.Cs].Limit;
}

/// <summary>Takes the target of a relative near branch into its op.</summary>
internal static unsafe class NearTarget
{
    /// <summary>Fills <see cref="Op.Displacement"/>, the operand size (in <see cref="Op.Source"/>, bytes) and the empty link.</summary>
    public static void Take(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        (op->Displacement, op->Source) = i.Op0Kind switch
        {
            OpKind.NearBranch16 => ((short)i.NearBranch16, (byte)2),
            OpKind.NearBranch32 => ((int)i.NearBranch32, (byte)4),
            _ => ((int)i.NearBranch64, (byte)8),
        };
        op->Scale = operands.IsInPage(op->Displacement) ? Execution.Op.Linkable : (byte)0;
        op->Immediate = operands.Unlinked;
        operands.EndsBlock = true;
    }
}
