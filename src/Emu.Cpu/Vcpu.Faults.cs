using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Faults: recorded where they happen, delivered by the run loop once the handlers have unwound.
public sealed unsafe partial class Vcpu
{
    private Op* _interruptedOp;
    private EventInFlight _pendingFault;

    // A segment check failed while an address was computed; the accessor that asked for the address reports it. Where the instruction
    // faults for another reason first, or asks for repetition, there is nothing left to report.
    private bool _segmentFaulted;

    /// <summary>The fault recorded last: meaningful while <see cref="CpuState.Exit"/> is <see cref="EngineExit.Fault"/>.</summary>
    internal EventInFlight PendingFault => _pendingFault;

    /// <summary>Records a fault of the instruction that is executing; its handler must return at once, having changed nothing.</summary>
    /// <param name="op">The instruction.</param>
    /// <param name="vector">Vector of an exception without error code.</param>
    /// <returns>False, always: accessors return it on.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool RaiseFault(Op* op, byte vector)
    {
        _pendingFault = new EventInFlight(EventKind.Exception, vector, false, 0, Step.RipOf(State, op));
        return Interrupt(op, EngineExit.Fault);
    }

    /// <summary>Records a fault with an error code.</summary>
    /// <param name="op">The instruction.</param>
    /// <param name="vector">Vector.</param>
    /// <param name="errorCode">Error code.</param>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool RaiseFault(Op* op, byte vector, uint errorCode)
    {
        _pendingFault = new EventInFlight(EventKind.Exception, vector, true, errorCode, Step.RipOf(State, op));
        return Interrupt(op, EngineExit.Fault);
    }

    /// <summary>#GP(0) for an operand that must be aligned and is not: found before translation.</summary>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool RaiseMisaligned(Op* op) => RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    /// <summary>The same for FXSAVE and FXRSTOR, whose elements of four bytes are looked at first where alignment is checked: #AC(0).</summary>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool RaiseMisalignedState(Op* op, ulong linear) =>
        ChecksAlignment && (linear & 3) != 0 ? RaiseFault(op, ExceptionVector.AlignmentCheck, 0) : RaiseMisaligned(op);

    /// <summary>Asks the run loop to execute the instruction again, alone, at an exact boundary; its handler must return at once.</summary>
    /// <returns>False, always.</returns>
    internal bool AskForRepetition(Op* op) => Interrupt(op, EngineExit.RepeatAlone);

    /// <summary>Reports something the model does not have.</summary>
    internal void ReportUnsupported(Op* op, string what)
    {
        var rip = State->Rip;
        State->Rip = Step.RipOf(State, op);
        EnterPlatformAtRip(op);
        Observer.Unsupported(this, what);
        LeavePlatform();
        State->Rip = rip;
    }

    private bool Interrupt(Op* op, EngineExit exit)
    {
        _interruptedOp = op;
        _segmentFaulted = false;
        State->Exit = exit;
        return false;
    }

    // While fetching there is no op yet: RIP is the instruction's already.
    private bool RaiseFetchFault(byte vector, uint errorCode)
    {
        _pendingFault = new EventInFlight(EventKind.Exception, vector, true, errorCode, State->Rip);
        return false;
    }
}
