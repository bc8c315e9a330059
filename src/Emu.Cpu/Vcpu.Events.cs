using Emu.Cpu.State;

namespace Emu.Cpu;

// What the run loop looks at between two instructions (SDM Vol. 3, table 6-2: priority among simultaneous events).
public sealed unsafe partial class Vcpu
{
    /// <summary>True while HLT waits for an event.</summary>
    public bool IsHalted => (State->Pending & PendingEvents.Halt) != 0;

    private RunExit? HandlePending()
    {
        var s = State;
        if ((s->Pending & PendingEvents.Shutdown) != 0)
            return RunExit.Shutdown;

        // The instruction after STI, MOV SS or POP SS runs before anything else: the shadow ends with this look at it.
        if ((s->Pending & PendingEvents.InterruptShadow) != 0 && !_shadowed)
        {
            _shadowed = true;
            return null;
        }
        if (_shadowed)
        {
            _shadowed = false;
            s->Pending &= ~PendingEvents.InterruptShadow;
        }
        return null;
    }

    private bool _shadowed;

    private void DeliverPendingFault() => throw new NotImplementedException();
}
