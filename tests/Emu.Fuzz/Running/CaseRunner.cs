using System.Diagnostics;
using Emu.Fuzz.Cases;
using Emu.Fuzz.Generation;
using Emu.Machine;
using Emu.Machine.Firmware;

namespace Emu.Fuzz.Running;

/// <summary>Runs cases and holds them to the invariants.</summary>
public sealed class CaseRunner
{
    /// <summary>Virtual time after which an idle guest has idled long enough.</summary>
    private const ulong LongestTime = 3_000_000;

    // Large enough for any case's loops to stay, small enough to be forgotten whole now and then.
    private const int TranslationCache = 1 << 20;

    private const long MostAllocated = 64 << 20;

    // Each may need another machine, with all that goes with it.
    private const int MostSnapshots = 4;

    /// <summary>A change to a machine before it runs: a test plants its defects here.</summary>
    public Action<PvhMachine>? Prepare { get; init; }

    /// <summary>Called before each piece of a run.</summary>
    public Action<PvhMachine>? BeforePiece { get; init; }

    /// <summary>Instructions retired by all runs so far.</summary>
    public ulong Instructions { get; private set; }

    /// <summary>The longest time that one run of a case took.</summary>
    public TimeSpan Slowest { get; private set; }

    /// <summary>The case of <see cref="Slowest"/>.</summary>
    public ulong SlowestCase { get; private set; }

    /// <summary>Runs a case whole and in pieces.</summary>
    /// <returns>What does not hold, or null.</returns>
    public Finding? Check(GuestCase guest)
    {
        // Compilation takes longer than all of an interpreted run.
        ReadOnlySpan<Cutting> others = (guest.CutSeed % 16) switch
        {
            0 or 4 => [Cutting.Again, Cutting.SmallPieces],
            8 => [Cutting.Compiled],
            12 => [Cutting.CompiledPieces],
            1 or 6 or 11 => [Cutting.Snapshots],
            var seed => [(Cutting)(2 + seed % 3)],
        };
        if (TryRun(guest, Cutting.Whole, false, out var whole) is { } finding)
            return finding;
        foreach (var cutting in others)
        {
            if (Compare(guest, whole!, cutting) is { } difference)
                return difference;
        }
        return null;
    }

    /// <summary>Checks for one finding again, as a shrinker does.</summary>
    public bool StillShows(GuestCase guest, Finding finding)
    {
        var found = TryRun(guest, Cutting.Whole, false, out var whole);
        if (found == null && finding.Cut != Cutting.Whole)
            found = Compare(guest, whole!, finding.Cut);
        return found != null && found.Broken == finding.Broken && FirstLine(found.Detail) == FirstLine(finding.Detail);
    }

    /// <summary>What differs between a whole run and a cut one, line by line.</summary>
    public string Difference(GuestCase guest, Cutting cutting)
    {
        if (TryRun(guest, Cutting.Whole, true, out var whole) != null || TryRun(guest, cutting, true, out var cut) != null)
            return "";
        var lines = whole!.State!.Split('\n').Zip(cut!.State!.Split('\n')).Where(static pair => pair.First != pair.Second);
        return string.Join("\n", lines.Select(static pair => $"  whole {pair.First}\n  cut   {pair.Second}"));
    }

    private Finding? Compare(GuestCase guest, Outcome whole, Cutting cutting)
    {
        if (TryRun(guest, cutting, false, out var other) is { } finding)
            return finding;
        if (whole == other)
            return null;
        var what = whole.Reason != other!.Reason ? "the end" : whole.Retired != other.Retired ? "the count of instructions"
            : whole.Hash != other.Hash ? "the state hash" : "what left the guest";
        return new Finding(Invariant.Determinism, $"{what} differs\nwhole: {whole}\ncut:   {other}", cutting);
    }

    private Finding? TryRun(GuestCase guest, Cutting cutting, bool describes, out Outcome? outcome)
    {
        outcome = null;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        try
        {
            outcome = Run(guest, cutting, describes);
        }
        catch (Exception e)
        {
            return new Finding(Invariant.NoHostException, $"{e.GetType().Name} in {Place(e)}\n{e}", cutting);
        }
        var elapsed = Stopwatch.GetElapsedTime(started);
        if (elapsed > Slowest)
            (Slowest, SlowestCase) = (elapsed, guest.Index);
        Instructions += outcome.Retired;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        return allocated > MostAllocated && !Compiles(cutting)
            ? new Finding(Invariant.BoundedAllocations, $"too much memory\n{allocated} bytes were allocated", cutting)
            : null;
    }

    private static bool Compiles(Cutting cutting) => cutting is Cutting.Compiled or Cutting.CompiledPieces;

    private Outcome Run(GuestCase guest, Cutting cutting, bool describes)
    {
        var around = new Surroundings(guest.Input);
        var machine = Make(guest, cutting, around);
        try
        {
            return Run(guest, cutting, describes, around, ref machine);
        }
        finally
        {
            machine.Dispose();
        }
    }

    private PvhMachine Make(GuestCase guest, Cutting cutting, Surroundings around)
    {
        var machine = new PvhMachine(new MachineOptions
        {
            MemorySize = guest.MemorySize,
            Profile = guest.Profile,
            CpuVendor = guest.Vendor,
            CpuLevel = guest.Level,
            Vcpus = guest.Vcpus,
            TestDevices = guest.TestDevices,
            Firmware = guest.Rom.Length == 0 ? null : FirmwareImage.FromBytes(guest.Rom),
            ConsoleOutput = around,
            DebugConsoleOutput = around,
            ConsoleInput = around,
            Observer = around,
            TranslationCacheSize = TranslationCache,
            Engine = Compiles(cutting) ? ExecutionEngine.Jit : ExecutionEngine.Interpreter,
        });
        around.Machine = machine;
        machine.Mmio.Claim(around, Layout.Probe, Layout.ProbeLength);
        Prepare?.Invoke(machine);
        return machine;
    }

    private unsafe Outcome Run(GuestCase guest, Cutting cutting, bool describes, Surroundings around, ref PvhMachine machine)
    {
        for (var page = 0; page < guest.Ram.Length; page += 4096)
        {
            if (guest.Ram.AsSpan(page, 4096) is var bytes && bytes.ContainsAnyExcept((byte)0))
                machine.Ram.Write((ulong)page, bytes);
        }
        if (guest.Rom.Length == 0)
            guest.Apply(machine.Vcpu);
        guest.Start(machine);

        var dice = new Dice(guest.CutSeed ^ (ulong)cutting);
        var snapshots = 0;
        RunResult result;
        do
        {
            BeforePiece?.Invoke(machine);
            if (cutting == Cutting.Snapshots && snapshots < MostSnapshots && dice.OneIn(4))
            {
                snapshots++;
                machine = GoBack(guest, machine, around, dice);
            }
            var end = Math.Min(guest.Instructions, machine.InstructionsRetired + Piece(cutting, dice));
            result = machine.Run(new RunLimits { MaxInstructions = end, MaxVirtualTime = LongestTime });
        }
        while (result.Reason == StopReason.LimitReached && machine.InstructionsRetired < guest.Instructions && machine.Clock.Now < LongestTime);
        foreach (var vcpu in machine.Vcpus)
        {
            if (vcpu.State->Zero != 0)
                throw new InvalidOperationException("The slot that always reads zero was written to.");
        }
        return new Outcome(result.Reason, result.Code, machine.InstructionsRetired, Convert.ToHexStringLower(machine.StateHash()), around.Log,
            describes ? Describe(machine) : null);
    }

    private static string Describe(PvhMachine machine) =>
        string.Concat(machine.Vcpus.Select(vcpu => StateText.Describe(vcpu, machine.Ram.Physical)));

    // What the machine does after a snapshot that it goes back to has not happened.
    private PvhMachine GoBack(GuestCase guest, PvhMachine machine, Surroundings around, Dice dice)
    {
        var snapshot = machine.TakeSnapshot();
        var position = around.Position;
        if (dice.OneIn(2))
            machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + (ulong)dice.Below(500), MaxVirtualTime = LongestTime });
        if (dice.OneIn(3))
        {
            machine.Dispose();
            machine = Make(guest, Cutting.Snapshots, around);
        }

        machine.Restore(snapshot);
        around.Position = position;
        return machine;
    }

    private static ulong Piece(Cutting cutting, Dice dice) => cutting switch
    {
        Cutting.SingleStepped => 1,
        Cutting.SmallPieces => 1 + (ulong)dice.Below(8),
        Cutting.RandomPieces or Cutting.CompiledPieces or Cutting.Snapshots => dice.Pick<ulong>([1, 2, 3, 7, 64, 1 + (ulong)dice.Below(3000)]),
        _ => ulong.MaxValue >> 1,
    };

    private static string FirstLine(string text) => text.Split('\n')[0];

    private static string Place(Exception e) => e.StackTrace?.Split('\n')[0].Trim() ?? "?";
}
