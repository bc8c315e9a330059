using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Control;

/// <summary>RET, near forms, also those that release parameters (SDM Vol. 2B).</summary>
internal static unsafe class Return
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.EndsBlock = true;
        switch (operands.Instruction.Code)
        {
            case Code.Retnw or Code.Retnw_imm16:
                Bind<ushort>(ref operands);
                break;
            case Code.Retnd or Code.Retnd_imm16:
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
        var parameters = operands.Instruction.OpCount == 0 ? 0 : operands.Instruction.Immediate16;
        op->Immediate = sizeof(T) + parameters;
        if (operands.IsForCompiler && sizeof(T) != 2)
            operands.Emission = new ReturnEmission(sizeof(T));
        op->Handler = operands.Stack switch
        {
            StackKind.Long when parameters == 0 => &Plain<T, LongTarget, LongStack>,
            StackKind.Long => &Release<T, LongTarget, LongStack>,
            StackKind.Flat when parameters == 0 => &Plain<T, LegacyTarget, FlatStack>,
            StackKind.Flat => &Release<T, LegacyTarget, FlatStack>,
            _ => &Release<T, LegacyTarget, SegmentedStack>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Plain<T, TTarget, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
    {
        var linear = TStack.Linear(vcpu, s, op, TStack.Pointer(s), sizeof(T), false);
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (!Operand.IsReadable(entry, linear, sizeof(T), false))
        {
            Operand.MissAtEnd(vcpu, s, op, linear, sizeof(T), &PlainSlowly<T, TTarget, TStack>);
            return;
        }
        var target = Width.ZeroExtend(*(T*)Operand.Place(entry, linear));
        if (!TTarget.SurelyAllows(s, target))
        {
            PlainSlowly<T, TTarget, TStack>(vcpu, s, op);
            return;
        }
        Stack.Drop<TStack>(s, sizeof(T));
        Chain.Indirect(vcpu, s, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PlainSlowly<T, TTarget, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
    {
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        var target = Width.ZeroExtend(*top);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        Stack.Drop<TStack>(s, sizeof(T));
        Chain.Indirect(vcpu, s, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Release<T, TTarget, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TTarget : INearTarget
        where TStack : IStack
    {
        var top = Stack.Top<TStack, T>(vcpu, s, op);
        if (top == null)
            return;
        var target = Width.ZeroExtend(*top);
        if (!TTarget.Allows(vcpu, s, op, target))
            return;
        Stack.Drop<TStack>(s, (int)op->Immediate);
        Chain.Indirect(vcpu, s, target);
    }
}
