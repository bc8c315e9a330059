using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>Sign extension within rAX (CBW, CWDE, CDQE) and into rDX (CWD, CDQ, CQO); SDM Vol. 2A.</summary>
internal static unsafe class SignConversion
{
    private const byte Accumulator = 0, Data = 16;

    /// <summary>Binds CBW, CWDE or CDQE.</summary>
    public static void BindWiden<TSource, T>(ref Operands operands)
        where TSource : unmanaged
        where T : unmanaged
    {
        if (operands.IsForCompiler)
            operands.Emission = new WidenEmission(sizeof(TSource), sizeof(T));
        operands.Op->Handler = &Widen<TSource, T>;
    }

    /// <summary>Binds CWD, CDQ or CQO.</summary>
    public static void BindSpread<T>(ref Operands operands) where T : unmanaged
    {
        if (operands.IsForCompiler)
            operands.Emission = new SpreadEmission(sizeof(T));
        operands.Op->Handler = &Spread<T>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TSource, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : unmanaged
        where T : unmanaged
    {
        Step.Set(s, Accumulator, Width.Truncate<T>(Width.SignExtend(Step.Get<TSource>(s, Accumulator))));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, Data, Width.Truncate<T>((ulong)((long)Width.SignExtend(Step.Get<T>(s, Accumulator)) >> 63)));
        Step.Next(vcpu, s, op);
    }
}
