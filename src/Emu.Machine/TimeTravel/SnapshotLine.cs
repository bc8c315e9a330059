using Emu.Machine.Snapshots;

namespace Emu.Machine.TimeTravel;

/// <summary>The snapshots of a run, in order: at regular intervals for good, and for now around the place that somebody is looking at.</summary>
internal sealed class SnapshotLine
{
    /// <summary>Instructions that are repeated faster than a snapshot is taken and restored.</summary>
    private const ulong NotWorthKeeping = 400_000;

    /// <summary>How many are kept for now.</summary>
    private const int MostForNow = 24;

    private readonly PvhMachine _machine;
    private readonly long _memory;
    private readonly SortedList<ulong, MachineSnapshot> _all = [];
    private readonly List<ulong> _forNow = [];
    private readonly HashSet<ulong> _always = [];
    private ulong _interval;
    private long _bytes;

    public SnapshotLine(PvhMachine machine, TimelineOptions options)
    {
        _machine = machine;
        _interval = Math.Max(options.Interval, NotWorthKeeping);
        _memory = options.Memory;
    }

    /// <summary>Where the next snapshot is due that is kept for good.</summary>
    /// <param name="position">The present place.</param>
    /// <returns>A later place.</returns>
    public ulong NextDue(ulong position) => position / _interval >= ulong.MaxValue / _interval ? ulong.MaxValue : ((position / _interval) + 1) * _interval;

    /// <summary>Whether a snapshot between a known place and another one would pay.</summary>
    public static bool IsWorthKeeping(ulong known, ulong other) => other - known > NotWorthKeeping;

    /// <summary>Keeps the machine's present state for good.</summary>
    public void Keep()
    {
        _forNow.Remove(_machine.InstructionsRetired);
        if (Add() && _bytes > _memory)
            Thin();
    }

    /// <summary>Keeps the machine's present state, which nothing else leads to, whatever memory that takes.</summary>
    public void KeepAlways()
    {
        _forNow.Remove(_machine.InstructionsRetired);
        _always.Add(_machine.InstructionsRetired);
        Add();
    }

    /// <summary>Keeps the machine's present state until others have been looked at more lately.</summary>
    public void KeepForNow()
    {
        if (!Add())
            return;
        _forNow.Add(_machine.InstructionsRetired);
        if (_forNow.Count <= MostForNow)
            return;
        _all.Remove(_forNow[0]);
        _forNow.RemoveAt(0);
    }

    /// <summary>The last snapshot of a place or before it: there is one for every place from the first one's on.</summary>
    public MachineSnapshot LastUpTo(ulong position)
    {
        var low = 0;
        var high = _all.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_all.GetKeyAtIndex(middle) <= position)
                low = middle;
            else
                high = middle - 1;
        }

        return _all.GetValueAtIndex(low);
    }

    /// <summary>Forgets a place and everything behind it.</summary>
    public void ForgetFrom(ulong position)
    {
        while (_all.Count != 0 && _all.GetKeyAtIndex(_all.Count - 1) >= position)
            _all.RemoveAt(_all.Count - 1);
        _always.RemoveWhere(kept => kept >= position);
        _forNow.RemoveAll(kept => kept >= position);
    }

    private bool Add()
    {
        if (_all.ContainsKey(_machine.InstructionsRetired))
            return false;
        var snapshot = _machine.TakeSnapshot();
        _bytes += snapshot.BytesBeside(_all.Count == 0 ? null : LastUpTo(snapshot.InstructionsRetired));
        _all.Add(snapshot.InstructionsRetired, snapshot);
        return true;
    }

    // Every second one goes, but the first and what must stay; what only it held goes with it.
    private void Thin()
    {
        _interval *= 2;
        for (var i = _all.Count - 2; i > 0; i -= 2)
        {
            if (_always.Contains(_all.GetKeyAtIndex(i)))
                continue;
            _forNow.Remove(_all.GetKeyAtIndex(i));
            _all.RemoveAt(i);
        }

        _bytes = 0;
        MachineSnapshot? before = null;
        foreach (var snapshot in _all.Values)
        {
            _bytes += snapshot.BytesBeside(before);
            before = snapshot;
        }
    }
}
