using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Binds shifts: <c>op xmm, xmm/m128</c> and <c>op xmm, imm8</c>, and their MMX and VEX forms.</summary>
internal static unsafe class ShiftShape<TByOperand, TByImmediate>
    where TByOperand : IVectorOperation
    where TByImmediate : IVectorOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.Instruction.GetOpKind(operands.Instruction.OpCount - 1) == OpKind.Immediate8)
            ImmediateShape<TByImmediate>.Bind(ref operands);
        else
            PackedShape<TByOperand, Shared>.Bind(ref operands);
    }
}

/// <summary>Binds <c>op xmm, imm8</c>, <c>op mm, imm8</c> and <c>vop ymm, ymm, imm8</c>: one vector source and an immediate.</summary>
internal static unsafe class ImmediateShape<TOperation>
    where TOperation : IVectorOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        op->Immediate = i.Immediate8;
        op->Destination = operands.RegisterOf(0);
        op->Source = operands.RegisterOf(i.OpCount - 2);
        if (i.Op0Register.IsMM())
            op->Handler = &ShiftMmx;
        else if (!VectorOperands.IsVex(in i))
            Bind<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else if (VectorOperands.IsWide(in i))
            Bind<Vex256>(ref operands);
        else
            Bind<Vex128>(ref operands);
    }

    private static void Bind<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        operands.Op->Handler = &Shift<TEncoding>;
        if (operands.IsForCompiler)
            operands.Emission = new ImmediateEmission(typeof(TOperation), VectorForm.Of<TEncoding, Whole>());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Shift<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (TEncoding.IsOpen(s))
        {
            Compute<TEncoding>(s, op);
            Step.Next(vcpu, s, op);
        }
        else
        {
            Step.Other(vcpu, s, op, &ShiftSlow<TEncoding>);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ShiftSlow<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        Compute<TEncoding>(s, op);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compute<TEncoding>(CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var source = VectorRegister.Of(s, op->Source);
        var low = TOperation.Compute(source[0], default, (int)op->Immediate);
        if (TEncoding.IsWide)
            VectorRegister.Set(destination, low, TOperation.Compute(source[1], default, (int)op->Immediate));
        else
            VectorRegister.Set<TEncoding>(destination, low);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ShiftMmx(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Mmx(vcpu, s, op))
            return;
        var first = Vector128.CreateScalar(*VectorRegister.Mmx(s, op->Source));
        var result = TOperation.Compute(first.AsByte(), default, (int)op->Immediate);
        VectorRegister.EnterMmx(s);
        VectorRegister.SetMmx(s, op->Destination, result.AsUInt64().ToScalar());
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Binds comparisons with a predicate: legacy SSE has 8 of them, VEX 32.</summary>
internal static unsafe class CompareShape<TOperation, TSource>
    where TOperation : IFloatOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        FloatShape<TOperation, TSource>.Bind(ref operands);
        operands.Op->Immediate &= VectorOperands.IsVex(in operands.Instruction) ? 31 : 7;
    }
}
