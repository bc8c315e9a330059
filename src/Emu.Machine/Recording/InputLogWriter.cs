using System.Buffers;
using System.Buffers.Binary;

namespace Emu.Machine.Recording;

/// <summary>Writes a recording. It only ever grows, so that the recording of a run that is killed is good up to there.</summary>
internal sealed class InputLogWriter : IDisposable
{
    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _frame = new(1 << 12);
    private InputPosition _base;
    private ulong _question;
    private ulong _visitQuestion;

    /// <summary>Begins a recording.</summary>
    /// <param name="stream">Where it goes; closed with the writer.</param>
    /// <param name="description">What whoever replays it must know.</param>
    public InputLogWriter(Stream stream, ReadOnlySpan<byte> description)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(description.Length, InputLogFormat.LongestDescription);
        _stream = stream;
        var header = new byte[InputLogFormat.FixedHeaderLength + description.Length + InputLogFormat.ChecksumLength];
        InputLogFormat.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), InputLogFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(10), description.Length);
        description.CopyTo(header.AsSpan(InputLogFormat.FixedHeaderLength));
        var covered = header.AsSpan(0, InputLogFormat.FixedHeaderLength + description.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(covered.Length), InputLogFormat.Checksum(covered));
        Put(header);
    }

    /// <summary>What went wrong on the host while writing: the recording ends there, the run goes on. Null where nothing did.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>How many bytes have been written.</summary>
    public long Length { get; private set; }

    /// <summary>True where an entry is not written yet.</summary>
    public bool HasUnwritten => _frame.WrittenCount != 0;

    /// <summary>Adds an entry.</summary>
    public void Add(LogEntry entry)
    {
        if (_frame.WrittenCount >= InputLogFormat.FullFrame)
            Flush();
        switch (entry.Kind)
        {
            case LogEntryKind.Answer:
                Tag((byte)(InputLogFormat.AnswerTag + entry.Answer));
                Number(entry.Question - _question);
                Number(entry.Position.Time - _base.Time);
                _question = entry.Question;
                Block(entry.Bytes.Span);
                break;
            case LogEntryKind.VisitAnswer:
                Tag((byte)(InputLogFormat.VisitAnswerTag + entry.Answer));
                Number(entry.Question - _visitQuestion);
                _visitQuestion = entry.Question;
                Block(entry.Bytes.Span);
                break;
            case LogEntryKind.Life:
                // Each life begins at the beginning of time.
                Flush();
                Tag((byte)entry.Kind);
                Number(entry.Detail);
                break;
            case LogEntryKind.RunEnd:
                Tag((byte)entry.Kind);
                Number(entry.Reason);
                Number(entry.Detail);
                break;
            default:
                Tag((byte)entry.Kind);
                Place(entry.Position);
                AddRest(entry);
                break;
        }
    }

    /// <summary>Hands what was added to the host's kernel, where it outlives this process.</summary>
    public void Flush()
    {
        if (_frame.WrittenCount == 0)
            return;
        var entries = _frame.WrittenSpan;
        var frame = new byte[InputLogFormat.FrameHeaderLength + entries.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, InputLogFormat.CheckedLength(entries.Length));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), InputLogFormat.Checksum(entries));
        entries.CopyTo(frame.AsSpan(InputLogFormat.FrameHeaderLength));
        Put(frame);
        _frame.ResetWrittenCount();
        // Each frame can be read by itself.
        _base = default;
        _question = 0;
        _visitQuestion = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Flush();
        try
        {
            _stream.Dispose();
        }
        catch (IOException failure)
        {
            Failure ??= failure;
        }
    }

    private void AddRest(LogEntry entry)
    {
        switch (entry.Kind)
        {
            case LogEntryKind.Visit:
                _visitQuestion = 0;
                break;
            case LogEntryKind.Checkpoint:
                Number(entry.Question - _question);
                _question = entry.Question;
                _frame.Write(entry.Bytes.Span);
                break;
            default:
                Number(entry.Reason);
                Number(entry.Detail);
                _frame.Write(entry.Bytes.Span);
                break;
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (Failure is not null)
            return;
        try
        {
            _stream.Write(bytes);
            _stream.Flush();
            Length += bytes.Length;
        }
        catch (IOException failure)
        {
            Failure = failure;
        }
    }

    private void Place(in InputPosition position)
    {
        // Idle time, like time itself, only grows.
        Number(position.Time - _base.Time);
        Number(position.Time - position.Retired - (_base.Time - _base.Retired));
        Number(position.Expirations - _base.Expirations);
        _base = position;
    }

    private void Block(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        _frame.Write(bytes);
    }

    private void Tag(byte value)
    {
        _frame.GetSpan(1)[0] = value;
        _frame.Advance(1);
    }

    /// <summary>Seven bits in each byte, the lowest first; the highest bit says that there is more.</summary>
    private void Number(ulong value)
    {
        while (value >= 0x80)
        {
            Tag((byte)(value | 0x80));
            value >>= 7;
        }

        Tag((byte)value);
    }
}
