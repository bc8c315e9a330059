using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>
/// Binds instructions of the form <c>op r, a, b</c>, where <c>a</c> or <c>b</c> may be memory and <c>b</c> an immediate: IMUL and the
/// VEX-encoded ones. A register operand of an instruction without memory stands in <see cref="Op.Base"/>.
/// </summary>
internal readonly unsafe struct ThreeOperandShape<TOperation> : IWidthShape
    where TOperation : IBinaryOperation
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new ThreeOperandEmission(typeof(TOperation), sizeof(T), TOperation.Flags);
        op->Destination = operands.RegisterOf(0);
        if (operands.IsRegister(2) || operands.Kind(2) == Iced.Intel.OpKind.Memory)
            BindRegisters<T>(ref operands);
        else
            BindImmediate<T>(ref operands);
    }

    private static void BindRegisters<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (!operands.HasMemory)
        {
            op->Base = operands.RegisterOf(1);
            op->Source = operands.RegisterOf(2);
            op->Handler = &RegisterRegister<T>;
        }
        else if (operands.IsRegister(2))
        {
            op->Source = operands.RegisterOf(2);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &MemoryRegister<T, LongAddress>,
                AddressingKind.LongSegment => &MemoryRegister<T, LongSegmentAddress>,
                AddressingKind.Flat => &MemoryRegister<T, FlatAddress>,
                _ => &MemoryRegister<T, SegmentedAddress>,
            };
        }
        else
        {
            op->Source = operands.RegisterOf(1);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &RegisterMemory<T, LongAddress>,
                AddressingKind.LongSegment => &RegisterMemory<T, LongSegmentAddress>,
                AddressingKind.Flat => &RegisterMemory<T, FlatAddress>,
                _ => &RegisterMemory<T, SegmentedAddress>,
            };
        }
    }

    private static void BindImmediate<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        op->Immediate = (long)operands.Instruction.GetImmediate(2);
        if (operands.IsRegister(1))
        {
            op->Source = operands.RegisterOf(1);
            op->Handler = &RegisterImmediate<T>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &MemoryImmediate<T, LongAddress>,
            AddressingKind.LongSegment => &MemoryImmediate<T, LongSegmentAddress>,
            AddressingKind.Flat => &MemoryImmediate<T, FlatAddress>,
            _ => &MemoryImmediate<T, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterRegister<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Step.Set(s, op->Destination, TOperation.Compute(Step.Get<T>(s, op->Base), Step.Get<T>(s, op->Source), ref s->Flags));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterImmediate<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Step.Set(s, op->Destination, TOperation.Compute(Step.Get<T>(s, op->Source), Step.Immediate<T>(op), ref s->Flags));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryRegister<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var first = Operand.Read<TAddress, T>(vcpu, s, op);
        if (first == null)
            return;
        Step.Set(s, op->Destination, TOperation.Compute(*first, Step.Get<T>(s, op->Source), ref s->Flags));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterMemory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var second = Operand.Read<TAddress, T>(vcpu, s, op);
        if (second == null)
            return;
        Step.Set(s, op->Destination, TOperation.Compute(Step.Get<T>(s, op->Source), *second, ref s->Flags));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemoryImmediate<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var first = Operand.Read<TAddress, T>(vcpu, s, op);
        if (first == null)
            return;
        Step.Set(s, op->Destination, TOperation.Compute(*first, Step.Immediate<T>(op), ref s->Flags));
        Step.Next(vcpu, s, op);
    }
}
