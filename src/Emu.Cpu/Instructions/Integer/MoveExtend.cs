using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>How a narrow operand becomes a wide one.</summary>
public interface IExtension
{
    /// <summary>The value in 64 bits.</summary>
    static abstract ulong Extend<T>(T value) where T : unmanaged;
}

/// <summary>MOVZX (SDM Vol. 2B).</summary>
public readonly struct ZeroExtension : IExtension
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extend<T>(T value) where T : unmanaged => Width.ZeroExtend(value);
}

/// <summary>MOVSX and MOVSXD (SDM Vol. 2B).</summary>
public readonly struct SignExtension : IExtension
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Extend<T>(T value) where T : unmanaged => Width.SignExtend(value);
}

/// <summary>Binds MOVZX, MOVSX and MOVSXD.</summary>
internal readonly unsafe struct MoveExtend<TExtension> : IWidthShape
    where TExtension : IExtension
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        operands.Op->Destination = operands.RegisterOf(0);
        switch (operands.SizeOf(1))
        {
            case 1:
                BindFrom<byte, T>(ref operands);
                break;
            case 2:
                BindFrom<ushort, T>(ref operands);
                break;
            default:
                BindFrom<uint, T>(ref operands);
                break;
        }
    }

    private static void BindFrom<TSource, T>(ref Operands operands)
        where TSource : unmanaged
        where T : unmanaged
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ExtendEmission(typeof(TExtension) == typeof(SignExtension), sizeof(TSource), sizeof(T));
        if (operands.IsRegister(1))
        {
            op->Source = operands.RegisterOf(1);
            op->Handler = &Register<TSource, T>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<TSource, T, LongAddress>,
            AddressingKind.LongSegment => &Memory<TSource, T, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<TSource, T, FlatAddress>,
            _ => &MemorySlowly<TSource, T, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TSource, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : unmanaged
        where T : unmanaged
    {
        Step.Set(s, op->Destination, Width.Truncate<T>(TExtension.Extend(Step.Get<TSource>(s, op->Source))));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TSource, T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : unmanaged
        where T : unmanaged
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(TSource), false);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsReadable(entry, linear, sizeof(TSource), false))
        {
            Operand.Miss(vcpu, s, op, linear, sizeof(TSource), &MemorySlowly<TSource, T, TAddress>);
            return;
        }
        Step.Set(s, op->Destination, Width.Truncate<T>(TExtension.Extend(*(TSource*)Operand.Place(entry, linear))));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemorySlowly<TSource, T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : unmanaged
        where T : unmanaged
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, TSource>(vcpu, s, op);
        if (source == null)
            return;
        Step.Set(s, op->Destination, Width.Truncate<T>(TExtension.Extend(*source)));
        Step.Next(vcpu, s, op);
    }
}
