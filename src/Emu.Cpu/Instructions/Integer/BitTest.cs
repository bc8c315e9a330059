using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>What BT and its kin do with the bit that they have copied to CF.</summary>
public interface IBitOperation
{
    /// <summary>False for BT.</summary>
    static abstract bool WritesDestination { get; }

    /// <summary>The new value.</summary>
    static abstract ulong Compute(ulong value, ulong bit);
}

/// <summary>BT (SDM Vol. 2A).</summary>
public readonly struct Bt : IBitOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong value, ulong bit) => value;
}

/// <summary>BTS (SDM Vol. 2A).</summary>
public readonly struct Bts : IBitOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong value, ulong bit) => value | bit;
}

/// <summary>BTR (SDM Vol. 2A).</summary>
public readonly struct Btr : IBitOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong value, ulong bit) => value & ~bit;
}

/// <summary>BTC (SDM Vol. 2A).</summary>
public readonly struct Btc : IBitOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong value, ulong bit) => value ^ bit;
}

/// <summary>Binds BT, BTS, BTR and BTC. Only CF changes.</summary>
/// <remarks>A bit offset in a register reaches ±2^(width−1) bits around a memory operand; an immediate stays within it.</remarks>
internal readonly unsafe struct BitTest<TOperation> : IWidthShape
    where TOperation : IBitOperation
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        var byRegister = operands.IsRegister(1);
        if (operands.IsForCompiler)
            operands.Emission = new BitTestEmission(BinaryEmission.Method(typeof(BitTest<TOperation>), sizeof(T)), sizeof(T), TOperation.WritesDestination);
        if (byRegister)
            op->Source = operands.RegisterOf(1);
        else
            op->Immediate = (long)operands.Instruction.GetImmediate(1) & (Width.Bits<T>() - 1);
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = byRegister ? &RegisterByRegister<T> : &RegisterByImmediate<T>;
        }
        else if (byRegister)
        {
            op->Handler = &MemoryByRegister<T>;
        }
        else
        {
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &MemoryByImmediate<T, LongAddress>,
                AddressingKind.LongSegment => &MemoryByImmediate<T, LongSegmentAddress>,
                AddressingKind.Flat => &MemoryByImmediate<T, FlatAddress>,
                _ => &MemoryByImmediate<T, SegmentedAddress>,
            };
        }
    }

    /// <summary>The new value; CF becomes what the bit was.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int offset, ref ArithmeticFlags flags) where T : unmanaged
    {
        var wide = Width.ZeroExtend(value);
        flags.SetCarry(((wide >> offset) & 1) != 0);
        return Width.Truncate<T>(TOperation.Compute(wide, 1UL << offset));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int OffsetWithin<T>(CpuState* s, Op* op) where T : unmanaged =>
        (int)Width.ZeroExtend(Step.Get<T>(s, op->Source)) & (Width.Bits<T>() - 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterByRegister<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        var result = Compute(Step.Get<T>(s, op->Destination), OffsetWithin<T>(s, op), ref s->Flags);
        if (TOperation.WritesDestination)
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterByImmediate<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        var result = Compute(Step.Get<T>(s, op->Destination), (int)op->Immediate, ref s->Flags);
        if (TOperation.WritesDestination)
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryByRegister<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        // Whole operands between the one addressed and the one that holds the bit.
        var offset = (long)Width.SignExtend(Step.Get<T>(s, op->Source));
        var distance = (ulong)((offset >> BitOperations.Log2((uint)Width.Bits<T>())) * sizeof(T));
        var linear = DistantAddress.Linear(vcpu, s, op, distance, sizeof(T), TOperation.WritesDestination);
        var place = TOperation.WritesDestination ? Operand.ModifyAt<T>(vcpu, s, op, linear) : Operand.ReadAt<T>(vcpu, s, op, linear);
        if (place == null)
            return;
        var result = Compute(*place, OffsetWithin<T>(s, op), ref s->Flags);
        if (TOperation.WritesDestination)
        {
            *place = result;
            Operand.Commit(vcpu, s, place);
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryByImmediate<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var place = TOperation.WritesDestination ? Operand.Modify<TAddress, T>(vcpu, s, op) : Operand.Read<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var result = Compute(*place, (int)op->Immediate, ref s->Flags);
        if (TOperation.WritesDestination)
        {
            *place = result;
            Operand.Commit(vcpu, s, place);
        }
        Step.Next(vcpu, s, op);
    }
}
