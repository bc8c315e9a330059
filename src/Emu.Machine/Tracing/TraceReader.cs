using System.Buffers.Binary;

namespace Emu.Machine.Tracing;

/// <summary>Reads a trace: what it is, its hash at any point, and what was executed from any point on.</summary>
/// <remarks>
/// The file is not trusted: whatever is wrong with it is a <see cref="TraceFileException"/>, and no part of it is held in memory but the
/// dictionary and one stream for each <see cref="TraceCursor"/>. Not thread safe.
/// </remarks>
public sealed partial class TraceReader : IDisposable
{
    /// <summary>The hash at multiples of this count of retired instructions is found at once.</summary>
    public const ulong CheckpointInterval = TraceFormat.CheckpointInterval;

    private readonly Stream _file;
    private readonly List<TraceStream> _streams = [];
    private readonly List<(long Offset, int Length)> _dictionaries = [];
    private readonly List<TraceBlock> _definitions = [];
    private readonly List<(long Offset, int Length)> _symbols = [];
    private readonly List<TraceLife> _lives = [];
    private int _dictionariesRead;

    private TraceReader(Stream file)
    {
        _file = file;
        Header = ReadPreamble();
        FindChunks();
    }

    /// <summary>What the trace says of itself.</summary>
    public TraceHeader Header { get; private set; }

    /// <summary>False where the trace lacks its end: whatever made it was killed.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Instructions that the machine had retired before the first one.</summary>
    public ulong FirstCount => Header.FirstCount;

    /// <summary>Instructions that the machine has retired after the last one, those that a filter kept out included.</summary>
    public ulong EndCount => _streams.Count == 0 ? FirstCount : _streams[^1].EndCount;

    /// <summary>The hash of the whole trace, and how many elements it has.</summary>
    public TraceHash Hash => _streams.Count == 0 ? default : _streams[^1].HashBefore.Then(_streams[^1].Hash);

    /// <summary>
    /// The guest's lives that the trace says something of, in order: where it was started anew, it has several. Counts of instructions go on from one to the next.
    /// </summary>
    public IReadOnlyList<TraceLife> Lives => _lives.Count != 0 && (_streams.Count == 0 || _streams[0].Life != 1) ? _lives : [new TraceLife(1, 0), .. _lives];

    /// <summary>The file's size in bytes.</summary>
    public long FileLength => _file.Length;

    /// <summary>The blocks, in the order in which they were executed first.</summary>
    public IReadOnlyList<TraceBlock> Blocks
    {
        get
        {
            ReadDictionaries();
            return _definitions;
        }
    }

    /// <summary>The names that the trace carries, in the order of addresses.</summary>
    /// <returns>They; empty where it has none.</returns>
    public IReadOnlyList<TraceSymbol> ReadSymbols()
    {
        List<TraceSymbol> symbols = [];
        foreach (var (offset, length) in _symbols)
            ReadSymbols(ReadPayload(offset, length), symbols);
        return symbols;
    }

    // The life that goes on behind what has been read.
    private int LastLife => _lives.Count == 0 ? 1 : _lives[^1].Number;

    /// <summary>The parts that are compressed each by itself, in order.</summary>
    internal IReadOnlyList<TraceStream> Streams => _streams;

    /// <summary>Opens a trace.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The trace.</returns>
    /// <exception cref="TraceFileException">It is no trace, is damaged, or cannot be read.</exception>
    public static TraceReader Open(string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TraceFileException(failure is FileNotFoundException or DirectoryNotFoundException ? "it does not exist." : "it cannot be read.", failure);
        }

        return Open(file);
    }

    /// <summary>Opens a trace.</summary>
    /// <param name="file">Its bytes, seekable; disposed with the reader.</param>
    /// <returns>The trace.</returns>
    /// <exception cref="TraceFileException">It is no trace, or is damaged.</exception>
    public static TraceReader Open(Stream file)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            return new TraceReader(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether bytes are those that a trace begins with.</summary>
    /// <param name="bytes">The first eight of a file.</param>
    /// <returns>Whether they are.</returns>
    public static bool IsSignature(ReadOnlySpan<byte> bytes) => bytes.StartsWith(TraceFormat.Signature);

    /// <summary>What was executed, from a point on.</summary>
    /// <param name="fromCount">How many instructions had been retired before the first that is wanted; what the trace begins with at least.</param>
    /// <returns>A cursor that stands before it.</returns>
    public TraceCursor Read(ulong fromCount = 0)
    {
        var stream = StreamAt(fromCount);
        TraceCursor cursor = new(this, stream);
        cursor.SkipTo(fromCount);
        return cursor;
    }

    /// <summary>The hash of all elements before a point.</summary>
    /// <param name="count">The count of retired instructions there.</param>
    /// <returns>Their hash, and how many they are.</returns>
    public TraceHash HashAt(ulong count)
    {
        if (_streams.Count == 0 || count <= FirstCount)
            return default;
        if (count >= EndCount)
            return Hash;
        var stream = _streams[StreamAt(count)];
        if (stream.FirstCount >= count)
            return stream.HashBefore;
        if (count % TraceFormat.CheckpointInterval == 0)
            return stream.HashBefore.Then(CheckpointOf(stream, count));
        TraceCursor cursor = new(this, StreamAt(count));
        var hash = stream.HashBefore;
        while (cursor.MoveNext() && cursor.Count < count)
            hash = hash.Then(cursor.HashOf((int)Math.Min((ulong)cursor.Length, count - cursor.Count)));
        return hash;
    }

    /// <summary>Reads the whole file and checks every part of it against its checksum.</summary>
    /// <exception cref="TraceFileException">One is damaged.</exception>
    public void VerifyChecksums()
    {
        foreach (var (offset, length) in _dictionaries.Concat(_symbols).Concat(_streams.Select(static stream => (stream.Offset, stream.Length))))
            ReadPayload(offset, length);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>A block by its id.</summary>
    internal TraceBlock Block(ulong id)
    {
        ReadDictionaries();
        // Number 0 is none.
        return id - 1 < (ulong)_definitions.Count ? _definitions[(int)(id - 1)] : throw new TraceFileException("it refers to a block that it does not define.");
    }

    /// <summary>The stream that holds a point: the last that begins at or before it.</summary>
    internal int StreamAt(ulong count)
    {
        int low = 0, high = _streams.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_streams[middle].FirstCount <= count)
                low = middle + 1;
            else
                high = middle;
        }

        return Math.Max(low - 1, 0);
    }

    /// <summary>Reads and checks a chunk.</summary>
    internal byte[] ReadPayload(long offset, int length)
    {
        Span<byte> header = stackalloc byte[TraceFormat.ChunkHeaderSize];
        var payload = new byte[length];
        try
        {
            _file.Position = offset;
            _file.ReadExactly(header);
            _file.ReadExactly(payload);
        }
        catch (Exception failure) when (failure is IOException)
        {
            throw new TraceFileException("it cannot be read to its end.", failure);
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) != TraceFormat.Checksum(BinaryPrimitives.ReadUInt32LittleEndian(header), payload))
            throw new TraceFileException("a part of it is damaged: its checksum is wrong.");
        return payload;
    }

    private TraceHash CheckpointOf(TraceStream stream, ulong count)
    {
        var payload = ReadPayload(stream.Offset, stream.Length);
        var number = count / TraceFormat.CheckpointInterval - stream.FirstCount / TraceFormat.CheckpointInterval - 1;
        TraceByteReader bytes = new(payload, TraceFormat.StreamHeaderSize + (int)number * TraceFormat.CheckpointSize, payload.Length);
        var elements = bytes.UInt64();
        var value = bytes.UInt64();
        if (elements > stream.Hash.Length || value >= TraceHash.Modulus)
            throw new TraceFileException("a checkpoint in it is damaged.");
        return new TraceHash(value, elements);
    }
}

/// <summary>A part of a trace that is compressed by itself, as its chunk's header describes it.</summary>
/// <param name="Offset">Where its chunk begins in the file.</param>
/// <param name="Length">Bytes of the chunk's payload.</param>
/// <param name="FirstCount">Instructions retired before it.</param>
/// <param name="EndCount">Instructions retired after it.</param>
/// <param name="Hash">The hash of its own elements.</param>
/// <param name="HashBefore">The hash of all elements before it.</param>
/// <param name="FirstId">What is added to the ids in it.</param>
/// <param name="Vcpu">The vCPU that executes to begin with.</param>
/// <param name="TokenBytes">Uncompressed bytes of tokens.</param>
/// <param name="DataBytes">Uncompressed bytes of registers and accesses, which follow the tokens.</param>
/// <param name="Life">The guest's life that it is of, from 1 on.</param>
internal sealed record TraceStream(
    long Offset, int Length, ulong FirstCount, ulong EndCount, TraceHash Hash, TraceHash HashBefore, uint FirstId, int Vcpu, int TokenBytes, int DataBytes, int Life)
{
    /// <summary>How many checkpoints lie in it.</summary>
    public int Checkpoints => (int)(EndCount / TraceFormat.CheckpointInterval - FirstCount / TraceFormat.CheckpointInterval);
}
