using Emu.Cpu.Instrumentation;
using Emu.Cpu.Snapshots;
using Emu.Machine.Snapshots;

namespace Emu.Machine.TimeTravel;

/// <summary>A run that can be gone through in both directions: what the machine was before is found again from snapshots taken on the way.</summary>
/// <remarks>
/// <para>
/// A place in the run is a count of retired instructions. Going back means going to the nearest snapshot before the place and forward from
/// there, which is exact because a run is a function of what came before. While that repeats what was seen already, the machine's output is
/// held back (<see cref="PvhMachine.IsRepeating"/>).
/// </para>
/// <para>
/// Backwards, a breakpoint stops before its instruction, as forwards; a watchpoint before the access, so that memory is seen as it was.
/// Who changes the machine in the past begins another future: <see cref="Branch"/>.
/// </para>
/// <para>
/// A disk whose image the guest writes to has no past: going back over a write is refused. So either it is <see cref="DiskOptions.IsSnapshot"/>, or the
/// machine has an <see cref="Recording.InputHistory"/> as its journal, which keeps what is written in memory and the console's input for the past.
/// A trace that is being taken (<see cref="PvhMachine.IsTracing"/>) ends where the machine stands when it goes back, or comes by a change.
/// </para>
/// Not thread safe.
/// </remarks>
public sealed class Timeline
{
    private readonly SnapshotLine _kept;
    // Places where somebody has changed the machine: what the snapshots of them hold does not follow from what came before.
    private readonly SortedSet<ulong> _changes = [];
    private IReadOnlyList<ulong> _breakpoints = [];
    private IReadOnlyList<Watchpoint> _watchpoints = [];

    /// <summary>Begins at the machine's present state, which is as far back as one can go.</summary>
    /// <param name="machine">The machine; from now on to be run by this alone.</param>
    /// <param name="options">What may be spent on it; null for the defaults.</param>
    public Timeline(PvhMachine machine, TimelineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(machine);
        Machine = machine;
        _kept = new SnapshotLine(machine, options ?? new TimelineOptions());
        Beginning = Frontier = machine.InstructionsRetired;
        _kept.KeepAlways();
    }

    /// <summary>The machine.</summary>
    public PvhMachine Machine { get; }

    /// <summary>The present place: instructions that all vCPUs together have retired.</summary>
    public ulong Position => Machine.InstructionsRetired;

    /// <summary>The first place.</summary>
    public ulong Beginning { get; }

    /// <summary>The last place that was ever reached: what lies before it is the past, and is repeated.</summary>
    public ulong Frontier { get; private set; }

    /// <summary>Linear addresses of the instructions before which both directions stop.</summary>
    public IReadOnlyList<ulong> Breakpoints
    {
        get => _breakpoints;
        set
        {
            _breakpoints = [.. value];
            Machine.SetBreakpoints(_breakpoints);
        }
    }

    /// <summary>The accesses at which both directions stop.</summary>
    public IReadOnlyList<Watchpoint> Watchpoints
    {
        get => _watchpoints;
        set
        {
            _watchpoints = [.. value];
            Machine.SetWatchpoints(_watchpoints);
        }
    }

    /// <summary>Goes forward.</summary>
    /// <param name="limits">When to end at the latest.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns>How it ended.</returns>
    public RunResult Run(RunLimits limits, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        while (true)
        {
            var isPast = Position < Frontier;
            var leg = Math.Min(_kept.NextDue(Position), isPast ? Math.Min(Frontier, NextChange) : ulong.MaxValue);
            Machine.IsRepeating = isPast;
            var result = Machine.Run(limits with { MaxInstructions = Math.Min(limits.MaxInstructions, leg) }, cancellation);
            Machine.IsRepeating = false;
            Frontier = Math.Max(Frontier, Position);
            if (isPast && _changes.Contains(Position))
                ChangeAgain();
            if (result.Reason != StopReason.LimitReached || Position >= limits.MaxInstructions || Machine.Clock.Now >= limits.MaxVirtualTime)
                return result;
            limits = limits with { PassesBreakpoint = false };
            if (Position >= _kept.NextDue(leg - 1))
                _kept.Keep();
        }
    }

    /// <summary>
    /// Goes to a place, in whichever direction it lies; breakpoints and watchpoints do not count. Where the delivery of an event meets with further
    /// faults, all of that happens at once, and the place before it takes the place of those between.
    /// </summary>
    /// <param name="position">Instructions since reset: from <see cref="Beginning"/> to <see cref="Frontier"/>.</param>
    public void GoTo(ulong position)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(position, Beginning);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Frontier);
        Disarm();
        var last = position;
        while (!TryGoTo(last))
            last--;
        Arm();
    }

    private bool TryGoTo(ulong position)
    {
        var nearest = _kept.LastUpTo(position);
        // A trace that is being taken wants to see what lies between.
        if (Position > position || (nearest.InstructionsRetired > Position && !Machine.IsTracing))
            Restore(nearest);
        while (Position < position)
        {
            // Who goes back will go back further from here: each time half of the way that is left.
            var half = Position + ((position - Position) / 2);
            Repeat(SnapshotLine.IsWorthKeeping(Position, half) ? half : position);
            if (Position < position)
                _kept.KeepForNow();
        }

        return Position == position;
    }

    /// <summary>Goes back by one instruction, or the delivery of one event, of whichever vCPU.</summary>
    /// <returns><see cref="StopReason.LimitReached"/>, or <see cref="StopReason.BeginningReached"/> where there is nothing before.</returns>
    public RunResult StepBack()
    {
        if (Position == Beginning)
            return new RunResult(StopReason.BeginningReached);
        GoTo(Position - 1);
        return new RunResult(StopReason.LimitReached);
    }

    /// <summary>Goes back to the last breakpoint, or access to a watchpoint, before the present place.</summary>
    /// <param name="cancellation">Gives up: the machine is where it was.</param>
    /// <returns>What was found; <see cref="StopReason.BeginningReached"/> where nothing was.</returns>
    public RunResult RunBack(CancellationToken cancellation = default)
    {
        var from = Position;
        var end = from;
        while (end > Beginning)
        {
            var snapshot = _kept.LastUpTo(end - 1);
            Restore(snapshot);
            Arm();
            var found = LastStop(end, cancellation);
            if (cancellation.IsCancellationRequested)
            {
                GoTo(from);
                return new RunResult(StopReason.Cancelled);
            }

            if (found is var (result, position))
            {
                GoTo(position);
                return result;
            }

            end = snapshot.InstructionsRetired;
        }

        GoTo(Beginning);
        return new RunResult(StopReason.BeginningReached);
    }

    /// <summary>
    /// Begins another future: to be called after the machine has been changed from outside. What was known of the old one is forgotten. Who goes back
    /// further and comes here again finds the change made.
    /// </summary>
    public void Branch()
    {
        Machine.ForgetFutureInput();
        _changes.RemoveWhere(place => place >= Position);
        _changes.Add(Position);
        _kept.ForgetFrom(Position);
        _kept.KeepAlways();
        Frontier = Position;
    }

    private ulong NextChange => _changes.GetViewBetween(Position + 1, ulong.MaxValue) is { Count: > 0 } ahead ? ahead.Min : ulong.MaxValue;

    private void ChangeAgain()
    {
        Restore(_kept.LastUpTo(Position));
        Arm();
    }

    private void Restore(MachineSnapshot snapshot)
    {
        Machine.EndTrace();
        Machine.Restore(snapshot);
    }

    // The last stop before a place, of those that lie behind where the machine is now.
    private (RunResult Result, ulong Position)? LastStop(ulong end, CancellationToken cancellation)
    {
        (RunResult, ulong)? last = null;
        Machine.IsRepeating = true;
        for (var passes = false; ; passes = true)
        {
            var result = Machine.Run(new RunLimits { MaxInstructions = end, PassesBreakpoint = passes }, cancellation);
            if (result.Reason == StopReason.Breakpoint)
                last = (result, Position);
            else if (result.Reason == StopReason.Watchpoint)
                last = (result, Position - 1);
            else
                break;
        }

        Machine.IsRepeating = false;
        return last;
    }

    private void Repeat(ulong until)
    {
        Machine.IsRepeating = true;
        Machine.Run(new RunLimits { MaxInstructions = until });
        Machine.IsRepeating = false;
        if (Position < until)
            throw new InvalidOperationException($"The run that went on to {until} before ends at {Position} now.");
    }

    private void Disarm()
    {
        Machine.SetBreakpoints([]);
        Machine.SetWatchpoints([]);
    }

    private void Arm()
    {
        Machine.SetBreakpoints(_breakpoints);
        Machine.SetWatchpoints(_watchpoints);
    }
}
