using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>CRC32 (SDM Vol. 2A): accumulates the Castagnoli polynomial; the result is 32 bits wide, zero-extended, whatever the form.</summary>
internal static unsafe class Crc32
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        switch (operands.SizeOf(1))
        {
            case 1:
                Bind<byte>(ref operands);
                break;
            case 2:
                Bind<ushort>(ref operands);
                break;
            case 4:
                Bind<uint>(ref operands);
                break;
            default:
                Bind<ulong>(ref operands);
                break;
        }
    }

    private static void Bind<T>(ref Operands operands) where T : unmanaged
    {
        var op = operands.Op;
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Accumulate<T>(uint crc, T data) where T : unmanaged => sizeof(T) switch
    {
        1 => BitOperations.Crc32C(crc, (byte)Width.ZeroExtend(data)),
        2 => BitOperations.Crc32C(crc, (ushort)Width.ZeroExtend(data)),
        4 => BitOperations.Crc32C(crc, (uint)Width.ZeroExtend(data)),
        _ => BitOperations.Crc32C(crc, Width.ZeroExtend(data)),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Accumulate(Step.Get<uint>(s, op->Destination), Step.Get<T>(s, op->Source)));
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
        Step.Set(s, op->Destination, Accumulate(Step.Get<uint>(s, op->Destination), *source));
        Step.Next(vcpu, s, op);
    }
}
