using Emu.Cpu;

namespace Emu.Host.PostMortem;

/// <summary>Remembers the faults that led to one another: each was raised while the one before it was being delivered.</summary>
internal sealed unsafe class FaultRecorder
{
    private readonly List<CrashEvent> _chain = [];
    private Vcpu? _vcpu;
    private ulong _retired;

    /// <summary>The faults of the last chain, oldest first.</summary>
    public IReadOnlyList<CrashEvent> Chain => _chain;

    /// <summary>Takes an exception or interrupt that is about to be delivered.</summary>
    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        // A delivery counts as an instruction at most; a handler that ran in between counts more.
        bool follows = delivered.Kind == EventKind.Exception && _chain.Count != 0 && vcpu == _vcpu && vcpu.InstructionsRetired - _retired <= 1
            && _chain[^1].Event.Rip == delivered.Rip;
        if (!follows)
            _chain.Clear();
        _chain.Add(new CrashEvent(delivered, vcpu.State->Cr2));
        _vcpu = vcpu;
        _retired = vcpu.InstructionsRetired;
    }
}
