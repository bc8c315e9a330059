using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>BSWAP (SDM Vol. 2A). Of a 16-bit register, which the SDM leaves undefined, it makes zero, as processors do.</summary>
public readonly struct Bswap : IUnaryOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Bits<T>() == 16 ? T.Zero : ByteOrder.Reverse(value);
}

/// <summary>Reversal of an operand's bytes.</summary>
internal static class ByteOrder
{
    /// <summary>The operand with its bytes in the opposite order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Reverse<T>(T value) where T : unmanaged =>
        Width.Truncate<T>(BinaryPrimitives.ReverseEndianness(Width.ZeroExtend(value)) >> Width.ShiftToTop<T>());
}

/// <summary>MOVBE (SDM Vol. 2B), load and store.</summary>
internal readonly unsafe struct MoveReversed : IWidthShape
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &Load<T, LongAddress>,
                AddressingKind.LongSegment => &Load<T, LongSegmentAddress>,
                AddressingKind.Flat => &Load<T, FlatAddress>,
                _ => &Load<T, SegmentedAddress>,
            };
            return;
        }
        op->Source = operands.RegisterOf(1);
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Store<T, LongAddress>,
            AddressingKind.LongSegment => &Store<T, LongSegmentAddress>,
            AddressingKind.Flat => &Store<T, FlatAddress>,
            _ => &Store<T, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        Step.Set(s, op->Destination, ByteOrder.Reverse(*source));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        if (!Operand.Write<TAddress, T>(vcpu, s, op, ByteOrder.Reverse(Step.Get<T>(s, op->Source))))
            return;
        Step.Next(vcpu, s, op);
    }
}
