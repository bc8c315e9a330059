using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>MOV between general registers, memory and immediates (SDM Vol. 2B).</summary>
internal readonly unsafe struct Move : IWidthShape
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new MoveEmission(sizeof(T));
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
                BindLoad<T>(ref operands);
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
            BindStore<T>(ref operands);
        }
        else
        {
            op->Immediate = (long)operands.Instruction.GetImmediate(1);
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &StoreImmediate<T, LongAddress>,
                AddressingKind.LongSegment => &StoreImmediate<T, LongSegmentAddress>,
                AddressingKind.Flat => &StoreImmediate<T, FlatAddress>,
                _ => &StoreImmediateSlowly<T, SegmentedAddress>,
            };
        }
    }

    private static void BindLoad<T>(ref Operands operands)
        where T : unmanaged
    {
        if (TakeAbsolute(ref operands))
        {
            operands.Op->Handler = &LoadSlowly<T, AbsoluteAddress>;
            return;
        }
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long when operands.Op->Index == CpuState.ZeroOffset => &Load<T, LongBaseAddress>,
            AddressingKind.Long => &Load<T, LongAddress>,
            AddressingKind.LongSegment => &Load<T, LongSegmentAddress>,
            AddressingKind.Flat => &Load<T, FlatAddress>,
            _ => &LoadSlowly<T, SegmentedAddress>,
        };
    }

    private static void BindStore<T>(ref Operands operands)
        where T : unmanaged
    {
        if (TakeAbsolute(ref operands))
        {
            operands.Op->Handler = &StoreSlowly<T, AbsoluteAddress>;
            return;
        }
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long when operands.Op->Index == CpuState.ZeroOffset => &Store<T, LongBaseAddress>,
            AddressingKind.Long => &Store<T, LongAddress>,
            AddressingKind.LongSegment => &Store<T, LongSegmentAddress>,
            AddressingKind.Flat => &Store<T, FlatAddress>,
            _ => &StoreSlowly<T, SegmentedAddress>,
        };
    }

    // Only MOV moffs has a 64-bit displacement, in place of base and index.
    private static bool TakeAbsolute(ref Operands operands)
    {
        var address = operands.Instruction.MemoryDisplacement64;
        if (operands.Op->AddressSize != 8 || operands.Op->Base != CpuState.ZeroOffset || (ulong)operands.Op->Displacement == address)
            return false;
        operands.Op->Immediate = (long)address;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterRegister<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Step.Get<T>(s, op->Source));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterImmediate<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Step.Immediate<T>(op));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), false);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsReadable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, sizeof(T), &LoadSlowly<T, TAddress>);
            return;
        }
        Step.Set(s, op->Destination, *(T*)Operand.Place(entry, linear));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadSlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        Step.Set(s, op->Destination, *source);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, -sizeof(T), &StoreSlowly<T, TAddress>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Step.Get<T>(s, op->Source);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreSlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        if (!Operand.Write<TAddress, T>(vcpu, s, op, Step.Get<T>(s, op->Source)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreImmediate<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var linear = TAddress.Linear(vcpu, s, op, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, -sizeof(T), &StoreImmediateSlowly<T, TAddress>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Step.Immediate<T>(op);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreImmediateSlowly<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        if (!Operand.Write<TAddress, T>(vcpu, s, op, Step.Immediate<T>(op)))
            return;
        Step.Next(vcpu, s, op);
    }
}
