using System.Globalization;
using Emu.Machine.Consoles;
using Emu.Machine.Network.HostAccess;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>Plays back what came into a run from outside, where it came.</summary>
/// <remarks>
/// Where somebody changes the machine, as a debugger does, a run of its own begins: nothing is compared any more, the network is silent, and what was
/// typed still comes, at the virtual times at which it did or as soon as the guest takes it.
/// </remarks>
public sealed partial class InputReplayer : InputJournal
{
    private readonly InputLogReader _log;
    private readonly Queue<LogEntry> _ahead = [];
    private readonly Dictionary<string, SnapshotImage> _overlays = [];
    private ReplayException? _divergence;
    private LogEntry? _stop;
    private bool _isAtEnd;
    private bool _isVisit;
    private ulong _verified;
    private bool _isResuming;

    /// <summary>Makes the input of a run that was recorded.</summary>
    /// <param name="log">The recording; closed with this.</param>
    public InputReplayer(InputLogReader log)
    {
        ArgumentNullException.ThrowIfNull(log);
        _log = log;
    }

    /// <inheritdoc/>
    public override bool IsReplay => true;

    /// <summary>Checkpoints, and ends, at which the state was found as it was.</summary>
    public int CheckpointsPassed { get; private set; }

    /// <summary>True where the recording was cut off, and the replay has come to that place.</summary>
    public bool WasCutOff { get; private set; }

    /// <summary>
    /// The count of instructions that is to be verified: at the first checkpoint there or behind it, the replay ends. The greatest number for the recorded
    /// run's end.
    /// </summary>
    public ulong EndsBehind { get; set; } = ulong.MaxValue;

    /// <summary>The last count of instructions at which the state was found as it was, or where a snapshot began.</summary>
    public ulong Verified => _verified;

    /// <summary>True where all that was to be verified is.</summary>
    public bool IsDone => _verified >= EndsBehind;

    /// <summary>True where the replay was ended by whoever runs it, before the recorded run's end.</summary>
    public bool WasStopped { get; private set; }

    /// <summary>How the run ended, in the words of whoever recorded it; null where it is not there yet, or where the recording was cut off.</summary>
    public (ulong Reason, ulong Detail)? RunEnd => Peek() is { Kind: LogEntryKind.RunEnd } end ? (end.Reason, end.Detail) : null;

    /// <summary>True where another machine follows the one that has ended.</summary>
    public bool HasNextLife => Peek() is { Kind: LogEntryKind.Life };

    /// <summary>True before the snapshot is restored that the recorded run began with: what of the host it had to do with, is gone, as it was then.</summary>
    internal bool IsResuming => _isResuming;

    /// <inheritdoc/>
    public override void EndLife(PvhMachine machine, RunResult result)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(result);
        ThrowIfDiverged();
        if (WasCutOff || IsBranch)
            return;
        var here = Clock.Position;
        var next = Peek();
        if (next is { Kind: LogEntryKind.LifeEnd } end && end.Position == here && end.Reason == (ulong)result.Reason && (uint)end.Detail == (uint)result.Code)
        {
            if (!end.Bytes.Span.SequenceEqual(machine.StateHash()))
                Diverge($"the state at the end is not the recorded one, though registers were {(_verified == here.Retired ? "equal" : "equal at the last checkpoint")}");
            else
                Verify(end);
        }
        else if (result.Reason is StopReason.LimitReached or StopReason.Cancelled)
        {
            WasStopped = true;
        }
        else
        {
            Diverge(next is { Kind: LogEntryKind.LifeEnd } other && other.Position == here
                ? $"it ended otherwise ({result.Reason} instead of {(StopReason)other.Reason})"
                : $"it ended there ({result.Reason}), and the recorded run went on");
        }

        ThrowIfDiverged();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var overlay in _overlays.Values)
            overlay.Dispose();
        _overlays.Clear();
        _log.Dispose();
    }

    /// <inheritdoc/>
    internal override ulong NextStop
    {
        get
        {
            if (IsBranch)
                return NextTyped;
            if (_stop is null && !_isAtEnd)
            {
                // Only answers that the machine asks for by itself stand before the next stop.
                if (_ahead.TryPeek(out var first) && first.Kind != LogEntryKind.Answer)
                    _stop = first;
                while (_stop is null && !_isAtEnd)
                {
                    if (ReadAhead() is { } entry && entry.Kind != LogEntryKind.Answer)
                        _stop = entry;
                }
            }

            return _stop is { IsStop: true } stop ? stop.Position.Time : ulong.MaxValue;
        }
    }

    /// <summary>Asks what the host answered.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="possible">What it can be.</param>
    /// <returns>False where it answered what goes without saying.</returns>
    internal bool TryTake(out LogEntry answer, params ReadOnlySpan<AnswerKind> possible)
    {
        answer = null!;
        if (IsBranch)
            return possible.Contains(AnswerKind.ConsoleByte) && TryType(out answer);
        if (IsLooking && !_isVisit)
            return false;
        var question = NextQuestion();
        var kind = IsLooking ? LogEntryKind.VisitAnswer : LogEntryKind.Answer;
        if (Peek() is not { } next || next.Kind != kind || next.Question > question)
            return false;
        if (next.Question != question || (!IsLooking && next.Position.Time != Clock.Now) || !possible.Contains(next.Answer))
        {
            Diverge($"the guest asked for something else than what was recorded ({next.Answer})");
            return false;
        }

        answer = Dequeue();
        return true;
    }

    /// <summary>The replay cannot be what was recorded; the run ends at its next stop.</summary>
    internal void Diverge(string what)
    {
        if (IsBranch)
            return;
        var retired = Clock.Position.Retired;
        _divergence ??= new ReplayException(string.Create(
            CultureInfo.InvariantCulture,
            $"The replay left the recorded run between instruction {_verified}, where they were equal, and instruction {retired}: {what}."));
    }

    /// <inheritdoc/>
    internal override IHostSockets OpenSockets(Func<IHostSockets> open) => new ReplayedSockets(this);

    /// <inheritdoc/>
    internal override IBlockImage OpenImage(DiskOptions disk, Func<DiskOptions, IBlockImage> open)
    {
        // What is written to an image lasts from one life to the next; here it lasts in memory, and the file stays as it is.
        if (disk.IsReadOnly || disk.IsSnapshot)
            return new ReplayedImage(open(disk), isShared: false, this);
        if (!_overlays.TryGetValue(disk.Device, out var overlay))
        {
            overlay = new SnapshotImage(open(disk with { IsReadOnly = true }), ulong.MaxValue);
            _overlays.Add(disk.Device, overlay);
        }

        return new ReplayedImage(overlay, isShared: true, this);
    }

    /// <inheritdoc/>
    internal override RunResult? Pass(Func<byte[]> digest)
    {
        while (true)
        {
            ThrowIfDiverged();
            if (IsBranch)
                return null;
            if (IsDone)
                return new RunResult(StopReason.Cancelled);
            var here = Clock.Position;
            if (Peek() is not { } next)
            {
                WasCutOff = true;
                return new RunResult(StopReason.Cancelled);
            }

            if (next.Position.Time > here.Time || (next.Kind == LogEntryKind.Answer && next.Position.Time == here.Time))
                return null;
            if (next.Kind == LogEntryKind.Answer || next.Position != here)
            {
                Diverge(next.Kind == LogEntryKind.LifeEnd ? "the recorded run had ended by then" : "what came from outside found it elsewhere");
                continue;
            }

            if (next.Kind != LogEntryKind.Checkpoint)
                return next is { Kind: LogEntryKind.LifeEnd, IsStop: true } ? new RunResult(StopReason.Cancelled) : null;
            if (next.Question != Question || !next.Bytes.Span.SequenceEqual(digest()))
                Diverge("the registers are not the recorded ones");
            else
                Verify(next);
        }
    }

    private protected override (long Frame, int Index) Place => Peek() is { } next ? (next.Frame, next.Index) : (0, 0);

    private protected override IConsoleSource? Begin(IConsoleSource? source)
    {
        _verified = 0;
        if (Peek() is not { Kind: LogEntryKind.Life })
            throw new ReplayException("The replay starts the guest once more than the recorded run did.");
        var begin = Dequeue().Detail;
        _isResuming = (begin & InputLogFormat.IsResumed) != 0;
        return (begin & InputLogFormat.HasConsole) == 0 ? null : new ReplayedConsole(this);
    }

    private protected override void BeginVisit()
    {
        _isVisit = !IsBranch && Peek() is { Kind: LogEntryKind.Visit } next && next.Position == Clock.Position;
        if (_isVisit)
            Dequeue();
    }

    private protected override void EndVisit()
    {
        if (_isVisit && Peek() is { Kind: LogEntryKind.VisitAnswer } left)
            Diverge($"the guest did not ask for what was recorded ({left.Answer})");
        _isVisit = false;
    }

    private protected override void WriteOut()
    {
    }

    private protected override void GoTo(long frame, int index)
    {
        if (_isResuming)
        {
            // The place is one in another recording, if in any; this one begins here.
            _isResuming = false;
            _verified = Clock.Position.Retired;
            return;
        }

        _ahead.Clear();
        _stop = null;
        _isAtEnd = false;
        _divergence = null;
        WasCutOff = WasStopped = false;
        _verified = Clock.Position.Retired;
        if (frame == 0)
            _isAtEnd = true;
        else
            _log.Seek(frame, index);
    }

    private void Verify(LogEntry entry)
    {
        _verified = entry.Position.Retired;
        CheckpointsPassed++;
        Dequeue();
    }

    private LogEntry? Peek() => _ahead.TryPeek(out var next) ? next : ReadAhead();

    private LogEntry? ReadAhead()
    {
        if (_isAtEnd)
            return null;
        if (_log.Read() is not { } entry)
        {
            _isAtEnd = true;
            return null;
        }

        _ahead.Enqueue(entry);
        return entry;
    }

    private LogEntry Dequeue()
    {
        var entry = _ahead.Dequeue();
        if (entry == _stop)
            _stop = null;
        return entry;
    }

    private void ThrowIfDiverged()
    {
        if (_divergence is not null)
            throw _divergence;
    }
}
