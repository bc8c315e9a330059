namespace Emu.Machine.Recording;

/// <summary>What an entry of a recording is.</summary>
internal enum LogEntryKind
{
    /// <summary>A machine starts: the first, or one more after the guest's end.</summary>
    Life = 1,

    /// <summary>Something was there when the machine looked; its answers follow.</summary>
    Visit = 2,

    /// <summary>The state at a place, in short.</summary>
    Checkpoint = 3,

    /// <summary>How a machine ended.</summary>
    LifeEnd = 4,

    /// <summary>How the run ended.</summary>
    RunEnd = 5,

    /// <summary>What the host answered to a question that the machine asks by itself.</summary>
    Answer = 6,

    /// <summary>What the host answered during a visit.</summary>
    VisitAnswer = 7,
}

/// <summary>What the host answered.</summary>
internal enum AnswerKind
{
    /// <summary>No answer.</summary>
    None,

    /// <summary>Console: one byte.</summary>
    ConsoleByte,

    /// <summary>Console: no more, ever.</summary>
    ConsoleEnd,

    /// <summary>A stream has come about.</summary>
    Connected,

    /// <summary>A stream could not be made.</summary>
    NotConnected,

    /// <summary>A stream has taken so many bytes, four of them, where as many as were there, or none while it is full, would have gone without saying.</summary>
    Sent,

    /// <summary>A stream has delivered these bytes.</summary>
    Received,

    /// <summary>A stream's other side has closed.</summary>
    StreamEnded,

    /// <summary>A stream is broken.</summary>
    StreamFailed,

    /// <summary>Somebody called.</summary>
    Accepted,

    /// <summary>A datagram: the sender's address, four bytes, and port, two, and the payload.</summary>
    Datagram,

    /// <summary>The host has no port for datagrams.</summary>
    NoDatagramPort,

    /// <summary>The host could not read, write or flush a disk's image.</summary>
    DiskFailure,
}

/// <summary>An entry of a recording.</summary>
/// <param name="Kind">What it is.</param>
internal sealed record LogEntry(LogEntryKind Kind)
{
    /// <summary>Where it is. An answer has a time alone, and during a visit nothing.</summary>
    public InputPosition Position { get; init; }

    /// <summary>The number of the question that is answered: since the machine's start, or since the visit's. Of a checkpoint, the number of the next question.</summary>
    public ulong Question { get; init; }

    /// <summary>The answer's kind.</summary>
    public AnswerKind Answer { get; init; }

    /// <summary>What comes with an answer; the digest of a checkpoint; the state hash at the end of a life.</summary>
    public ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>How a life ended; for the end of the run, what its maker says.</summary>
    public ulong Reason { get; init; }

    /// <summary>The guest's exit code; for the end of the run, what its maker says. For a life, <see cref="InputLogFormat.HasConsole"/> and <see cref="InputLogFormat.IsResumed"/>.</summary>
    public ulong Detail { get; init; }

    /// <summary>Where it stands in the file: where its frame begins.</summary>
    public long Frame { get; init; }

    /// <summary>Where it stands in its frame: how many entries come before it.</summary>
    public int Index { get; init; }

    /// <summary>True where a replay must stop exactly there, because something happens that the machine itself does not bring about.</summary>
    public bool IsStop => Kind is LogEntryKind.Visit or LogEntryKind.Checkpoint || (Kind == LogEntryKind.LifeEnd && Reason == (ulong)StopReason.Cancelled);
}
