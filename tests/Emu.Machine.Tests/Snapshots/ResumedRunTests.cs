using Emu.Machine.Snapshots;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>A run that is cut at snapshots is the run that it would have been: the same instructions, state and console, on any engine.</summary>
public sealed class ResumedRunTests
{
    private static readonly ExecutionEngine[] Engines = [ExecutionEngine.Interpreter, ExecutionEngine.Jit, ExecutionEngine.Auto];

    public static TheoryData<string, MachineProfile, int, string?> Guests => SnapshotGuest.All;

    [Theory]
    [MemberData(nameof(Guests))]
    public void Run_that_goes_on_in_other_machines_ends_as_it_would_have(string kernel, MachineProfile profile, int vcpus, string? commandLine)
    {
        var whole = new SnapshotGuest(kernel, profile, vcpus, commandLine);
        using var uninterrupted = whole.Make();
        var end = uninterrupted.Run(RunLimits.None);
        var outcome = SnapshotGuest.Outcome(uninterrupted);

        var cut = new SnapshotGuest(kernel, profile, vcpus, commandLine);
        var machine = cut.Make();
        try
        {
            const int pieces = 13;
            for (var piece = 1UL; piece < pieces; piece++)
            {
                machine.Run(new RunLimits { MaxInstructions = outcome.Instructions * piece / pieces });
                var snapshot = machine.TakeSnapshot();
                var next = cut.Make(Engines[piece % 3], isLoaded: false);
                next.Restore(snapshot);
                machine.Dispose();
                machine = next;
            }

            Assert.Equal(end, machine.Run(RunLimits.None));
            Assert.Equal(whole.Console, cut.Console);
            Assert.Equal(outcome, SnapshotGuest.Outcome(machine));
        }
        finally
        {
            machine.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Guests))]
    public void Run_that_goes_back_ends_as_it_would_have(string kernel, MachineProfile profile, int vcpus, string? commandLine)
    {
        var guest = new SnapshotGuest(kernel, profile, vcpus, commandLine);
        using var machine = guest.Make();
        var beginning = machine.TakeSnapshot();
        var end = machine.Run(RunLimits.None);
        var outcome = SnapshotGuest.Outcome(machine);
        machine.Restore(beginning);

        List<MachineSnapshot> snapshots = [beginning];
        for (var piece = 1UL; piece < 7; piece++)
        {
            machine.Run(new RunLimits { MaxInstructions = outcome.Instructions * piece / 7 });
            snapshots.Add(machine.TakeSnapshot());
        }

        // Forward and back, by short ways and long ones, and each time to the end.
        foreach (var to in (int[])[3, 5, 4, 1, 6, 0, 2])
        {
            machine.Restore(snapshots[to]);
            Assert.Equal(snapshots[to].State.ToArray(), machine.TakeSnapshot().State.ToArray());
            machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + outcome.Instructions / 5 });
        }

        foreach (var snapshot in snapshots)
        {
            machine.Restore(snapshot);
            Assert.Equal(end, machine.Run(RunLimits.None));
            Assert.Equal(outcome, SnapshotGuest.Outcome(machine));
        }
    }

    [Fact]
    public void Snapshot_shares_the_pages_that_were_not_written()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        // mov [0x200000], eax; jmp $
        machine.Load(CodeKernel.Of(0xA3, 0x00, 0x00, 0x20, 0x00, 0xEB, 0xFE), [], null);
        var first = machine.TakeSnapshot();
        machine.Run(new RunLimits { MaxInstructions = 100 });
        var second = machine.TakeSnapshot();
        var third = machine.TakeSnapshot();
        Assert.Empty(third.Pages.DifferentFrom(second.Pages));
        Assert.Equal([0x200], second.Pages.DifferentFrom(first.Pages).Select(static page => page.Frame));
    }

    [Fact]
    public void Snapshot_of_another_machine_is_refused()
    {
        using var small = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        using var large = new PvhMachine(new MachineOptions { MemorySize = 32 << 20 });
        using var twofold = new PvhMachine(new MachineOptions { MemorySize = 16 << 20, Vcpus = 2 });
        using var domain = new PvhMachine(new MachineOptions { MemorySize = 16 << 20, Profile = MachineProfile.Xen });
        var snapshot = small.TakeSnapshot();
        foreach (var other in (PvhMachine[])[large, twofold, domain])
            Assert.Throws<Emu.Cpu.Snapshots.SnapshotException>(() => other.Restore(snapshot));
    }

    [Fact]
    public void What_follows_a_snapshot_does_not_change_it()
    {
        var guest = new SnapshotGuest("smc", MachineProfile.Pc, 1, null);
        using var machine = guest.Make();
        machine.Run(new RunLimits { MaxInstructions = 2000 });
        var snapshot = machine.TakeSnapshot();
        var hash = machine.StateHash();
        machine.Run(RunLimits.None);
        Assert.NotEqual(hash, machine.StateHash());
        machine.Restore(snapshot);
        Assert.Equal(hash, machine.StateHash());
    }
}
