using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>SETcc (SDM Vol. 2B).</summary>
internal static unsafe class ConditionalSet<TCondition>
    where TCondition : ICondition
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ConditionalSetEmission(typeof(TCondition));
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = &Register;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<LongAddress>,
            AddressingKind.LongSegment => &Memory<LongSegmentAddress>,
            AddressingKind.Flat => &Memory<FlatAddress>,
            _ => &Memory<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register(Vcpu vcpu, CpuState* s, Op* op)
    {
        Step.Set(s, op->Destination, TCondition.Holds(ref s->Flags) ? (byte)1 : (byte)0);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Operand.Write<TAddress, byte>(vcpu, s, op, TCondition.Holds(ref s->Flags) ? (byte)1 : (byte)0))
            return;
        Step.Next(vcpu, s, op);
    }
}
