using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>An operation with three vector sources.</summary>
/// <remarks>The third is XMM0 in legacy SSE; in VEX it is encoded in an immediate, or, where there are but three operands, the destination.</remarks>
internal interface IThreeSourceOperation
{
    /// <summary>The result.</summary>
    static abstract Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c);
}

/// <summary>PBLENDVB, BLENDVPS, BLENDVPD (SDM Vol. 2): the sign of each of c's elements chooses.</summary>
internal readonly struct BlendVariable<T> : IThreeSourceOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c) =>
        Vector128.ConditionalSelect(Vector128.LessThan(c.As<byte, T>(), Vector128<T>.Zero).AsByte(), b, a);
}

/// <summary>Binds <c>op xmm, xmm/m128, &lt;XMM0&gt;</c>, <c>vop ymm, ymm, ymm/m256, ymm</c> and <c>vop ymm, ymm, ymm/m256</c>.</summary>
internal static unsafe class ThirdOperandShape<TOperation, TSource>
    where TOperation : IThreeSourceOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (!VectorOperands.IsVex(in i))
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
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        var second = TEncoding.IsVex ? 2 : 1;
        op->Destination = operands.RegisterOf(0);
        op->Source = operands.RegisterOf(second - 1);
        op->Immediate = TEncoding.IsVex ? operands.RegisterOf(i.OpCount == 4 ? 3 : 0) : 0;
        if (operands.IsForCompiler)
            operands.Emission = new ThreeSourceEmission(typeof(TOperation), VectorForm.Of<TEncoding, TSource>());
        if (i.GetOpKind(second) != OpKind.Memory)
        {
            op->Base = operands.RegisterOf(second);
            op->Handler = &FromRegister<TEncoding>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<TEncoding, LongAddress>,
            AddressingKind.LongSegment => &FromMemory<TEncoding, LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<TEncoding, FlatAddress>,
            _ => &FromMemory<TEncoding, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        Compute<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, TEncoding>(vcpu, s, op);
        if (source == null)
            return;
        Compute<TEncoding>(s, op, source);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Compute<TEncoding>(CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var first = VectorRegister.Of(s, op->Source);
        var third = VectorRegister.Of(s, (byte)op->Immediate);
        var low = TOperation.Compute(first[0], TSource.Load(source), third[0]);
        if (TEncoding.IsWide)
            destination[1] = TOperation.Compute(first[1], TSource.Load(source + TSource.Stride), third[1]);
        else if (TEncoding.IsVex)
            destination[1] = default;
        destination[0] = low;
    }
}
