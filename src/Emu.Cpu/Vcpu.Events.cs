using Emu.Cpu.Events;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What the run loop looks at between two instructions (SDM Vol. 3, table 6-2: priority among simultaneous events), and the way of an
// event to its handler, with the double and triple faults that may happen on it.
public sealed unsafe partial class Vcpu
{
    /// <summary>True while HLT or MWAIT waits for an event.</summary>
    public bool IsHalted => (State->Pending & PendingEvents.Halt) != 0;

    /// <summary>
    /// True while HLT or MWAIT waits and no event is there that ends it: <see cref="Run"/> would return <see cref="RunExit.Halted"/> at
    /// once.
    /// </summary>
    public bool IsIdle
    {
        get
        {
            var pending = State->Pending;
            if ((pending & (PendingEvents.Halt | PendingEvents.Shutdown | PendingEvents.DebugTrap)) != PendingEvents.Halt
                || (pending & (PendingEvents.NonMaskableInterrupt | PendingEvents.NmiBlocked)) == PendingEvents.NonMaskableInterrupt)
            {
                return false;
            }
            if ((pending & PendingEvents.MonitorWait) != 0 && MonitorEndsWait)
                return false;
            return (pending & PendingEvents.Interrupt) == 0 || (State->SystemFlags & Rflags.Interrupt) == 0 || !Interrupts.HasInterrupt;
        }
    }

    /// <summary>True where STI, MOV SS or POP SS holds back interrupts for one more instruction.</summary>
    public bool IsInterruptShadowed =>
        InstructionsRetired == State->InterruptShadowAt || InstructionsRetired == State->StackShadowAt;

    /// <summary>RFLAGS as PUSHF and events push it: the arithmetic flags worked out, RF only where it still means something.</summary>
    public ulong RflagsImage
    {
        get
        {
            var flags = State->SystemFlags | State->Flags.ToRflags();
            return (flags & Rflags.Resume) == 0 || InstructionsRetired == State->ResumeAt ? flags : flags & ~Rflags.Resume;
        }
    }

    /// <summary>Replaces RFLAGS whole. <see cref="StateChanged"/> or the mode's update is left to the caller.</summary>
    /// <param name="value">The new value; reserved bits are ignored.</param>
    public void SetRflags(ulong value)
    {
        State->Flags.SetFrom(value);
        State->SystemFlags = (value & SystemFlagsMask) | Rflags.AlwaysSet;
        State->ResumeAt = InstructionsRetired;
    }

    /// <summary>The bits of RFLAGS that exist, without the arithmetic ones and bit 1.</summary>
    internal const ulong SystemFlagsMask = Rflags.Trap | Rflags.Interrupt | Rflags.Direction | Rflags.IoPrivilege | Rflags.NestedTask
        | Rflags.Resume | Rflags.Virtual8086 | Rflags.AlignmentCheck | Rflags.VirtualInterrupt | Rflags.VirtualInterruptPending
        | Rflags.Identification;

    // Highest priority first. Null: go on with the next instruction.
    private RunExit? HandlePending()
    {
        var s = State;
        while (true)
        {
            _oneInstruction = false;
            if ((s->Pending & PendingEvents.Shutdown) != 0)
                return RunExit.Shutdown;
            if ((s->Pending & PendingEvents.Stop) != 0)
                return RunExit.Stopped;
            if ((s->Pending & PendingEvents.Yield) != 0)
                return RunExit.Yielded;
            if (s->Budget <= 0 && !IsHalted)
                return RunExit.LimitReached;

            if (TakeDebugTrap() || TakeNmi() || TakeInterrupt())
            {
                if (s->Budget <= 0)
                    return (s->Pending & PendingEvents.Shutdown) != 0 ? RunExit.Shutdown : RunExit.LimitReached;
                continue;
            }
            if (IsHalted)
            {
                if (!MonitorEndsWait)
                    return RunExit.Halted;
                EndWait();
                continue;
            }
            if ((s->Pending & PendingEvents.Breakpoints) != 0 && TakeInstructionBreakpoint())
                continue;
            if ((s->SystemFlags & Rflags.Trap) != 0)
                ArmSingleStep();
            return null;
        }
    }

    private bool TakeNmi()
    {
        var s = State;
        if ((s->Pending & (PendingEvents.NonMaskableInterrupt | PendingEvents.NmiBlocked)) != PendingEvents.NonMaskableInterrupt)
            return false;
        if (InstructionsRetired == s->StackShadowAt)
        {
            _oneInstruction = true;
            return false;
        }
        if (s->Budget <= 0)
            return true;
        s->Pending = (s->Pending & ~PendingEvents.NonMaskableInterrupt) | PendingEvents.NmiBlocked;
        Deliver(new EventInFlight(EventKind.NonMaskableInterrupt, ExceptionVector.NonMaskableInterrupt, false, 0, s->Rip));
        return true;
    }

    private bool TakeInterrupt()
    {
        var s = State;
        if ((s->Pending & PendingEvents.Interrupt) == 0 || (s->SystemFlags & Rflags.Interrupt) == 0)
            return false;
        if (!Interrupts.HasInterrupt)
        {
            s->Pending &= ~PendingEvents.Interrupt;
            return false;
        }
        var retired = InstructionsRetired;
        if (!IsHalted && (retired == s->InterruptShadowAt || retired == s->StackShadowAt))
        {
            _oneInstruction = true;
            return false;
        }
        if (s->Budget <= 0)
            return true;
        Deliver(new EventInFlight(EventKind.ExternalInterrupt, Interrupts.Acknowledge(), false, 0, s->Rip));
        return true;
    }

    private void DeliverPendingFault()
    {
        // What an instruction did before it faulted it will do again.
        _watchpointHit = null;
        Deliver(in _pendingFault);
    }

    /// <summary>Delivers an event at an instruction boundary; where that faults, what the first two events combine to (SDM Vol. 3, table 6-5).</summary>
    internal void Deliver(in EventInFlight delivered)
    {
        var current = delivered;
        State->Rip = current.Rip;
        // What a terminator was about to reach is no longer what comes next: its successor must not be taken from what is found now.
        State->LinkRequest = null;
        EndWait();
        _betweenInstructions = true;
        while (true)
        {
            // Traps that an instruction, or a delivery, had earned before it faulted are lost: its repetition earns them again.
            State->Pending &= ~PendingEvents.DebugTrap;
            State->PendingDebug = 0;
            State->StepFrom = NotStepping;
            if (current.Kind == EventKind.Exception && Observer.TryAnswer(this, in current))
            {
                Tracer?.NoteEvent(this, in current);
                State->Budget--;
                if (_stepsForTrace)
                    Tracer!.NoteStep(this);
                break;
            }
            Observer.Delivering(this, in current);
            Tracer?.NoteEvent(this, in current);
            var done = EventDelivery.TryDeliver(this, in current, InstructionsRetired + 1);
            State->Budget--;
            if (_stepsForTrace)
                Tracer!.NoteStep(this);
            if (done)
                break;
            if (DoubleFault.Combine(in current, _failure.Vector) is not { } outcome)
            {
                State->Pending |= PendingEvents.Shutdown;
                break;
            }
            current = outcome == ExceptionVector.DoubleFault && outcome != _failure.Vector
                ? new EventInFlight(EventKind.Exception, ExceptionVector.DoubleFault, true, 0, State->Rip)
                : new EventInFlight(EventKind.Exception, outcome, _failure.Kind == FailureKind.FaultWithErrorCode, _failure.ErrorCode, State->Rip);
        }
        _betweenInstructions = false;
        StopAtWatchpoint();
    }
}
