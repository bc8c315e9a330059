using Emu.Cpu.Snapshots;
using Emu.Machine.Recording;
using Emu.Machine.Snapshots;

namespace Emu.Machine;

// The machine as a value: taken out, and put back in place.
public sealed partial class PvhMachine : IStateful
{
    private PageKeeper? _keeper;
    private string? _shape;
    private bool _isPauseRequested;

    private PageKeeper Keeper => _keeper ??= new PageKeeper(Ram.Physical);

    /// <summary>
    /// Ends the present or next <see cref="Run"/> with <see cref="StopReason.Paused"/> after the instruction that is executing: for whoever hears of the
    /// guest in the middle of one, as a console or a hook does, and wants to look at the machine there. To be called on the thread that runs it.
    /// </summary>
    /// <remarks>While the machine <see cref="IsRepeating"/>, what asks has asked before, and nothing ends.</remarks>
    public void RequestPause()
    {
        if (IsRepeating)
            return;
        _isPauseRequested = true;
        LeaveStretch();
    }

    /// <summary>Takes the machine's state. To be called between two calls to <see cref="Run"/>; costs what was written since the last snapshot.</summary>
    /// <returns>The state: what the machine does next does not change it.</returns>
    public MachineSnapshot TakeSnapshot()
    {
        List<SnapshotPage> shared = [];
        var pages = Keeper.Keep();
        return new MachineSnapshot(pages, StateStream.Save(this, shared), shared, InstructionsRetired, Clock.Now);
    }

    /// <summary>
    /// Brings the machine back into a state that it, or one made with the same options, was in; what it did since has not happened. Costs what
    /// differs between then and now; translated code of what does not differ is kept.
    /// </summary>
    /// <param name="snapshot">The state.</param>
    /// <exception cref="InvalidOperationException">A trace is being taken.</exception>
    /// <exception cref="SnapshotException">It is of another kind of machine, or damaged: this machine cannot be used any more.</exception>
    public void Restore(MachineSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (_tracer is not null)
            throw new InvalidOperationException("A trace is being taken: it goes forward only.");
        Keeper.Restore(snapshot.Pages);
        StateStream.Restore(this, snapshot.State, snapshot.StatePages);
        if (InstructionsRetired != snapshot.InstructionsRetired || Clock.Now != snapshot.VirtualTime)
            throw new SnapshotException("The snapshot is damaged: its time is not that of its machine.");
    }

    private RunResult Pause()
    {
        _isPauseRequested = false;
        return new RunResult(StopReason.Paused);
    }

    /// <summary>Transfers everything but the contents of pages, each part after what it asks while it is restored.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    void IStateful.Transfer(StateStream stream)
    {
        MachineShape.Transfer(stream, _shape ??= MachineShape.Describe(_options));
        // Where a page lies, then what a TLB knows of it.
        Ram.Physical.Transfer(stream);
        foreach (var vcpu in Vcpus)
            vcpu.Transfer(stream);
        TransferDevices(stream);
        _xen?.Transfer(stream);
        InputJournal.Transfer(stream, _journal);
    }
}
