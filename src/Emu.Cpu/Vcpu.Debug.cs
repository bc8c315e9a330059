using System.Runtime.CompilerServices;
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
    private const ulong NotStepping = ulong.MaxValue;

    // Where the instruction that TF steps begins: IA32_DEBUGCTL.BTF asks whether it went elsewhere than on.
    private ulong _stepRip;

    /// <summary>Debug traps that wait for the next instruction boundary, as bits of DR6: architectural state, as much as DR6 itself.</summary>
    public ulong PendingDebugTraps =>
        State->PendingDebug | (State->StepFrom != NotStepping && State->StepFrom != InstructionsRetired && IsStepDue ? DebugStatus.SingleStep : 0);

    /// <summary>Records a debug trap to follow the instruction that is executing.</summary>
    /// <param name="hits">Bits of DR6.</param>
    internal void RecordDebugTrap(ulong hits)
    {
        State->PendingDebug |= hits;
        State->Pending |= PendingEvents.DebugTrap;
    }

    /// <summary>Forgets a single-step trap for the instruction that is executing: INT n, and SYSCALL that clears TF.</summary>
    internal void DisarmSingleStep() => DisarmSingleStep(State);

    /// <summary>The same, for a handler that has the state at hand.</summary>
    internal void DisarmSingleStep(CpuState* s) => s->StepFrom = NotStepping;

    /// <summary>Lets TF, as the instruction that is executing leaves it, decide whether a single-step trap follows that instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void StepByNewTrapFlag()
    {
        DisarmSingleStep();
        if ((State->SystemFlags & Rflags.Trap) != 0)
            RecordDebugTrap(DebugStatus.SingleStep);
    }

    /// <summary>Makes traps that MOV SS or POP SS held back part of the #DB that INT1 has just raised.</summary>
    /// <param name="held"><see cref="CpuState.PendingDebug"/> before INT1.</param>
    internal void AbsorbDebugTraps(ulong held)
    {
        if (held == 0)
            return;
        NoteDebugStatus(held);
        State->PendingDebug &= ~held;
    }

    /// <summary>Makes RF set for the instruction that is about to raise a debug fault, so that the pushed image has it.</summary>
    internal void SetResume(Op* op)
    {
        State->SystemFlags |= Rflags.Resume;
        State->ResumeAt = RetiredAfter(op) - 1;
    }

    /// <summary>Takes account of a change of DR7.</summary>
    internal void UpdateBreakpoints()
    {
        var s = State;
        var any = (s->DebugRegisters[7] & DebugStatus.Enables7) != 0;
        s->Pending = any ? s->Pending | PendingEvents.Breakpoints : s->Pending & ~PendingEvents.Breakpoints;
        HasDataBreakpoints = any && AnyEnabled(BreakpointKind.Write, BreakpointKind.ReadOrWrite);
        UpdateSystemCalls();
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

    /// <summary>Whether a breakpoint on data is enabled: every access is looked at.</summary>
    internal bool HasDataBreakpoints { get; private set; }

    // With BTF only branches that are taken are stepped. What was stepped has run alone, so its op is still the first of the partial block.
    private bool IsStepDue
    {
        get
        {
            if ((State->Msr.DebugControl & DebugStatus.BranchStepControl) == 0)
                return true;
            var op = Block.Ops(_partial);
            return ((Code)op->Code).FlowControl() switch
            {
                FlowControl.Next => false,
                FlowControl.ConditionalBranch => State->Rip != (Is64BitCode ? _stepRip + (uint)op->Length : (uint)(_stepRip + (uint)op->Length)),
                _ => true,
            };
        }
    }

    private void ArmSingleStep()
    {
        State->StepFrom = InstructionsRetired;
        _stepRip = State->Rip;
        State->Pending |= PendingEvents.DebugTrap;
    }

    private bool TakeDebugTrap()
    {
        var s = State;
        if ((s->Pending & PendingEvents.DebugTrap) == 0)
            return false;
        if (InstructionsRetired == s->StackShadowAt)
        {
            // MOV SS and POP SS hold back traps until after the next instruction, and lose their own single step.
            s->StepFrom = NotStepping;
            _oneInstruction = s->PendingDebug != 0;
            return false;
        }
        s->PendingDebug = PendingDebugTraps;
        s->StepFrom = NotStepping;
        if (s->PendingDebug == 0)
        {
            s->Pending &= ~PendingEvents.DebugTrap;
            return false;
        }
        if (s->Budget > 0)
            RaiseDebug(s->PendingDebug);
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

    /// <summary>
    /// Enters the cause of a debug exception into DR6, and lifts DR7.GD and what IA32_DEBUGCTL asks of branches. B0–B3 say what met now;
    /// the rest of DR6 only accumulates.
    /// </summary>
    internal void NoteDebugStatus(ulong hits)
    {
        State->DebugRegisters[6] = (State->DebugRegisters[6] & ~DebugStatus.Breakpoints) | hits;
        State->DebugRegisters[7] &= ~DebugStatus.GeneralDetect7;
        State->Msr.DebugControl &= ~(DebugStatus.BranchStepControl | DebugStatus.BranchRecordControl);
    }

    // What an access that may not go straight through the TLB is checked for.
    private bool CheckedAccess(Op* op, ulong linear, int size, PageAccess rights)
    {
        if ((rights & PageAccess.User) != 0 && ChecksAlignment)
        {
            if ((linear & (ulong)(AlignmentRule.Of((Code)op->Code, size) - 1)) != 0)
                return RaiseFault(op, ExceptionVector.AlignmentCheck, 0);
        }
        NoteDataAccess(linear, size, rights);
        return true;
    }

    /// <summary>Checks the alignment of values on the stack that a far transfer or return uses at CPL 3.</summary>
    /// <param name="linear">Linear address of the lowest.</param>
    /// <param name="element">Bytes of each.</param>
    /// <returns>False with #AC(0) recorded.</returns>
    internal bool TryCheckStackAlignment(ulong linear, int element) =>
        !ChecksAlignment || (linear & (ulong)(element - 1)) == 0 || Fail(ExceptionVector.AlignmentCheck, 0);

    // Every access by linear address counts, those to descriptors, task-state segments and event frames included; page walks have none.
    private void NoteDataAccess(ulong linear, int size, PageAccess rights)
    {
        if (!HasDataBreakpoints)
            return;
        var least = (rights & PageAccess.Write) != 0 ? BreakpointKind.Write : BreakpointKind.ReadOrWrite;
        var hits = Match(linear, size, least, BreakpointKind.ReadOrWrite);
        if (hits != 0)
            RecordDebugTrap(hits);
    }

    private bool ChecksAlignment =>
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
            // An instruction breakpoint is on the first byte, whatever its length field says.
            var length = one == BreakpointKind.Execute ? 1 : LengthOf(i);
            var start = State->DebugRegisters[i] & ~(length - 1);
            // By distance, so that nothing overflows at the top of the address space.
            if (address - start < length || start - address < (ulong)size)
                hits |= 1UL << i;
        }
        return hits;
    }

    private bool IsEnabled(int breakpoint) => ((State->DebugRegisters[7] >> (breakpoint * 2)) & 3) != 0;

    private BreakpointKind KindOf(int breakpoint) => (BreakpointKind)((State->DebugRegisters[7] >> (16 + breakpoint * 4)) & 3);

    private ulong LengthOf(int breakpoint) => ((State->DebugRegisters[7] >> (18 + breakpoint * 4)) & 3) switch { 0 => 1, 1 => 2, 2 => 8, _ => 4 };
}
