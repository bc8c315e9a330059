using System.Buffers.Binary;
using System.Globalization;

namespace Emu.Machine.Recording;

/// <summary>Reads a recording, in order or from a certain place. What it reads may be anything: it takes no more memory than a frame needs.</summary>
public sealed class InputLogReader : IDisposable
{
    private readonly Stream _stream;
    private readonly long _firstFrame;
    private byte[] _bytes = [];
    private int _length;
    private int _at;
    private long _frame;
    private int _index;
    private InputPosition _base;
    private ulong _question;
    private ulong _visitQuestion;

    private InputLogReader(Stream stream, string name, byte[] description)
    {
        _stream = stream;
        Name = name;
        Description = description;
        _firstFrame = _frame = stream.Position;
    }

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>What its maker has written about the run.</summary>
    public ReadOnlyMemory<byte> Description { get; }

    /// <summary>Whether bytes are those that a recording begins with.</summary>
    /// <param name="bytes">The first eight of a file.</param>
    /// <returns>Whether they are.</returns>
    public static bool IsSignature(ReadOnlySpan<byte> bytes) => bytes.StartsWith(InputLogFormat.Magic);

    /// <summary>Opens a recording, and checks it from the first byte to the last.</summary>
    /// <param name="stream">It, seekable; closed with the reader.</param>
    /// <param name="name">What messages call it.</param>
    /// <returns>It.</returns>
    /// <exception cref="RecordingException">It is no recording, or damaged. A recording that ends early is good.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static InputLogReader Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> fixedHeader = stackalloc byte[InputLogFormat.FixedHeaderLength];
        var read = stream.ReadAtLeast(fixedHeader, fixedHeader.Length, throwOnEndOfStream: false);
        if (!IsSignature(fixedHeader[..read]))
            throw new RecordingException($"'{name}' is no recording; 'emu run --record FILE' makes one.");
        if (read < fixedHeader.Length)
            throw CutShort(name);
        var version = BinaryPrimitives.ReadUInt16LittleEndian(fixedHeader[8..]);
        if (version != InputLogFormat.Version)
        {
            throw new RecordingException(string.Create(
                CultureInfo.InvariantCulture, $"The recording '{name}' is of version {version}; this program reads version {InputLogFormat.Version}."));
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(fixedHeader[10..]);
        if (length is < 0 or > InputLogFormat.LongestDescription)
            throw new RecordingException($"The recording '{name}' is damaged: its description cannot be so long.");
        var rest = new byte[length + InputLogFormat.ChecksumLength];
        if (stream.ReadAtLeast(rest, rest.Length, throwOnEndOfStream: false) < rest.Length)
            throw CutShort(name);
        byte[] covered = [.. fixedHeader, .. rest.AsSpan(0, length)];
        if (BinaryPrimitives.ReadUInt32LittleEndian(rest.AsSpan(length)) != InputLogFormat.Checksum(covered))
            throw new RecordingException($"The recording '{name}' is damaged: the checksum of its description does not fit.");
        InputLogReader reader = new(stream, name, rest[..length]);
        reader.CheckAll();
        return reader;
    }

    /// <summary>Where the last entry that has a place is; a recording that ends early ends there.</summary>
    public InputPosition LastPosition { get; private set; }

    /// <summary>Instructions that the first machine had retired where the recording last says so: at its end, or shortly before the recording was cut off.</summary>
    public ulong FirstLifeInstructions { get; private set; }

    /// <summary>
    /// Instructions that the first machine had retired where the recording begins: 0 for a boot, or where it was cut off before it said more than that it goes on
    /// from a snapshot.
    /// </summary>
    public ulong FirstLifeBegin { get; private set; }

    /// <summary>True where the first machine goes on from a snapshot.</summary>
    public bool BeginsWithSnapshot { get; private set; }

    /// <summary>How many machines there were, one after the other.</summary>
    public int Lives { get; private set; }

    /// <summary>True where the recording says how the run ended; false where it was cut off.</summary>
    public bool IsWhole { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    /// <summary>Reads the next entry.</summary>
    /// <returns>It; null at the end, be it the run's or where the recording was cut off.</returns>
    internal LogEntry? Read()
    {
        if (_at == _length && !TryReadFrame())
            return null;
        LogEntry entry = Decode() with { Frame = _frame, Index = _index };
        _index++;
        return entry;
    }

    /// <summary>Goes to a place from which entries are then read.</summary>
    /// <param name="frame">Where its frame begins.</param>
    /// <param name="index">How many entries come before it in the frame.</param>
    internal void Seek(long frame, int index)
    {
        if (frame < _firstFrame || frame > _stream.Length)
            throw Damaged("there is no such place in it");
        _stream.Position = frame;
        _length = _at = 0;
        for (var i = 0; i < index; i++)
        {
            if (Read() is not { } entry || entry.Frame != frame)
                throw Damaged("there is no such place in it");
        }
    }

    private static RecordingException CutShort(string name) => new($"The recording '{name}' is cut off before the run began.");

    /// <summary>Reads everything once: what can be refused is refused before anything runs.</summary>
    private void CheckAll()
    {
        LogEntry? before = null;
        var answers = 0;
        var position = default(InputPosition);
        var isFirstPlace = false;
        while (Read() is { } entry)
        {
            CheckOrder(entry, before);
            if (entry.Kind == LogEntryKind.Life)
            {
                BeginsWithSnapshot |= Lives == 0 && (entry.Detail & InputLogFormat.IsResumed) != 0;
                if (entry.Detail > (Lives == 0 ? InputLogFormat.HasConsole | InputLogFormat.IsResumed : InputLogFormat.HasConsole))
                    throw Damaged("a machine begins as none does");
                Lives++;
                position = default;
                isFirstPlace = Lives == 1 && BeginsWithSnapshot;
            }

            answers = entry.Kind == LogEntryKind.Answer ? answers + 1 : 0;
            if (answers > InputLogFormat.MostAnswers)
                throw Damaged("too much in it has no place");
            if (entry.Kind == LogEntryKind.Answer)
            {
                if (entry.Position.Time < position.Time)
                    throw Damaged("time goes back in it");
            }
            else if (entry.Kind is LogEntryKind.Visit or LogEntryKind.Checkpoint or LogEntryKind.LifeEnd)
            {
                if (!entry.Position.IsAtOrAfter(position))
                    throw Damaged("time goes back in it");
                position = entry.Position;
                if (isFirstPlace)
                    FirstLifeBegin = position.Retired;
                isFirstPlace = false;
                if (Lives == 1)
                    FirstLifeInstructions = position.Retired;
            }

            before = entry with { Bytes = default };
        }

        if (before is null)
            throw CutShort(Name);
        LastPosition = before.Kind == LogEntryKind.Answer ? before.Position : position;
        IsWhole = before.Kind == LogEntryKind.RunEnd;
        if (IsWhole && _frame != _stream.Length)
            throw Damaged("something follows its end");
        Seek(_firstFrame, 0);
    }

    private void CheckOrder(LogEntry entry, LogEntry? before)
    {
        var isOutside = before is null || before.Kind == LogEntryKind.LifeEnd;
        var isRight = entry.Kind switch
        {
            LogEntryKind.Life => isOutside,
            LogEntryKind.RunEnd => before is { Kind: LogEntryKind.LifeEnd },
            LogEntryKind.VisitAnswer => before is { Kind: LogEntryKind.Visit or LogEntryKind.VisitAnswer },
            _ => !isOutside && before!.Kind != LogEntryKind.RunEnd,
        };
        if (!isRight)
            throw Damaged("its entries are in no order");
    }

    private bool TryReadFrame()
    {
        _frame = _stream.Position;
        _index = 0;
        _length = _at = 0;
        Span<byte> header = stackalloc byte[InputLogFormat.FrameHeaderLength];
        // What a killed run had begun to write does not count.
        if (_stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
            return false;
        var checkedLength = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var length = (int)(checkedLength & 0xFF_FFFF);
        if (InputLogFormat.CheckedLength(length) != checkedLength || length is 0 or > InputLogFormat.LongestFrame)
            throw Damaged("the length of a part does not fit");
        if (_bytes.Length < length)
            _bytes = new byte[Math.Max(length, 1 << 12)];
        if (_stream.ReadAtLeast(_bytes.AsSpan(0, length), length, throwOnEndOfStream: false) < length)
            return false;
        if (InputLogFormat.Checksum(_bytes.AsSpan(0, length)) != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]))
            throw Damaged("the checksum of a part does not fit");
        _length = length;
        _base = default;
        _question = 0;
        _visitQuestion = 0;
        return true;
    }

    private LogEntry Decode()
    {
        var tag = Byte();
        if (tag >= InputLogFormat.VisitAnswerTag)
        {
            var kind = AnswerOf(tag - InputLogFormat.VisitAnswerTag);
            _visitQuestion += Number();
            return new LogEntry(LogEntryKind.VisitAnswer) { Answer = kind, Question = _visitQuestion, Bytes = Block() };
        }

        if (tag >= InputLogFormat.AnswerTag)
        {
            var kind = AnswerOf(tag - InputLogFormat.AnswerTag);
            _question += Number();
            return new LogEntry(LogEntryKind.Answer)
            {
                Answer = kind,
                Question = _question,
                Position = new InputPosition(_base.Time + Number(), 0, 0),
                Bytes = Block(),
            };
        }

        switch ((LogEntryKind)tag)
        {
            case LogEntryKind.Life:
                return new LogEntry(LogEntryKind.Life) { Detail = Number() };
            case LogEntryKind.RunEnd:
                return new LogEntry(LogEntryKind.RunEnd) { Reason = Number(), Detail = Number() };
            case LogEntryKind.Visit:
                _visitQuestion = 0;
                return new LogEntry(LogEntryKind.Visit) { Position = Place() };
            case LogEntryKind.Checkpoint:
                var position = Place();
                _question += Number();
                return new LogEntry(LogEntryKind.Checkpoint) { Position = position, Question = _question, Bytes = Take(InputLogFormat.DigestLength) };
            case LogEntryKind.LifeEnd:
                return new LogEntry(LogEntryKind.LifeEnd) { Position = Place(), Reason = Number(), Detail = Number(), Bytes = Take(InputLogFormat.HashLength) };
            default:
                throw Damaged("it has an entry that nobody knows");
        }
    }

    private AnswerKind AnswerOf(int value) =>
        value is > 0 and <= (int)AnswerKind.DiskFailure ? (AnswerKind)value : throw Damaged("it has an answer that nobody knows");

    private InputPosition Place()
    {
        var time = _base.Time + Number();
        var idle = _base.Time - _base.Retired + Number();
        var expirations = _base.Expirations + Number();
        if (time > Time.VirtualClock.Horizon || idle > time)
            throw Damaged("it has a time that cannot be");
        return _base = new InputPosition(time, time - idle, expirations);
    }

    private ReadOnlyMemory<byte> Block()
    {
        var length = Number();
        return length <= InputLogFormat.LongestAnswer ? Take((int)length) : throw Damaged("it has an answer that is too long");
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length > _length - _at)
            throw Damaged("an entry of it does not fit into its part");
        var bytes = _bytes.AsSpan(_at, length).ToArray();
        _at += length;
        return bytes;
    }

    private byte Byte() => _at < _length ? _bytes[_at++] : throw Damaged("an entry of it does not fit into its part");

    private ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }

        throw Damaged("it has a number that is too long");
    }

    private RecordingException Damaged(string why) => new($"The recording '{Name}' is damaged: {why}.");
}
