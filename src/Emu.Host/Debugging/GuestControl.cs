using Emu.Cpu;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>Lets a guest run under a debugger's conditions: to a breakpoint, for one instruction of one vCPU, while RIP stays in a range.</summary>
internal sealed class GuestControl
{
    private readonly IDebuggedGuest _guest;
    private readonly BreakpointList _breakpoints;

    /// <summary>Takes over a guest.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="breakpoints">Where it stops; may change between two runs.</param>
    public GuestControl(IDebuggedGuest guest, BreakpointList breakpoints)
    {
        _guest = guest;
        _breakpoints = breakpoints;
        Memory = new GuestMemory(new LinkMap(guest.Kernel));
    }

    /// <summary>Guest memory.</summary>
    public GuestMemory Memory { get; }

    /// <summary>Whether the run keeps its past, so that one can go back in it.</summary>
    public bool CanGoBack => false;

    /// <summary>Is called before the debugger changes the guest: from here on the run is another one.</summary>
    public void BeginChange()
    {
    }

    /// <summary>The kernel; null where the guest starts from a ROM.</summary>
    public KernelImage? Kernel => _guest.Kernel;

    /// <summary>The machine.</summary>
    public PvhMachine Machine => _guest.Machine;

    /// <summary>The vCPU that executes next.</summary>
    /// <returns>It.</returns>
    public Vcpu Current() => Machine.ChooseVcpu();

    /// <summary>Lets the guest run.</summary>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop Continue(CancellationToken cancellation)
    {
        if (!_breakpoints.Any)
            return Ended(_guest.Advance(_guest.Maximum, cancellation));
        while (true)
        {
            RunResult result = StepMachine(cancellation);
            if (result.Reason != StopReason.LimitReached || Machine.InstructionsRetired >= _guest.Maximum)
                return Ended(result);
            Vcpu next = Current();
            if (_breakpoints.IsAt(RegisterSet.LinearRip(next)))
                return new GuestStop(StopCause.Breakpoint, next);
        }
    }

    /// <summary>Lets the guest run until a vCPU has executed an instruction, and further while it stays within a range.</summary>
    /// <param name="vcpu">The vCPU. Others have their turns meanwhile, as they would have anyway.</param>
    /// <param name="start">First linear address of the range.</param>
    /// <param name="end">The address behind it; equal to <paramref name="start"/> for no range.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop Step(Vcpu vcpu, ulong start, ulong end, CancellationToken cancellation)
    {
        while (true)
        {
            ulong before = vcpu.InstructionsRetired;
            RunResult result = StepMachine(cancellation);
            if (result.Reason != StopReason.LimitReached || Machine.InstructionsRetired >= _guest.Maximum)
                return Ended(result);
            Vcpu next = Current();
            bool isAtBreakpoint = next == vcpu && vcpu.InstructionsRetired == before ? false : _breakpoints.IsAt(RegisterSet.LinearRip(next));
            if (isAtBreakpoint)
                return new GuestStop(StopCause.Breakpoint, next);
            if (vcpu.InstructionsRetired == before)
                continue;
            ulong rip = RegisterSet.LinearRip(vcpu);
            if (rip < start || rip >= end)
                return new GuestStop(StopCause.Stepped, vcpu);
        }
    }

    private RunResult StepMachine(CancellationToken cancellation) => _guest.Advance(Machine.InstructionsRetired + 1, cancellation);

    private GuestStop Ended(RunResult result) =>
        result.Reason == StopReason.Cancelled
            ? new GuestStop(StopCause.Interrupted, Current())
            : new GuestStop(StopCause.Ended, Machine.CurrentVcpu, Result: result);
}
