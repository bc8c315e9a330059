using Emu.Cpu.State;

namespace Emu.Cpu;

// MONITOR and MWAIT: waiting for a store to a line of memory (SDM Vol. 3, 9.10.4; APM Vol. 3).
//
// The line's contents are kept when it is armed and compared when it matters: before the wait begins, and whenever the wait might end.
// So nobody's store has to look for monitors, and whoever stores is noticed, a device and another vCPU too. What this does not notice is
// a store that leaves the line as it was.
public sealed unsafe partial class Vcpu
{
    /// <summary>Bytes of a monitored line, aligned to as many.</summary>
    internal const int MonitorLineBytes = 64;

    private const ulong NoMonitor = ulong.MaxValue;
    private const PendingEvents MaskedWake = PendingEvents.WakeOnMaskedInterrupt | PendingEvents.Interrupt;
    private const PendingEvents Waiting = PendingEvents.Halt | PendingEvents.MonitorWait | PendingEvents.WakeOnMaskedInterrupt;

    /// <summary>True where an interrupt ends the wait, or would be taken: IF is set, or MWAIT was told not to mind it.</summary>
    public bool WakesOnInterrupt =>
        (State->SystemFlags & Rflags.Interrupt) != 0 || (State->Pending & PendingEvents.WakeOnMaskedInterrupt) != 0;

    /// <summary>Arms the monitor.</summary>
    /// <param name="place">A byte of the line. Outside RAM (a device, a copy) nothing can be monitored, and MWAIT will not wait.</param>
    internal void ArmMonitor(byte* place)
    {
        State->MonitorAddress = NoMonitor;
        if (place < _memory.Host || place >= _memory.Host + _memory.Size)
            return;
        var line = (byte*)((nuint)place & ~(nuint)(MonitorLineBytes - 1));
        State->MonitorAddress = _memory.HomeAddress(line);
        MonitoredLine().CopyTo(MonitorCopy);
    }

    /// <summary>Begins to wait, if the monitor is armed and has seen no store; else MWAIT does nothing.</summary>
    /// <param name="forMaskedInterrupts">Interrupts end the wait even with IF clear.</param>
    internal void WaitForMonitor(bool forMaskedInterrupts)
    {
        if (HasMonitorTriggered)
            State->MonitorAddress = NoMonitor;
        else
            State->Pending |= PendingEvents.Halt | PendingEvents.MonitorWait | (forMaskedInterrupts ? PendingEvents.WakeOnMaskedInterrupt : 0);
    }

    private Span<byte> MonitorCopy => new(State->MonitorLine, MonitorLineBytes);

    private bool HasMonitorTriggered => State->MonitorAddress == NoMonitor || !MonitoredLine().SequenceEqual(MonitorCopy);

    // The wait ends without an event's being delivered: a store, or an interrupt that is masked.
    private bool MonitorEndsWait =>
        (State->Pending & PendingEvents.MonitorWait) != 0
        && (HasMonitorTriggered
            || ((State->Pending & MaskedWake) == MaskedWake && Interrupts.HasInterrupt));

    private ReadOnlySpan<byte> MonitoredLine() => new(_memory.HostAtHome(State->MonitorAddress), MonitorLineBytes);

    /// <summary>
    /// Ends what HLT, MWAIT or <see cref="BeginWait"/> began. An event that comes between MONITOR and MWAIT lets the latter pass at once, for
    /// it may have been what is waited for.
    /// </summary>
    public void EndWait()
    {
        State->Pending &= ~Waiting;
        State->MonitorAddress = NoMonitor;
    }
}
