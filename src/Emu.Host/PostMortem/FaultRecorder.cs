using Emu.Cpu;

namespace Emu.Host.PostMortem;

/// <summary>Remembers the faults that led to one another: each was raised while the one before it was being delivered.</summary>
internal sealed unsafe class FaultRecorder
{
    private CrashEvent[] _events = new CrashEvent[4];
    private int _count;
    private Vcpu? _vcpu;
    private ulong _retired;

    /// <summary>The faults of the last chain, oldest first.</summary>
    public IReadOnlyList<CrashEvent> Chain => new ArraySegment<CrashEvent>(_events, 0, _count);

    /// <summary>Takes an exception or interrupt that is about to be delivered.</summary>
    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        // Interrupts and system calls come by the million, and begin a chain each: that must cost nothing to speak of.
        var retired = vcpu.InstructionsRetired;
        if (delivered.Kind != EventKind.Exception || !Follows(vcpu, delivered.Rip, retired))
            _count = 0;
        else if (_count == _events.Length)
            Array.Resize(ref _events, _count * 2);
        ref var last = ref _events[_count++];
        last.Event = delivered;
        last.Cr2 = vcpu.State->Cr2;
        _vcpu = vcpu;
        _retired = retired;
    }

    // A delivery counts as an instruction at most; a handler that ran in between counts more.
    private bool Follows(Vcpu vcpu, ulong rip, ulong retired) =>
        _count != 0 && vcpu == _vcpu && retired - _retired <= 1 && _events[_count - 1].Event.Rip == rip;
}
