using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>CMPXCHG (SDM Vol. 2A). The destination is written in either case, so that a read-only page always faults.</summary>
internal readonly unsafe struct CompareExchange : IWidthShape
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new CompareExchangeEmission(sizeof(T));
        op->Source = operands.RegisterOf(1);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        var destination = Step.Get<T>(s, op->Destination);
        Cmp.Compute(Step.Get<T>(s, 0), destination, ref s->Flags);
        if (s->Flags.Zero)
            Step.Set(s, op->Destination, Step.Get<T>(s, op->Source));
        else
            Step.Set(s, 0, destination);
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
        var destination = *place;
        Cmp.Compute(Step.Get<T>(s, 0), destination, ref s->Flags);
        if (s->Flags.Zero)
            *place = Step.Get<T>(s, op->Source);
        else
            Step.Set(s, 0, destination);
        Operand.Commit(vcpu, s, place);
        Step.Next(vcpu, s, op);
    }
}
