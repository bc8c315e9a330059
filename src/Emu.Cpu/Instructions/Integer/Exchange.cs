using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>What a read-modify-write that also returns something does with its two operands.</summary>
public interface IExchangeOperation
{
    /// <summary>What becomes of the flags.</summary>
    static abstract FlagUse Flags { get; }

    /// <summary>The new destination; the source register receives the old one.</summary>
    static abstract T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>XCHG (SDM Vol. 2D).</summary>
public readonly struct Xchg : IExchangeOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Ignores;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        source;
}

/// <summary>XADD (SDM Vol. 2D).</summary>
public readonly struct Xadd : IExchangeOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Add.Compute(destination, source, ref flags);
}

/// <summary>Binds XCHG and XADD.</summary>
internal readonly unsafe struct ExchangeShape<TOperation> : IWidthShape
    where TOperation : IExchangeOperation
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ExchangeEmission(typeof(TOperation), sizeof(T), TOperation.Flags);
        // XCHG's operands may come in either order.
        var other = operands.IsRegister(1) ? 1 : 0;
        op->Source = operands.RegisterOf(other);
        if (operands.IsRegister(1 - other))
        {
            op->Destination = operands.RegisterOf(1 - other);
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
        var result = TOperation.Compute(destination, Step.Get<T>(s, op->Source), ref s->Flags);
        // In this order: where both are one register, the result stays.
        Step.Set(s, op->Source, destination);
        Step.Set(s, op->Destination, result);
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
        *place = TOperation.Compute(destination, Step.Get<T>(s, op->Source), ref s->Flags);
        Operand.Commit(vcpu, s, place);
        Step.Set(s, op->Source, destination);
        Step.Next(vcpu, s, op);
    }
}
