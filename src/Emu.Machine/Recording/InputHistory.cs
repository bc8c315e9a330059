using Emu.Machine.Consoles;
using Emu.Machine.Network.HostAccess;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>
/// Remembers what was typed, and when, for a run that can be gone through in both directions: in the past it comes again as it came; where the run
/// has not been yet, the host is asked.
/// </summary>
/// <remarks>
/// Connections to the host are not remembered: a snapshot that is restored finds them reset. What the guest writes to disks is kept in memory, so that
/// it can be taken back, and lasts from one machine to the next; the images stay as they are. See <see cref="WritesDisks"/>.
/// </remarks>
public sealed class InputHistory : InputJournal
{
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, SnapshotImage> _overlays = [];
    private int _next;
    private ulong _frontier;
    private bool _isVisit;

    private enum EntryKind
    {
        None,

        /// <summary>The machine looked, and something had come.</summary>
        Visit,

        /// <summary>What had come then.</summary>
        VisitAnswer,

        /// <summary>The answer to a question that the machine asked by itself.</summary>
        Answer,
    }

    /// <inheritdoc/>
    public override bool IsReplay => IsPast;

    /// <summary>Whether the guest writes to the images of its disks after all: restoring a snapshot from before it did is refused then.</summary>
    public bool WritesDisks { get; init; }

    /// <inheritdoc/>
    internal override ulong NextStop
    {
        get
        {
            if (!IsPast)
                return ulong.MaxValue;
            var stop = _entries.FindIndex(_next, static entry => entry.Kind == EntryKind.Visit);
            return stop < 0 ? ulong.MaxValue : _entries[stop].Position.Time;
        }
    }

    /// <summary>True where the run has been before.</summary>
    internal bool IsPast => _next < _entries.Count || Clock.Position.Retired < _frontier;

    private protected override (long Frame, int Index) Place => (0, _next);

    /// <inheritdoc/>
    public override void EndLife(PvhMachine machine, RunResult result)
    {
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var overlay in _overlays.Values)
            overlay.Dispose();
        _overlays.Clear();
    }

    /// <summary>Another future begins here: what was typed in the old one is forgotten.</summary>
    internal override void Branch()
    {
        _entries.RemoveRange(_next, _entries.Count - _next);
        _frontier = Clock.Position.Retired;
    }

    /// <summary>Keeps what the host has just answered.</summary>
    internal void Keep(ConsoleInput state, byte value)
    {
        NoteFrontier();
        var question = NextQuestion();
        if (state == ConsoleInput.Empty)
            return;
        if (IsLooking && !_isVisit)
        {
            _isVisit = true;
            _entries.Add(new Entry(EntryKind.Visit, Clock.Position, 0, default, 0));
        }

        _entries.Add(new Entry(IsLooking ? EntryKind.VisitAnswer : EntryKind.Answer, default, question, state, value));
        _next = _entries.Count;
    }

    /// <summary>What the host answered then.</summary>
    internal ConsoleInput Recall(out byte value)
    {
        value = 0;
        if (IsLooking && !_isVisit)
            return ConsoleInput.Empty;
        var question = NextQuestion();
        var kind = IsLooking ? EntryKind.VisitAnswer : EntryKind.Answer;
        var entry = _next == _entries.Count ? default : _entries[_next];
        if (entry.Kind != kind || entry.Question != question)
            return ConsoleInput.Empty;
        _next++;
        value = entry.Value;
        return entry.State;
    }

    /// <inheritdoc/>
    internal override IHostSockets OpenSockets(Func<IHostSockets> open) => open();

    /// <inheritdoc/>
    internal override IBlockImage OpenImage(DiskOptions disk, Func<DiskOptions, IBlockImage> open)
    {
        if (WritesDisks || disk.IsReadOnly || disk.IsSnapshot)
            return open(disk);
        if (!_overlays.TryGetValue(disk.Device, out var overlay))
        {
            overlay = new SnapshotImage(open(disk with { IsReadOnly = true }));
            _overlays.Add(disk.Device, overlay);
        }

        return new LastingImage(overlay);
    }

    /// <inheritdoc/>
    internal override RunResult? Pass(Func<byte[]> digest)
    {
        if (!IsPast)
            NoteFrontier();
        return null;
    }

    private protected override IConsoleSource? Begin(IConsoleSource? source)
    {
        _entries.Clear();
        _next = 0;
        _frontier = 0;
        return source is null ? null : new RememberedConsole(source, this);
    }

    private protected override void BeginVisit()
    {
        _isVisit = false;
        if (!IsPast)
        {
            NoteFrontier();
        }
        else if (_next < _entries.Count && _entries[_next] is { Kind: EntryKind.Visit } next && next.Position == Clock.Position)
        {
            _isVisit = true;
            _next++;
        }
    }

    private protected override void EndVisit()
    {
    }

    private protected override void WriteOut()
    {
    }

    private protected override void GoTo(long frame, int index) => _next = Math.Min(index, _entries.Count);

    private void NoteFrontier() => _frontier = Math.Max(_frontier, Clock.Position.Retired);

    private readonly record struct Entry(EntryKind Kind, InputPosition Position, ulong Question, ConsoleInput State, byte Value);
}

/// <summary>Console input that is remembered.</summary>
internal sealed class RememberedConsole(IConsoleSource source, InputHistory history) : IConsoleSource
{
    public bool IsInteractive => source.IsInteractive;

    public ConsoleInput TryRead(out byte value) => TryRead(TimeSpan.Zero, out value);

    public ConsoleInput TryRead(TimeSpan patience, out byte value)
    {
        if (history.IsPast)
            return history.Recall(out value);
        var state = source.TryRead(patience, out value);
        history.Keep(state, value);
        return state;
    }

    public bool Wait(TimeSpan timeout) => !history.IsPast && source.Wait(timeout);
}
