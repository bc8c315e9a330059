using Emu.Cpu.Snapshots;
using Emu.Machine.Consoles;
using Emu.Machine.Network.HostAccess;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>Writes down what comes into a run from outside.</summary>
public sealed class InputRecorder : InputJournal
{
    /// <summary>Instructions between two checkpoints: some per second of work, and a few bytes each.</summary>
    private const ulong CheckpointDistance = 1UL << 26;

    /// <summary>Answers between two checkpoints at most: whoever reads a recording looks so far ahead.</summary>
    private const int AnswersToCheckpoint = 1 << 12;

    /// <summary>Host time after which there is a checkpoint where anything has happened, in milliseconds: what a killed run may lose.</summary>
    private const long LongestSilence = 1000;

    private readonly InputLogWriter _log;
    private bool _isVisit;
    private ulong _checkpointAt;
    private int _answers;
    private long _writtenAt;
    private InputPosition _last;
    private int _lives;
    private bool _isResuming;

    /// <summary>Begins a recording.</summary>
    /// <param name="stream">Where it goes; closed with the recorder.</param>
    /// <param name="description">What whoever replays it must know: up to 1 MiB.</param>
    public InputRecorder(Stream stream, ReadOnlySpan<byte> description) => _log = new InputLogWriter(stream, description);

    /// <inheritdoc/>
    public override bool IsReplay => false;

    /// <summary>
    /// True where the first machine does not boot, but goes on from a snapshot: restored right after it is made. Whoever replays needs the same snapshot, and has
    /// to be told by the description which one.
    /// </summary>
    public bool BeginsWithSnapshot { get; init; }

    /// <summary>What went wrong on the host while writing: the recording ends there, the run goes on. Null where nothing did.</summary>
    public IOException? Failure => _log.Failure;

    /// <summary>Says how the run ended, in the words of whoever made it.</summary>
    /// <param name="reason">A number.</param>
    /// <param name="detail">Another.</param>
    public void EndRun(ulong reason, ulong detail)
    {
        _log.Add(new LogEntry(LogEntryKind.RunEnd) { Reason = reason, Detail = detail });
        _log.Flush();
    }

    /// <inheritdoc/>
    public override void EndLife(PvhMachine machine, RunResult result)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(result);
        _log.Add(new LogEntry(LogEntryKind.LifeEnd)
        {
            Position = Clock.Position,
            // Who paused it and let it be has ended it from outside, as who cancelled it.
            Reason = (ulong)(result.Reason == StopReason.Paused ? StopReason.Cancelled : result.Reason),
            Detail = (uint)result.Code,
            Bytes = machine.StateHash(),
        });
        _log.Flush();
    }

    /// <inheritdoc/>
    public override void Dispose() => _log.Dispose();

    /// <summary>The host has answered something that does not go without saying.</summary>
    internal void Note(AnswerKind answer, ReadOnlySpan<byte> bytes = default)
    {
        if (IsLooking && !_isVisit)
        {
            _isVisit = true;
            _last = Clock.Position;
            _log.Add(new LogEntry(LogEntryKind.Visit) { Position = _last });
        }

        _answers++;
        _log.Add(new LogEntry(IsLooking ? LogEntryKind.VisitAnswer : LogEntryKind.Answer)
        {
            Answer = answer,
            Question = NextQuestion(),
            Position = new InputPosition(Clock.Now, 0, 0),
            Bytes = bytes.ToArray(),
        });
    }

    /// <summary>The host has answered what goes without saying.</summary>
    internal void NoteNothing() => NextQuestion();

    /// <inheritdoc/>
    internal override IHostSockets OpenSockets(Func<IHostSockets> open) => new RecordedSockets(open(), this);

    /// <inheritdoc/>
    internal override IBlockImage OpenImage(DiskOptions disk, Func<DiskOptions, IBlockImage> open) => new RecordedImage(open(disk), this);

    /// <inheritdoc/>
    internal override RunResult? Pass(Func<byte[]> digest)
    {
        var here = Clock.Position;
        if (here.Retired >= _checkpointAt || _answers >= AnswersToCheckpoint || (here != _last && Environment.TickCount64 - _writtenAt >= LongestSilence))
        {
            _checkpointAt = here.Retired + CheckpointDistance;
            _answers = 0;
            _last = here;
            _log.Add(new LogEntry(LogEntryKind.Checkpoint) { Position = here, Question = Question, Bytes = digest() });
        }

        WriteOut();
        return null;
    }

    private protected override (long Frame, int Index) Place => (_log.Length, 0);

    private protected override IConsoleSource? Begin(IConsoleSource? source)
    {
        _checkpointAt = CheckpointDistance;
        _last = default;
        _isResuming = BeginsWithSnapshot && _lives++ == 0;
        _log.Add(new LogEntry(LogEntryKind.Life)
        {
            Detail = (source is null ? 0 : InputLogFormat.HasConsole) | (_isResuming ? InputLogFormat.IsResumed : 0),
        });
        _log.Flush();
        _writtenAt = Environment.TickCount64;
        return source is null ? null : new RecordedConsole(source, this);
    }

    private protected override void BeginVisit() => _isVisit = false;

    private protected override void EndVisit()
    {
    }

    private protected override void WriteOut()
    {
        if (!_log.HasUnwritten)
            return;
        _log.Flush();
        _writtenAt = Environment.TickCount64;
    }

    private protected override void GoTo(long frame, int index)
    {
        if (!_isResuming)
            throw new SnapshotException("A run that is being recorded cannot go back to a snapshot: record from the snapshot on, or replay.");
        _isResuming = false;
        // The first thing to be said is where it begins, and how.
        _checkpointAt = 0;
    }
}
