using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>MULX (SDM Vol. 2B): rDX × r/m to two registers, the high half to the first; no flags.</summary>
internal readonly unsafe struct MultiplyWithoutFlags : IWidthShape
{
    private const byte Data = 16;

    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        op->Destination = operands.RegisterOf(0);
        op->Source = operands.RegisterOf(1);
        if (operands.IsRegister(2))
        {
            op->Base = operands.RegisterOf(2);
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
    private static void Compute<T>(CpuState* s, Op* op, T factor) where T : unmanaged
    {
        var other = Step.Get<T>(s, Data);
        // In this order: where both are one register, it receives the high half.
        Step.Set(s, op->Source, UnsignedProduct.Low(other, factor));
        Step.Set(s, op->Destination, UnsignedProduct.High(other, factor));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Compute(s, op, Step.Get<T>(s, op->Base));
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
        Compute(s, op, *source);
        Step.Next(vcpu, s, op);
    }
}
