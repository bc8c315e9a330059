using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Control;

/// <summary>Jcc (SDM Vol. 2A).</summary>
internal static unsafe class ConditionalJump<TCondition>
    where TCondition : ICondition
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        NearTarget.Take(ref operands);
        var inPage = operands.Op->Scale == Op.Linkable;
        if (operands.IsForCompiler && operands.Op->Source != 2)
            operands.Emission = new JumpEmission(typeof(TCondition), Control.Jump.RelativeHandler(in operands));
        operands.Op->Handler = operands.Is64
            ? operands.Op->Source == 2 ? &Jump<LongWordTarget, AcrossPages>
                : inPage ? &Jump<LongTarget, InPage> : &Jump<LongTarget, AcrossPages>
            : inPage ? &Jump<LegacyTarget, InPage> : &Jump<LegacyTarget, AcrossPages>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Jump<TTarget, TLink>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : INearTarget
        where TLink : ILink
    {
        if (TCondition.Holds(ref s->Flags))
        {
            var target = TTarget.Of(s, op);
            if (!TTarget.SurelyAllows(s, target))
            {
                Control.Jump.RelativeSlowly<TTarget, TLink>(vcpu, s, op);
                return;
            }
            TLink.Go(vcpu, s, op, target);
        }
        else
        {
            Chain.Direct(vcpu, s, op + 1, TTarget.After(s, op));
        }
    }
}
