using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>What LOOP and its kin ask besides the count.</summary>
public interface ILoopCondition
{
    /// <summary>False for JCXZ, which only looks at the count.</summary>
    static abstract bool Counts { get; }

    /// <summary>Whether to jump, given the count after it was decremented (if it is).</summary>
    static abstract bool Jumps(ulong count, ref ArithmeticFlags flags);
}

/// <summary>LOOP (SDM Vol. 2A).</summary>
public readonly struct WhileCount : ILoopCondition
{
    /// <inheritdoc/>
    public static bool Counts => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Jumps(ulong count, ref ArithmeticFlags flags) => count != 0;
}

/// <summary>LOOPE (SDM Vol. 2A).</summary>
public readonly struct WhileCountAndEqual : ILoopCondition
{
    /// <inheritdoc/>
    public static bool Counts => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Jumps(ulong count, ref ArithmeticFlags flags) => count != 0 && flags.Zero;
}

/// <summary>LOOPNE (SDM Vol. 2A).</summary>
public readonly struct WhileCountAndNotEqual : ILoopCondition
{
    /// <inheritdoc/>
    public static bool Counts => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Jumps(ulong count, ref ArithmeticFlags flags) => count != 0 && !flags.Zero;
}

/// <summary>JCXZ, JECXZ, JRCXZ (SDM Vol. 2A, "Jcc").</summary>
public readonly struct IfNoCount : ILoopCondition
{
    /// <inheritdoc/>
    public static bool Counts => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Jumps(ulong count, ref ArithmeticFlags flags) => count == 0;
}

/// <summary>Binds LOOP, LOOPE, LOOPNE and JCXZ: the address size says how much of RCX counts.</summary>
internal static unsafe class Loop<TCondition>
    where TCondition : ILoopCondition
{
    private const byte Rcx = 8;

    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        NearTarget.Take(ref operands);
        switch (operands.Instruction.Code)
        {
            case Code.Loop_rel8_16_CX or Code.Loop_rel8_32_CX or Code.Loope_rel8_16_CX or Code.Loope_rel8_32_CX
                or Code.Loopne_rel8_16_CX or Code.Loopne_rel8_32_CX or Code.Jcxz_rel8_16 or Code.Jcxz_rel8_32:
                Bind<ushort>(ref operands);
                break;
            case Code.Loop_rel8_16_RCX or Code.Loop_rel8_64_RCX or Code.Loope_rel8_16_RCX or Code.Loope_rel8_64_RCX
                or Code.Loopne_rel8_16_RCX or Code.Loopne_rel8_64_RCX or Code.Jrcxz_rel8_16 or Code.Jrcxz_rel8_64:
                Bind<ulong>(ref operands);
                break;
            default:
                Bind<uint>(ref operands);
                break;
        }
    }

    private static void Bind<T>(ref Operands operands) where T : unmanaged
    {
        var inPage = operands.Op->Scale == Op.Linkable;
        operands.Op->Handler = operands.Is64
            ? operands.Op->Source == 2 ? &Execute<T, LongWordTarget, AcrossPages>
                : inPage ? &Execute<T, LongTarget, InPage> : &Execute<T, LongTarget, AcrossPages>
            : inPage ? &Execute<T, LegacyTarget, InPage> : &Execute<T, LegacyTarget, AcrossPages>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute<T, TTarget, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TLink : ILink
    {
        var count = Width.Truncate<T>(Width.ZeroExtend(Step.Get<T>(s, Rcx)) - (TCondition.Counts ? 1UL : 0));
        if (TCondition.Jumps(Width.ZeroExtend(count), ref s->Flags))
        {
            var target = TTarget.Of(s, op);
            if (!TTarget.Allows(vcpu, s, op, target))
                return;
            if (TCondition.Counts)
                Step.Set(s, Rcx, count);
            TLink.Go(vcpu, s, op, target);
        }
        else
        {
            if (TCondition.Counts)
                Step.Set(s, Rcx, count);
            Chain.Direct(vcpu, s, op + 1, TTarget.After(s, op));
        }
    }
}
