using Emu.Cpu.Snapshots;
using Emu.Fuzz.Generation;
using Emu.Machine;
using Emu.Machine.Network;
using Emu.Machine.Snapshots;
using Emu.Pvh;

namespace Emu.Fuzz.Running;

/// <summary>A snapshot with arbitrary changes in its state: it is refused with a sentence, or gives a machine that runs.</summary>
public static class SnapshotCase
{
    private const ulong Memory = 4UL << 20;
    private const ulong Longest = 30_000;
    private const long MostAllocated = 64 << 20;
    private const int DevicesLength = 24 << 10;

    /// <summary>Makes and tries a snapshot.</summary>
    /// <returns>A finding, or null.</returns>
    public static Finding? Check(ulong seed, ulong index) => Check(seed, index, out _, out _);

    /// <summary>Makes and tries a snapshot.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="index">The case's number.</param>
    /// <param name="isRefused">Whether it was refused.</param>
    /// <param name="hasRun">Whether a machine went on from it.</param>
    /// <returns>A finding, or null.</returns>
    public static Finding? Check(ulong seed, ulong index, out bool isRefused, out bool hasRun)
    {
        var dice = new Dice(Dice.SeedOf(seed, index * 8 + 6));
        isRefused = hasRun = false;
        var (options, snapshot) = Make(dice);
        if (snapshot is null)
            return null;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var machine = new PvhMachine(options);
            machine.Restore(snapshot);
            machine.Run(new RunLimits { MaxInstructions = snapshot.InstructionsRetired + Longest, MaxVirtualTime = snapshot.VirtualTime + 1_000_000 });
            hasRun = machine.InstructionsRetired != snapshot.InstructionsRetired;
        }
        catch (SnapshotException)
        {
            isRefused = true;
        }
        catch (Exception e)
        {
            return new Finding(Invariant.NoHostException, e.ToString(), Cutting.Snapshots);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        return allocated > MostAllocated
            ? new Finding(Invariant.BoundedAllocations, $"{allocated} bytes were allocated", Cutting.Snapshots)
            : null;
    }

    private static (MachineOptions Options, MachineSnapshot? Snapshot) Make(Dice dice)
    {
        var isXen = !dice.OneIn(3);
        var options = new MachineOptions
        {
            MemorySize = Memory,
            Profile = isXen ? MachineProfile.Xen : MachineProfile.Pc,
            Vcpus = 1 + dice.Below(3),
            Networks = isXen && dice.OneIn(2) ? [new NetworkOptions()] : [],
            Engine = ExecutionEngine.Interpreter,
            TranslationCacheSize = 1 << 20,
        };
        using var machine = new PvhMachine(options);
        try
        {
            machine.Load(KernelImage.Read(dice.Pick(RealCode.Files.ToArray())), [], null);
        }
        catch (PvhBootException)
        {
            // Not for this machine.
            return (options, null);
        }

        machine.Run(new RunLimits { MaxInstructions = (ulong)dice.Below(400_000) + 1, MaxVirtualTime = 5_000_000 });
        var snapshot = machine.TakeSnapshot();
        var state = snapshot.State.ToArray();
        for (var changes = dice.Pick<int>([1, 1, 2, 5]); changes > 0; changes--)
            Change(state, dice);
        return (options, new MachineSnapshot(snapshot.Pages, state, snapshot.StatePages, snapshot.InstructionsRetired, snapshot.VirtualTime));
    }

    private static void Change(byte[] state, Dice dice)
    {
        // The TLBs are the most of it, but not what is the most various: devices and what a hypervisor knows come last.
        var at = dice.OneIn(4) ? dice.Below(state.Length) : state.Length - 1 - dice.Below(Math.Min(state.Length, DevicesLength));
        switch (dice.Below(3))
        {
            case 0:
                state[at] = dice.Byte();
                break;
            case 1:
                state[at] ^= (byte)(1 << dice.Below(8));
                break;
            default:
                BitConverter.GetBytes(dice.Value()).AsSpan(0, Math.Min(dice.Pick<int>([2, 4, 8]), state.Length - at)).CopyTo(state.AsSpan(at));
                break;
        }
    }
}
