using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>A shift that takes its new bits from a second operand: the semantics that every engine uses.</summary>
/// <remarks>
/// Where the SDM leaves the result undefined (16-bit operands, counts above 16), the source's bits come round again, as they do on AMD's
/// processors; OF is that of the last one-bit step.
/// </remarks>
public interface IDoubleShiftOperation
{
    /// <summary>The result and its flags. The count has been masked and is not zero.</summary>
    static abstract T Compute<T>(T destination, T source, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>SHLD (SDM Vol. 2B).</summary>
public readonly struct Shld : IDoubleShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var into = Width.ZeroExtend(destination);
        var from = Width.ZeroExtend(source);
        ulong shifted, carry;
        if (bits == 16)
        {
            var moved = ((into << 32) | (from << 16) | from) << count;
            shifted = moved >> 32;
            carry = (moved >> 48) & 1;
        }
        else
        {
            shifted = (into << count) | (from >> (bits - count));
            carry = (into >> (bits - count)) & 1;
        }
        var result = Width.Truncate<T>(shifted);
        flags.SetResult(result, carry, carry ^ (Width.SignExtend(result) >> 63));
        return result;
    }
}

/// <summary>SHRD (SDM Vol. 2B).</summary>
public readonly struct Shrd : IDoubleShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var into = Width.ZeroExtend(destination);
        var from = Width.ZeroExtend(source);
        ulong shifted, carry;
        if (bits == 16)
        {
            var moved = ((from << 32) | (from << 16) | into) >> (count - 1);
            shifted = moved >> 1;
            carry = moved & 1;
        }
        else
        {
            shifted = (into >> count) | (from << (bits - count));
            carry = (into >> (count - 1)) & 1;
        }
        var result = Width.Truncate<T>(shifted);
        var top = Width.ZeroExtend(result) >> (bits - 2);
        flags.SetResult(result, carry, (top ^ (top >> 1)) & 1);
        return result;
    }
}

/// <summary>Binds SHLD and SHRD: <c>op r/m, r, imm8</c> and <c>op r/m, r, cl</c>.</summary>
internal readonly unsafe struct DoubleShiftShape<TOperation> : IWidthShape
    where TOperation : IDoubleShiftOperation
{
    // In Op.Immediate: the count is in CL.
    private const long ByCl = -1;

    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new DoubleShiftEmission(typeof(TOperation), sizeof(T));
        op->Source = operands.RegisterOf(1);
        op->Immediate = operands.IsRegister(2) ? ByCl : (long)operands.Instruction.GetImmediate(2) & ShiftCount.Mask<T>();
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = &Register<T>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<T, LongAddress>,
            AddressingKind.LongSegment => &Memory<T, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<T, FlatAddress>,
            _ => &Memory<T, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Count<T>(CpuState* s, Op* op) where T : unmanaged =>
        op->Immediate == ByCl ? ShiftCount.Cl<T>(s) : (int)op->Immediate;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Step.Get<T>(s, op->Destination);
        var count = Count<T>(s, op);
        if (count != 0)
            value = TOperation.Compute(value, Step.Get<T>(s, op->Source), count, ref s->Flags);
        Step.Set(s, op->Destination, value);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var place = Operand.Modify<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var count = Count<T>(s, op);
        if (count != 0)
            *place = TOperation.Compute(*place, Step.Get<T>(s, op->Source), count, ref s->Flags);
        Operand.Commit(vcpu, s, place);
        Step.Next(vcpu, s, op);
    }
}
