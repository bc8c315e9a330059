using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>ENTER and LEAVE (SDM Vol. 2A).</summary>
internal static unsafe class StackFrame
{
    private const byte FramePointer = 5 * 8;

    /// <summary>Binds ENTER.</summary>
    public static void BindEnter(ref Operands operands)
    {
        operands.Op->Immediate = operands.Instruction.Immediate16;
        operands.Op->Displacement = operands.Instruction.Immediate8_2nd & 31;
        switch (operands.Instruction.Code)
        {
            case Code.Enterw_imm16_imm8:
                BindEnter<ushort>(ref operands);
                break;
            case Code.Enterd_imm16_imm8:
                BindEnter<uint>(ref operands);
                break;
            default:
                BindEnter<ulong>(ref operands);
                break;
        }
    }

    /// <summary>Binds LEAVE.</summary>
    public static void BindLeave(ref Operands operands)
    {
        switch (operands.Instruction.Code)
        {
            case Code.Leavew:
                BindLeave<ushort>(ref operands);
                break;
            case Code.Leaved:
                BindLeave<uint>(ref operands);
                break;
            default:
                BindLeave<ulong>(ref operands);
                break;
        }
    }

    private static void BindEnter<T>(ref Operands operands) where T : unmanaged =>
        operands.Op->Handler = operands.Is64 ? &Enter<T, LongStack> : &Enter<T, SegmentedStack>;

    private static void BindLeave<T>(ref Operands operands) where T : unmanaged
    {
        if (operands.IsForCompiler && sizeof(T) == (operands.Is64 ? 8 : 4))
            operands.Emission = new LeaveEmission(sizeof(T));
        operands.Op->Handler = operands.Stack switch
        {
            StackKind.Long => &Leave<T, LongStack>,
            StackKind.Flat => &Leave<T, FlatStack>,
            _ => &Leave<T, SegmentedStack>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Leave<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var frame = FrameOf<TStack>(s);
        var saved = Operand.ReadAt<T>(vcpu, s, op, TStack.Linear(vcpu, s, op, frame, sizeof(T), false), SegmentName.Ss);
        if (saved == null)
            return;
        var value = *saved;
        TStack.SetPointer(s, frame + (ulong)sizeof(T));
        Step.Set(s, FramePointer, value);
        Step.Next(vcpu, s, op);
    }

    // rBP at the width of the stack pointer: what TStack.Pointer would say if it were the stack pointer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong FrameOf<TStack>(CpuState* s) where TStack : IStack
    {
        var frame = s->Registers[5];
        if (typeof(TStack) == typeof(LongStack))
            return frame;
        if (typeof(TStack) == typeof(FlatStack))
            return (uint)frame;
        return (s->Segments[(int)SegmentName.Ss].Attributes & SegmentAttributes.Default32) != 0 ? (uint)frame : (ushort)frame;
    }

    // rSP as it would be with the stack pointer at an offset.
    private static ulong PointerAt<TStack>(CpuState* s, ulong offset) where TStack : IStack =>
        typeof(TStack) == typeof(LongStack) ? offset
        : (s->Segments[(int)SegmentName.Ss].Attributes & SegmentAttributes.Default32) != 0 ? (uint)offset
        : (s->Registers[4] & ~0xFFFFUL) | (ushort)offset;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Enter<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        if (!TryEnter<T, TStack>(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryEnter<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        if (op->Displacement > 0 && !MayEnter<T, TStack>(vcpu, s, op))
            return false;
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        if (!Write<T, TStack>(vcpu, s, op, pointer, Step.Get<T>(s, FramePointer)))
            return false;
        // The frame is the whole stack pointer, whatever the stack's width: what lies above SP goes into EBP with it.
        var frame = PointerAt<TStack>(s, pointer);
        var outer = FrameOf<TStack>(s);
        for (var level = 1; level < op->Displacement; level++)
        {
            outer -= (ulong)sizeof(T);
            var display = Operand.ReadAt<T>(vcpu, s, op, TStack.Linear(vcpu, s, op, outer, sizeof(T), false), SegmentName.Ss);
            if (display == null)
                return false;
            pointer -= (ulong)sizeof(T);
            if (!Write<T, TStack>(vcpu, s, op, pointer, *display))
                return false;
        }
        if (op->Displacement > 0)
        {
            pointer -= (ulong)sizeof(T);
            if (!Write<T, TStack>(vcpu, s, op, pointer, Width.Truncate<T>(frame)))
                return false;
        }
        pointer -= (ulong)op->Immediate;
        // The new top of the stack must be writable, though nothing is written there.
        if (!vcpu.ProbeWrite(op, TStack.Linear(vcpu, s, op, pointer, sizeof(T), true), sizeof(T), SegmentName.Ss))
            return false;
        TStack.SetPointer(s, pointer);
        Step.Set(s, FramePointer, Width.Truncate<T>(frame));
        return true;
    }

    // A nested frame takes many accesses: each is looked at, in their order, before the first is made.
    private static bool MayEnter<T, TStack>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TStack : IStack
    {
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        var outer = FrameOf<TStack>(s);
        for (var level = 0; ; level++)
        {
            if (!vcpu.ProbeWrite(op, TStack.Linear(vcpu, s, op, pointer, sizeof(T), true), sizeof(T), SegmentName.Ss))
                return false;
            if (level == op->Displacement)
                break;
            pointer -= (ulong)sizeof(T);
            outer -= (ulong)sizeof(T);
            if (level + 1 < op->Displacement
                && Operand.ReadAt<T>(vcpu, s, op, TStack.Linear(vcpu, s, op, outer, sizeof(T), false), SegmentName.Ss) == null)
            {
                return false;
            }
        }
        pointer -= (ulong)op->Immediate;
        return vcpu.ProbeWrite(op, TStack.Linear(vcpu, s, op, pointer, sizeof(T), true), sizeof(T), SegmentName.Ss);
    }

    private static bool Write<T, TStack>(Vcpu vcpu, CpuState* s, Op* op, ulong pointer, T value)
        where T : unmanaged
        where TStack : IStack =>
        Operand.WriteAt(vcpu, s, op, TStack.Linear(vcpu, s, op, pointer, sizeof(T), true), value, SegmentName.Ss);
}
