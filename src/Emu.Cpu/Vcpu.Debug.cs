using Emu.Cpu.Events;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu;

// Debug exceptions (SDM Vol. 3, chapter 17): single step, breakpoints on instructions, data and ports; and alignment checks, which
// need the same look at every access.
public sealed unsafe partial class Vcpu
{
    // Bits for DR6 that the instruction just executed has earned.
    private ulong _debugHits;

    // The instruction that now executes began with TF set; and the count of retired instructions then.
    private bool _stepArmed;
    private ulong _stepFrom;

    /// <summary>Records a debug trap to follow the instruction that is executing.</summary>
    /// <param name="hits">Bits of DR6.</param>
    internal void RecordDebugTrap(ulong hits)
    {
        _debugHits |= hits;
        State->Pending |= PendingEvents.DebugTrap;
    }

    /// <summary>Forgets a single-step trap for the instruction that is executing: SYSCALL that clears TF.</summary>
    internal void DisarmSingleStep() => _stepArmed = false;

    /// <summary>Takes account of a change of DR7.</summary>
    internal void UpdateBreakpoints()
    {
        var s = State;
        var any = (s->DebugRegisters[7] & DebugStatus.Enables7) != 0;
        s->Pending = any ? s->Pending | PendingEvents.Breakpoints : s->Pending & ~PendingEvents.Breakpoints;
        HasDataBreakpoints = any && AnyEnabled(BreakpointKind.Write, BreakpointKind.ReadOrWrite);
        UpdateDataBank();
    }

    /// <summary>Looks for breakpoints on an I/O access that is about to complete.</summary>
    internal void NotePortAccess(ushort port, int size)
    {
        if ((State->Pending & PendingEvents.Breakpoints) == 0 || (State->Cr4 & Cr4.De) == 0)
            return;
        var hits = Match(port, size, BreakpointKind.Port, BreakpointKind.Port);
        if (hits != 0)
            RecordDebugTrap(hits);
    }

    private bool HasDataBreakpoints { get; set; }

    private void ArmSingleStep()
    {
        _stepArmed = true;
        _stepFrom = InstructionsRetired;
        State->Pending |= PendingEvents.DebugTrap;
    }

    private bool TakeDebugTrap()
    {
        var s = State;
        if ((s->Pending & PendingEvents.DebugTrap) == 0)
            return false;
        var retired = InstructionsRetired;
        if (_stepArmed && retired != _stepFrom)
            _debugHits |= DebugStatus.SingleStep;
        if (retired == s->StackShadowAt)
        {
            // MOV SS and POP SS hold back traps until after the next instruction, and lose their own single step.
            _debugHits &= ~DebugStatus.SingleStep;
            _stepArmed = false;
            _oneInstruction = _debugHits != 0;
            return false;
        }
        s->Pending &= ~PendingEvents.DebugTrap;
        _stepArmed = false;
        if (_debugHits == 0)
            return false;
        if (s->Budget <= 0)
        {
            s->Pending |= PendingEvents.DebugTrap;
            return true;
        }
        RaiseDebug(_debugHits);
        return true;
    }

    private bool TakeInstructionBreakpoint()
    {
        var s = State;
        if ((s->SystemFlags & Rflags.Resume) != 0 && InstructionsRetired == s->ResumeAt)
            return false;
        var linear = Is64BitCode ? s->Rip : (uint)(s->Segments[(int)SegmentName.Cs].Base + s->Rip);
        var hits = Match(linear, 1, BreakpointKind.Execute, BreakpointKind.Execute);
        if (hits == 0 || InstructionsRetired == s->StackShadowAt)
            return false;
        RaiseDebug(hits);
        return true;
    }

    private void RaiseDebug(ulong hits)
    {
        NoteDebugStatus(hits);
        Deliver(new EventInFlight(EventKind.Exception, ExceptionVector.Debug, false, 0, State->Rip));
    }

    /// <summary>Enters the cause of a debug exception into DR6 and lifts DR7.GD.</summary>
    internal void NoteDebugStatus(ulong hits)
    {
        State->DebugRegisters[6] = (State->DebugRegisters[6] & ~DebugStatus.Breakpoints) | hits;
        State->DebugRegisters[7] &= ~DebugStatus.GeneralDetect7;
    }

    // What an access that may not go straight through the TLB is checked for.
    private bool CheckedAccess(Op* op, ulong linear, int size, PageAccess rights)
    {
        if ((rights & PageAccess.User) != 0 && ChecksAlignment)
        {
            if ((linear & (ulong)(AlignmentOf(op, size) - 1)) != 0)
                return RaiseFault(op, ExceptionVector.AlignmentCheck, 0);
        }
        if (HasDataBreakpoints)
        {
            var least = (rights & PageAccess.Write) != 0 ? BreakpointKind.Write : BreakpointKind.ReadOrWrite;
            var hits = Match(linear, size, least, BreakpointKind.ReadOrWrite);
            if (hits != 0)
                RecordDebugTrap(hits);
        }
        return true;
    }

    // SDM Vol. 3, table 6-7; FLDENV, FRSTOR and their kin are fields of 2 or 4 bytes; masked moves and gathers are never checked (Vol. 2A,
    // tables 2-23 and 2-27).
    private static int AlignmentOf(Op* op, int size) => size switch
    {
        14 or 94 => 2,
        28 or 108 => 4,
        _ when ((Code)op->Code).Mnemonic() is Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq
            or Mnemonic.Vpgatherdd or Mnemonic.Vpgatherdq or Mnemonic.Vpgatherqd or Mnemonic.Vpgatherqq
            or Mnemonic.Vgatherdps or Mnemonic.Vgatherdpd or Mnemonic.Vgatherqps or Mnemonic.Vgatherqpd => 1,
        _ when ((Code)op->Code).Mnemonic() is Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu or Mnemonic.Maskmovq => Math.Min(size, 8),
        _ when ((Code)op->Code).Mnemonic() == Mnemonic.Bound => size / 2,
        >= 16 => 16,
        >= 8 => 8,
        >= 4 => 4,
        _ => size,
    };

    /// <summary>Alignment checks are on.</summary>
    internal bool ChecksAlignment =>
        State->Cpl == 3 && (State->Cr0 & Cr0.Am) != 0 && (State->SystemFlags & Rflags.AlignmentCheck) != 0;

    private bool AnyEnabled(BreakpointKind one, BreakpointKind other)
    {
        for (var i = 0; i < 4; i++)
        {
            if (IsEnabled(i) && (KindOf(i) == one || KindOf(i) == other))
                return true;
        }
        return false;
    }

    // Which enabled breakpoints of two kinds overlap an access.
    private ulong Match(ulong address, int size, BreakpointKind one, BreakpointKind other)
    {
        var hits = 0UL;
        for (var i = 0; i < 4; i++)
        {
            if (!IsEnabled(i) || (KindOf(i) != one && KindOf(i) != other))
                continue;
            var length = LengthOf(i);
            var start = State->DebugRegisters[i] & ~(length - 1);
            if (start < address + (ulong)size && address < start + length)
                hits |= 1UL << i;
        }
        return hits;
    }

    private bool IsEnabled(int breakpoint) => ((State->DebugRegisters[7] >> (breakpoint * 2)) & 3) != 0;

    private BreakpointKind KindOf(int breakpoint) => (BreakpointKind)((State->DebugRegisters[7] >> (16 + breakpoint * 4)) & 3);

    private ulong LengthOf(int breakpoint) => ((State->DebugRegisters[7] >> (18 + breakpoint * 4)) & 3) switch { 0 => 1, 1 => 2, 2 => 8, _ => 4 };
}
