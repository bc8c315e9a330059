using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>CMOVcc (SDM Vol. 2A): memory is read and a 32-bit destination's upper half cleared whatever the condition.</summary>
internal readonly unsafe struct ConditionalMove<TCondition> : IWidthShape
    where TCondition : ICondition
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ConditionalMoveEmission(typeof(TCondition), sizeof(T));
        op->Destination = operands.RegisterOf(0);
        if (operands.IsRegister(1))
        {
            op->Source = operands.RegisterOf(1);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Step.Get<T>(s, TCondition.Holds(ref s->Flags) ? op->Source : op->Destination));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        Step.Set(s, op->Destination, TCondition.Holds(ref s->Flags) ? *source : Step.Get<T>(s, op->Destination));
        Step.Next(vcpu, s, op);
    }
}
