using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>Binds shifts and rotates of a register or memory by 1, an immediate or CL.</summary>
internal readonly unsafe struct ShiftShape<TOperation> : IWidthShape
    where TOperation : IShiftOperation
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ShiftEmission(typeof(TOperation), sizeof(T), TOperation.Flags);
        var byCl = operands.IsRegister(1);
        if (!byCl)
            op->Immediate = (long)operands.Instruction.GetImmediate(1) & ShiftCount.Mask<T>();
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = byCl ? &RegisterByCl<T> : op->Immediate == 0 ? &ShiftCount.WriteBack<T> : &RegisterByImmediate<T>;
        }
        else if (byCl)
        {
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &MemoryByCl<T, LongAddress>,
                AddressingKind.LongSegment => &MemoryByCl<T, LongSegmentAddress>,
                AddressingKind.Flat => &MemoryByCl<T, FlatAddress>,
                _ => &MemoryByCl<T, SegmentedAddress>,
            };
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterByImmediate<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Step.Set(s, op->Destination, TOperation.Compute(Step.Get<T>(s, op->Destination), (int)op->Immediate, ref s->Flags));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterByCl<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Step.Get<T>(s, op->Destination);
        var count = ShiftCount.Cl<T>(s);
        if (count != 0)
            value = TOperation.Compute(value, count, ref s->Flags);
        Step.Set(s, op->Destination, value);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryByImmediate<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var place = Operand.Modify<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        if (op->Immediate != 0)
            *place = TOperation.Compute(*place, (int)op->Immediate, ref s->Flags);
        Operand.Commit(vcpu, s, place);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryByCl<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var place = Operand.Modify<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var count = ShiftCount.Cl<T>(s);
        if (count != 0)
            *place = TOperation.Compute(*place, count, ref s->Flags);
        Operand.Commit(vcpu, s, place);
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Counts of shifts: five bits, or six for 64-bit operands.</summary>
internal static unsafe class ShiftCount
{
    /// <summary>The bits of a count that matter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Mask<T>() where T : unmanaged => sizeof(T) == 8 ? 63 : 31;

    /// <summary>The count in CL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Cl<T>(CpuState* s) where T : unmanaged => (int)s->Registers[1] & Mask<T>();

    /// <summary>A register shifted by zero: only a 32-bit destination changes, in its upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteBack<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Step.Get<T>(s, op->Destination));
        Step.Next(vcpu, s, op);
    }
}
