using Emu.Cpu.Snapshots;
using Emu.Machine.Snapshots;

namespace Emu.Machine;

// The machine as a value: taken out, and put back in place.
public sealed partial class PvhMachine : IStateful
{
    private PageKeeper? _keeper;

    private PageKeeper Keeper => _keeper ??= new PageKeeper(Ram.Physical);

    /// <summary>The parts that have state, in the order in which it is restored: each after what it asks while it is.</summary>
    private IEnumerable<IStateful> Parts
    {
        get
        {
            // Where a page lies, then what a TLB knows of it.
            yield return Ram.Physical;
            foreach (var vcpu in Vcpus)
                yield return vcpu;
        }
    }

    /// <summary>Takes the machine's state. To be called between two calls to <see cref="Run"/>; costs what was written since the last snapshot.</summary>
    /// <returns>The state: what the machine does next does not change it.</returns>
    public MachineSnapshot TakeSnapshot() => new(Keeper.Keep(), StateStream.Save(this), InstructionsRetired, Clock.Now);

    /// <summary>
    /// Brings the machine back into a state that it, or one made with the same options, was in; what it did since has not happened. Costs what
    /// differs between then and now; translated code of what does not differ is kept.
    /// </summary>
    /// <param name="snapshot">The state.</param>
    /// <exception cref="SnapshotException">It is of another kind of machine, or damaged: this machine cannot be used any more.</exception>
    public void Restore(MachineSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Keeper.Restore(snapshot.Pages);
        StateStream.Restore(this, snapshot.State);
        // Where the run is taken up again is no business of the vCPUs alone.
        if (InstructionsRetired != snapshot.InstructionsRetired || Clock.Now != snapshot.VirtualTime)
            throw new SnapshotException("The snapshot is damaged: its time is not that of its machine.");
    }

    /// <inheritdoc/>
    void IStateful.Transfer(StateStream stream)
    {
        foreach (var part in Parts)
            part.Transfer(stream);
    }
}
