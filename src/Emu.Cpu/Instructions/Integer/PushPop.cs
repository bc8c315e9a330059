using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>PUSH of general registers, memory and immediates (SDM Vol. 2B). PUSH ESP pushes the value before it.</summary>
internal static unsafe class Push
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var size = operands.HasMemory || operands.IsRegister(0) ? operands.SizeOf(0) : operands.Instruction.Code switch
        {
            Code.Pushw_imm8 or Code.Push_imm16 => 2,
            Code.Pushd_imm8 or Code.Pushd_imm32 => 4,
            _ => 8,
        };
        switch (size)
        {
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
        if (operands.IsForCompiler)
            operands.Emission = new PushEmission(sizeof(T));
        if (operands.IsRegister(0))
        {
            op->Source = operands.RegisterOf(0);
            op->Handler = operands.Stack switch
            {
                StackKind.Long => &Register<T, LongStack>,
                StackKind.Flat => &Register<T, FlatStack>,
                _ => &RegisterSlowly<T, SegmentedStack>,
            };
        }
        else if (operands.HasMemory)
        {
            op->Handler = operands.Stack switch
            {
                StackKind.Long when operands.Addressing == AddressingKind.Long => &Memory<T, LongStack, LongAddress>,
                StackKind.Long when operands.Addressing == AddressingKind.LongSegment => &Memory<T, LongStack, LongSegmentAddress>,
                StackKind.Long => &Memory<T, LongStack, SegmentedAddress>,
                StackKind.Flat when operands.Addressing == AddressingKind.Flat => &Memory<T, FlatStack, FlatAddress>,
                StackKind.Flat => &Memory<T, FlatStack, SegmentedAddress>,
                _ => &Memory<T, SegmentedStack, SegmentedAddress>,
            };
        }
        else
        {
            op->Immediate = (long)operands.Instruction.GetImmediate(0);
            op->Handler = operands.Stack switch
            {
                StackKind.Long => &Immediate<T, LongStack>,
                StackKind.Flat => &Immediate<T, FlatStack>,
                _ => &ImmediateSlowly<T, SegmentedStack>,
            };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        var linear = TStack.Linear(vcpu, s, op, pointer, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, -sizeof(T), &RegisterSlowly<T, TStack>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Step.Get<T>(s, op->Source);
        TStack.SetPointer(s, pointer);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlowly<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        if (!Stack.Push<TStack, T>(vcpu, s, op, Step.Get<T>(s, op->Source)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Immediate<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        var linear = TStack.Linear(vcpu, s, op, pointer, sizeof(T), true);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsWritable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, -sizeof(T), &ImmediateSlowly<T, TStack>);
            return;
        }
        *(T*)Operand.Place(entry, linear) = Step.Immediate<T>(op);
        TStack.SetPointer(s, pointer);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ImmediateSlowly<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        if (!Stack.Push<TStack, T>(vcpu, s, op, Step.Immediate<T>(op)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TStack, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        if (!Stack.Push<TStack, T>(vcpu, s, op, *source))
            return;
        Step.Next(vcpu, s, op);
    }
}

/// <summary>POP of general registers and memory (SDM Vol. 2B).</summary>
internal static unsafe class Pop
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        switch (operands.SizeOf(0))
        {
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
        if (operands.IsForCompiler)
            operands.Emission = new PopEmission(sizeof(T));
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = operands.Stack switch
            {
                StackKind.Long => &Register<T, LongStack>,
                StackKind.Flat => &Register<T, FlatStack>,
                _ => &RegisterSlowly<T, SegmentedStack>,
            };
            return;
        }
        // An address that uses the stack pointer uses what it is after the pop.
        if (operands.Instruction.MemoryBase is Iced.Intel.Register.RSP or Iced.Intel.Register.ESP)
            op->Displacement += sizeof(T);
        op->Handler = operands.Stack switch
        {
            StackKind.Long when operands.Addressing == AddressingKind.Long => &Memory<T, LongStack, LongAddress>,
            StackKind.Long when operands.Addressing == AddressingKind.LongSegment => &Memory<T, LongStack, LongSegmentAddress>,
            StackKind.Long => &Memory<T, LongStack, SegmentedAddress>,
            StackKind.Flat when operands.Addressing == AddressingKind.Flat => &Memory<T, FlatStack, FlatAddress>,
            StackKind.Flat => &Memory<T, FlatStack, SegmentedAddress>,
            _ => &Memory<T, SegmentedStack, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var linear = TStack.Linear(vcpu, s, op, TStack.Pointer(s), sizeof(T), false);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsReadable(entry, linear, sizeof(T), false))
        {
            Operand.Miss(vcpu, s, op, linear, sizeof(T), &RegisterSlowly<T, TStack>);
            return;
        }
        var value = *(T*)Operand.Place(entry, linear);
        // In this order: POP ESP keeps what it popped.
        Stack.Drop<TStack>(s, sizeof(T));
        Step.Set(s, op->Destination, value);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlowly<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        var value = *top;
        // In this order: POP ESP keeps what it popped.
        Stack.Drop<TStack>(s, sizeof(T));
        Step.Set(s, op->Destination, value);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TStack, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
        where TAddress : IAddressing
    {
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        if (!Operand.Write<TAddress, T>(vcpu, s, op, *top))
            return;
        Stack.Drop<TStack>(s, sizeof(T));
        Step.Next(vcpu, s, op);
    }
}
