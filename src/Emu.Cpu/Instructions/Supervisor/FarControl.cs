using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Events;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>Far JMP, CALL and RET, IRET, and the INT family (SDM Vol. 2).</summary>
internal static unsafe class FarControl
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Code.Jmp_ptr1616, &BindDirect);
        table.Add(Code.Jmp_ptr1632, &BindDirect);
        table.Add(Code.Call_ptr1616, &BindDirect);
        table.Add(Code.Call_ptr1632, &BindDirect);
        foreach (var code in (Code[])[Code.Jmp_m1616, Code.Jmp_m1632, Code.Jmp_m1664, Code.Call_m1616, Code.Call_m1632, Code.Call_m1664])
            table.Add(code, &BindIndirect);
        table.Add(Mnemonic.Retf, &BindReturn);
        table.Add(Mnemonic.Iret, &BindInterruptReturn);
        table.Add(Mnemonic.Iretd, &BindInterruptReturn);
        table.Add(Mnemonic.Iretq, &BindInterruptReturn);
        table.Add(Mnemonic.Int, &BindInterrupt);
        table.Add(Mnemonic.Int3, &BindInterrupt);
        table.Add(Mnemonic.Int1, &BindInterrupt);
        table.Add(Mnemonic.Into, &BindInto);
        table.Add(Code.Bound_r16_m1616, &BindBound<short>);
        table.Add(Code.Bound_r32_m3232, &BindBound<int>);
    }

    private static void BindDirect(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        var is16 = i.Op0Kind == OpKind.FarBranch16;
        op->Immediate = ((long)i.FarBranchSelector << 32) | (is16 ? i.FarBranch16 : i.FarBranch32);
        op->Source = (byte)(is16 ? 2 : 4);
        op->Handler = i.Mnemonic == Mnemonic.Jmp ? &JumpDirect : &CallDirect;
        operands.EndsBlock = true;
    }

    private static void BindIndirect(ref Operands operands)
    {
        var op = operands.Op;
        op->Source = operands.Instruction.Code switch
        {
            Code.Jmp_m1616 or Code.Call_m1616 => 2,
            Code.Jmp_m1632 or Code.Call_m1632 => 4,
            _ => 8,
        };
        op->Handler = operands.Instruction.Mnemonic == Mnemonic.Jmp ? &JumpIndirect : &CallIndirect;
        operands.EndsBlock = true;
    }

    private static void BindReturn(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        operands.Op->Source = i.Code switch
        {
            Code.Retfw or Code.Retfw_imm16 => 2,
            Code.Retfd or Code.Retfd_imm16 => 4,
            _ => 8,
        };
        operands.Op->Immediate = i.OpCount == 0 ? 0 : i.Immediate16;
        operands.Op->Handler = &Return;
        operands.EndsBlock = true;
    }

    private static void BindInterruptReturn(ref Operands operands)
    {
        operands.Op->Source = operands.Instruction.Code switch { Code.Iretw => 2, Code.Iretd => 4, _ => 8 };
        operands.Op->Handler = &InterruptReturnHandler;
        operands.EndsBlock = true;
    }

    private static void BindInterrupt(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var (kind, vector) = i.Mnemonic switch
        {
            Mnemonic.Int3 => (EventKind.SoftwareException, ExceptionVector.Breakpoint),
            Mnemonic.Int1 => (EventKind.PrivilegedSoftwareException, ExceptionVector.Debug),
            _ => (EventKind.SoftwareInterrupt, i.Immediate8),
        };
        operands.Op->Source = (byte)kind;
        operands.Op->Destination = vector;
        operands.Op->Handler = &Interrupt;
        operands.EndsBlock = true;
    }

    private static void BindInto(ref Operands operands)
    {
        operands.Op->Source = (byte)EventKind.SoftwareException;
        operands.Op->Destination = ExceptionVector.Overflow;
        operands.Op->Handler = &InterruptOnOverflow;
    }

    private static void BindBound<T>(ref Operands operands) where T : unmanaged
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = sizeof(T) == 2 ? &Bound16 : &Bound32;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JumpDirect(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!FarTransfer.TryJump(vcpu, (ushort)(op->Immediate >> 32), (uint)op->Immediate, op->Source, NextRip(vcpu, s, op), vcpu.RetiredAfter(op)))
        {
            vcpu.RaiseFailure(op);
            return;
        }
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.Jump);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CallDirect(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!FarTransfer.TryCall(vcpu, (ushort)(op->Immediate >> 32), (uint)op->Immediate, op->Source, NextRip(vcpu, s, op), vcpu.RetiredAfter(op)))
        {
            vcpu.RaiseFailure(op);
            return;
        }
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.Call);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JumpIndirect(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!TryIndirect(vcpu, s, op, false))
            return;
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.Jump);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CallIndirect(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!TryIndirect(vcpu, s, op, true))
            return;
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.Call);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Return(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!FarReturn.TryReturn(vcpu, op->Source, (uint)op->Immediate))
        {
            vcpu.RaiseFailure(op);
            return;
        }
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.Return);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InterruptReturnHandler(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if (!InterruptReturn.TryReturn(vcpu, op->Source, NextRip(vcpu, s, op), vcpu.RetiredAfter(op)))
        {
            vcpu.RaiseFailure(op);
            return;
        }
        if (vcpu.SystemObserver != null)
            vcpu.ReportTransfer(op, TransferKind.InterruptReturn);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interrupt(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryInterrupt(vcpu, s, op))
            return;
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InterruptOnOverflow(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!s->Flags.Overflow)
        {
            Step.Next(vcpu, s, op);
            return;
        }
        // INTO does not end its block: what follows it has not been retired.
        if (!TryInterrupt(vcpu, s, op))
            return;
        s->Budget += op->Remaining - 1;
        s->Exit = EngineExit.Boundary;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bound16(Vcpu vcpu, CpuState* s, Op* op)
    {
        var lower = Operand.Read<SegmentedAddress, short>(vcpu, s, op);
        if (lower == null)
            return;
        var least = *lower;
        var upper = Operand.ReadAt<short>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, sizeof(short), sizeof(short), false));
        if (upper == null)
            return;
        var index = Step.Get<short>(s, op->Destination);
        if (index < least || index > *upper)
        {
            vcpu.RaiseFault(op, ExceptionVector.BoundRange);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bound32(Vcpu vcpu, CpuState* s, Op* op)
    {
        var lower = Operand.Read<SegmentedAddress, int>(vcpu, s, op);
        if (lower == null)
            return;
        var least = *lower;
        var upper = Operand.ReadAt<int>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, sizeof(int), sizeof(int), false));
        if (upper == null)
            return;
        var index = Step.Get<int>(s, op->Destination);
        if (index < least || index > *upper)
        {
            vcpu.RaiseFault(op, ExceptionVector.BoundRange);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    private static ulong NextRip(Vcpu vcpu, CpuState* s, Op* op) =>
        vcpu.Is64BitCode ? Step.RipAfter(s, op) : (uint)Step.RipAfter(s, op);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryIndirect(Vcpu vcpu, CpuState* s, Op* op, bool call)
    {
        var size = op->Source;
        var linear = SegmentedAddress.Linear(vcpu, s, op, size, false);
        ulong offset;
        if (size == 2)
        {
            var place = Operand.ReadAt<ushort>(vcpu, s, op, linear);
            if (place == null)
                return false;
            offset = *place;
        }
        else if (size == 4)
        {
            var place = Operand.ReadAt<uint>(vcpu, s, op, linear);
            if (place == null)
                return false;
            offset = *place;
        }
        else
        {
            var place = Operand.ReadAt<ulong>(vcpu, s, op, linear);
            if (place == null)
                return false;
            offset = *place;
        }
        var selector = Operand.ReadAt<ushort>(vcpu, s, op, DistantAddress.Linear(vcpu, s, op, size, sizeof(ushort), false));
        if (selector == null)
            return false;
        var next = NextRip(vcpu, s, op);
        var done = call
            ? FarTransfer.TryCall(vcpu, *selector, offset, size, next, vcpu.RetiredAfter(op))
            : FarTransfer.TryJump(vcpu, *selector, offset, size, next, vcpu.RetiredAfter(op));
        return done || vcpu.RaiseFailure(op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryInterrupt(Vcpu vcpu, CpuState* s, Op* op)
    {
        var e = new EventInFlight((EventKind)op->Source, op->Destination, false, 0, NextRip(vcpu, s, op));
        if (IsAnswered(vcpu, s, op, in e))
            return true;
        var held = s->PendingDebug;
        if (!EventDelivery.TryDeliver(vcpu, in e, vcpu.RetiredAfter(op)))
            return vcpu.RaiseFailure(op);
        vcpu.DisarmSingleStep();
        // Traps that MOV SS held back find INT1's #DB on its way and join it; after any other INT they come before its handler.
        if (e.Kind == EventKind.PrivilegedSoftwareException)
            vcpu.AbsorbDebugTraps(held);
        vcpu.EnterPlatformAtRip(op);
        vcpu.Observer.Delivering(vcpu, in e);
        vcpu.LeavePlatform();
        return true;
    }

    // Who deals with it in the guest's stead sees RIP behind the instruction, and may leave another there.
    private static bool IsAnswered(Vcpu vcpu, CpuState* s, Op* op, in EventInFlight e)
    {
        var blockStart = s->Rip;
        s->Rip = e.Rip;
        vcpu.EnterPlatformAtRip(op);
        var answered = vcpu.Observer.TryAnswer(vcpu, in e);
        vcpu.LeavePlatform();
        if (!answered)
            s->Rip = blockStart;
        return answered;
    }
}
