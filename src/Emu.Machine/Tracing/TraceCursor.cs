using Emu.Cpu;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>Goes through what was executed, step by step. A step is some consecutive instructions of one block, or one event.</summary>
/// <remarks>
/// <code>
/// using var trace = TraceReader.Open("boot.emut");
/// var cursor = trace.Read(1_000_000);
/// while (cursor.MoveNext())
/// {
///     if (cursor.Block is { } block)
///         for (var i = cursor.First; i &lt; cursor.First + cursor.Length; i++)
///             …   // block.AddressOf(i), block.BytesOf(i); the instruction's count is cursor.Count + (ulong)(i - cursor.First)
///     else
///         …       // cursor.Event
/// }
/// </code>
/// How instructions are put together to steps says nothing: two traces of one run may differ in it.
/// </remarks>
public sealed partial class TraceCursor
{
    private readonly TraceReader _trace;
    private readonly BlockPredictor _predictor = new();
    private TraceByteReader? _tokens;
    private TraceStream? _stream;
    private int _nextStream;
    private ulong _hits;
    private TraceToken _token;
    private ulong _next;
    private ulong _elementsLeft;
    private bool _isAhead;

    internal TraceCursor(TraceReader trace, int stream)
    {
        _trace = trace;
        _nextStream = stream;
        _hasData = trace.Header.Detail != TraceDetail.Blocks;
        _registers = new ulong[trace.Header.Vcpus * TraceWriter.Registers];
    }

    /// <summary>Instructions that the machine had retired before the step.</summary>
    public ulong Count { get; private set; }

    /// <summary>The vCPU.</summary>
    public int Vcpu { get; private set; }

    /// <summary>The guest's life: 1, and one more for each time that it was started anew.</summary>
    public int Life => _stream?.Life ?? 1;

    /// <summary>The block; null for an event.</summary>
    public TraceBlock? Block { get; private set; }

    /// <summary>The first instruction's number in the block.</summary>
    public int First { get; private set; }

    /// <summary>How many instructions the step is; 1 for an event.</summary>
    public int Length { get; private set; }

    /// <summary>The event, where <see cref="Block"/> is null.</summary>
    public TraceEvent Event { get; private set; }

    /// <summary>Linear address of the first instruction; RIP for an event.</summary>
    public ulong Address => Block is null ? Event.Rip : Block.AddressOf(First);

    /// <summary>The registers that the step changed, where the trace has them; good until the next step. The step is one instruction then.</summary>
    public IReadOnlyList<RegisterChange> Changes => _changes;

    /// <summary>The accesses to memory that the step made, in order, where the trace has them; good until the next step.</summary>
    public IReadOnlyList<TraceAccess> Accesses => _accesses;

    /// <summary>The values of all registers that the trace follows, after the step, by <see cref="TracedRegister"/>; zeros where it has none.</summary>
    /// <param name="vcpu">Whose.</param>
    /// <returns>They, good until the next step.</returns>
    public ReadOnlySpan<ulong> RegistersOf(int vcpu) => _registers.AsSpan(vcpu * TraceWriter.Registers, TraceWriter.Registers);

    /// <summary>Goes on to the next step.</summary>
    /// <returns>False at the trace's end.</returns>
    /// <exception cref="TraceFileException">The trace is damaged.</exception>
    public bool MoveNext()
    {
        if (_isAhead)
        {
            _isAhead = false;
            return true;
        }

        while (true)
        {
            if (_tokens is null)
            {
                if (!BeginStream())
                    return false;
            }
            else if (_hits > 0)
            {
                _hits--;
                var guess = _predictor.Guess;
                _predictor.Advance(guess);
                TakeBlock(guess);
                return true;
            }
            else if (TakeToken())
            {
                return true;
            }
        }
    }

    /// <summary>The hash of the step's elements.</summary>
    public TraceHash Hash
    {
        get
        {
            if (Block is { } block && Length == block.Count && Vcpu == 0 && Life == 1 && !_hasData)
                return new TraceHash(block.Hash, (ulong)Length);
            return HashOf(Length);
        }
    }

    /// <summary>The hash of the step's first elements.</summary>
    internal TraceHash HashOf(int count)
    {
        var hash = Block is { } block ? block.HashOf(First, count) : TraceHash.Event(Event);
        var each = TraceHash.OfPlace(Vcpu, Life);
        var place = 0UL;
        for (var i = 0; i < count; i++)
            place = TraceHash.Add(TraceHash.Multiply(place, TraceHash.Base), each);
        return new TraceHash(TraceHash.Add(TraceHash.Add(hash, place), count == Length ? HashOfData() : 0), (ulong)count);
    }

    /// <summary>Lets the next step begin at a point, or after it where nothing of the trace lies there.</summary>
    internal void SkipTo(ulong count)
    {
        while (MoveNext())
        {
            if (Count + (ulong)Length <= count)
                continue;
            if (Count < count)
            {
                var skipped = (int)(count - Count);
                First += skipped;
                Length -= skipped;
                Count = count;
            }

            _isAhead = true;
            return;
        }
    }

    // The token that is due has been read, with the hits before it.
    private bool TakeToken()
    {
        var token = _token;
        ulong last = _predictor.Last;
        var isStep = true;
        switch (token)
        {
            case TraceToken.End:
                if (!_tokens!.IsAtEnd || _next > _stream!.EndCount || _elementsLeft != 0)
                    throw Damaged();
                _tokens = null;
                return false;
            case TraceToken.SecondGuess:
                Learn(_predictor.SecondGuess);
                break;
            case TraceToken.Successor:
                Learn(_predictor.Successor);
                break;
            case TraceToken.Block:
                last += _tokens!.Difference();
                if (last > uint.MaxValue)
                    throw Damaged();
                Learn((uint)last);
                break;
            case TraceToken.Part:
                TakePart();
                break;
            case TraceToken.Event:
                TakeEvent();
                break;
            case TraceToken.Vcpu:
                Vcpu = _tokens!.Number(_trace.Header.Vcpus - 1);
                isStep = false;
                break;
            default:
                Pass(_tokens!.Number());
                isStep = false;
                break;
        }

        ReadToken();
        return isStep;
    }

    private void Learn(uint id)
    {
        _predictor.Learn(id);
        TakeBlock(id);
    }

    private void TakeBlock(uint id)
    {
        var block = _trace.Block(_stream!.FirstId + (ulong)id);
        Take(block, 0, block.Count);
    }

    private void TakePart()
    {
        var block = _trace.Block(_stream!.FirstId + (ulong)_tokens!.Number(int.MaxValue));
        var first = _tokens.Number(block.Count - 1);
        var count = _tokens.Number(block.Count - first);
        if (count == 0)
            throw Damaged();
        Take(block, first, count);
    }

    private void TakeEvent()
    {
        var facts = _tokens!.Byte();
        var vector = _tokens.Byte();
        if ((facts & 0xF) > (int)EventKind.PrivilegedSoftwareException)
            throw Damaged();
        uint? error = (facts & 0x10) != 0 ? (uint)_tokens.Number((ulong)uint.MaxValue) : null;
        var rip = _tokens.Number();
        Event = new TraceEvent((EventKind)(facts & 0xF), vector, error, rip, (facts & 0x20) != 0 ? _tokens.Number() : null);
        Take(null, 0, 1);
    }

    private void Take(TraceBlock? block, int first, int count)
    {
        if ((ulong)count > _elementsLeft)
            throw Damaged();
        _elementsLeft -= (ulong)count;
        Block = block;
        First = first;
        Length = count;
        Count = _next;
        Pass((ulong)count);
        if (_hasData)
            TakeData();
    }

    private void Pass(ulong count)
    {
        if (count > _stream!.EndCount - _next)
            throw Damaged();
        _next += count;
    }

    private bool BeginStream()
    {
        if (_nextStream >= _trace.Streams.Count)
            return false;
        _stream = _trace.Streams[_nextStream++];
        var payload = _trace.ReadPayload(_stream.Offset, _stream.Length);
        var start = TraceFormat.StreamHeaderSize + _stream.Checkpoints * TraceFormat.CheckpointSize;
        var raw = TraceFormat.Inflate(payload, start, _stream.TokenBytes + _stream.DataBytes);
        _tokens = new TraceByteReader(raw, 0, _stream.TokenBytes);
        BeginData(new TraceByteReader(raw, _stream.TokenBytes, raw.Length));
        _predictor.Clear();
        _next = _stream.FirstCount;
        _elementsLeft = _stream.Hash.Length;
        Vcpu = _stream.Vcpu;
        ReadToken();
        return true;
    }

    private void ReadToken()
    {
        var number = _tokens!.Number();
        _hits = number >> 3;
        _token = (TraceToken)(number & 7);
    }

    private static TraceFileException Damaged() => new("a part of it is damaged: it does not say what its header says.");
}
