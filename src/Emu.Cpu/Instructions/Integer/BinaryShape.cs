using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>Binds instructions of the form <c>op r/m, r</c>, <c>op r, r/m</c> and <c>op r/m, imm</c>.</summary>
internal readonly unsafe struct BinaryShape<TOperation> : IWidthShape
    where TOperation : IBinaryOperation
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new BinaryEmission(typeof(TOperation), sizeof(T), TOperation.WritesDestination, TOperation.Flags, TOperation.Host);
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            if (operands.IsRegister(1))
            {
                op->Source = operands.RegisterOf(1);
                op->Handler = &RegisterRegister<T>;
            }
            else if (operands.HasMemory)
            {
                op->Handler = operands.Addressing switch
                {
                    AddressingKind.Long => &RegisterMemory<T, LongAddress>,
                    AddressingKind.LongSegment => &RegisterMemory<T, LongSegmentAddress>,
                    AddressingKind.Flat => &RegisterMemory<T, FlatAddress>,
                    _ => &RegisterMemorySlowly<T, SegmentedAddress>,
                };
            }
            else
            {
                op->Immediate = (long)operands.Instruction.GetImmediate(1);
                op->Handler = &RegisterImmediate<T>;
            }
        }
        else if (operands.IsRegister(1))
        {
            op->Source = operands.RegisterOf(1);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &MemoryRegister<T, LongAddress>,
                AddressingKind.LongSegment => &MemoryRegister<T, LongSegmentAddress>,
                AddressingKind.Flat => &MemoryRegister<T, FlatAddress>,
                _ => &MemoryRegisterSlowly<T, SegmentedAddress>,
            };
        }
        else
        {
            op->Immediate = (long)operands.Instruction.GetImmediate(1);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &MemoryImmediate<T, LongAddress>,
                AddressingKind.LongSegment => &MemoryImmediate<T, LongSegmentAddress>,
                AddressingKind.Flat => &MemoryImmediate<T, FlatAddress>,
                _ => &MemoryImmediateSlowly<T, SegmentedAddress>,
            };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterRegister<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        var source = Step.Get<T>(s, op->Source);
        var result = TOperation.Compute(Step.Get<T>(s, op->Destination), source, ref s->Flags);
        if (TOperation.WritesDestination && !TOperation.Leaves(source))
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterImmediate<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = TOperation.Compute(Step.Get<T>(s, op->Destination), Step.Immediate<T>(op), ref s->Flags);
        if (TOperation.WritesDestination)
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterMemory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), false);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsReadable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, sizeof(T), &RegisterMemorySlowly<T, TAddress>);
            return;
        }
        var value = *(T*)Operand.Place(entry, linear);
        var result = TOperation.Compute(Step.Get<T>(s, op->Destination), value, ref s->Flags);
        if (TOperation.WritesDestination && !TOperation.Leaves(value))
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterMemorySlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        var value = *source;
        var result = TOperation.Compute(Step.Get<T>(s, op->Destination), value, ref s->Flags);
        if (TOperation.WritesDestination && !TOperation.Leaves(value))
            Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryRegister<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), TOperation.WritesDestination);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!(TOperation.WritesDestination ? Operand.IsWritable(entry, linear, sizeof(T), false) : Operand.IsReadable(entry, linear, sizeof(T), false)))
        {
            Operand.Miss(vcpu, s, op, linear, TOperation.WritesDestination ? -sizeof(T) : sizeof(T), &MemoryRegisterSlowly<T, TAddress>);
            return;
        }
        var place = (T*)Operand.Place(entry, linear);
        var result = TOperation.Compute(*place, Step.Get<T>(s, op->Source), ref s->Flags);
        if (TOperation.WritesDestination)
            *place = result;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryRegisterSlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var place = TOperation.WritesDestination ? Operand.Modify<TAddress, T>(vcpu, s, op) : Operand.Read<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var result = TOperation.Compute(*place, Step.Get<T>(s, op->Source), ref s->Flags);
        if (TOperation.WritesDestination)
        {
            *place = result;
            Operand.Commit(vcpu, s, place);
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryImmediate<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), TOperation.WritesDestination);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!(TOperation.WritesDestination ? Operand.IsWritable(entry, linear, sizeof(T), false) : Operand.IsReadable(entry, linear, sizeof(T), false)))
        {
            Operand.Miss(vcpu, s, op, linear, TOperation.WritesDestination ? -sizeof(T) : sizeof(T), &MemoryImmediateSlowly<T, TAddress>);
            return;
        }
        var place = (T*)Operand.Place(entry, linear);
        var result = TOperation.Compute(*place, Step.Immediate<T>(op), ref s->Flags);
        if (TOperation.WritesDestination)
            *place = result;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryImmediateSlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var place = TOperation.WritesDestination ? Operand.Modify<TAddress, T>(vcpu, s, op) : Operand.Read<TAddress, T>(vcpu, s, op);
        if (place == null)
            return;
        var result = TOperation.Compute(*place, Step.Immediate<T>(op), ref s->Flags);
        if (TOperation.WritesDestination)
        {
            *place = result;
            Operand.Commit(vcpu, s, place);
        }
        Step.Next(vcpu, s, op);
    }
}
