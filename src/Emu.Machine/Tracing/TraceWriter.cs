using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Emu.Machine.Tracing;

/// <summary>Writes a trace: blocks once, then what was executed in order.</summary>
/// <remarks>Append only: what was written before the process died is a trace that lacks its end. Not thread safe.</remarks>
public sealed partial class TraceWriter : IDisposable
{
    private const int TokensInStream = 1 << 20;
    private const int DataInStream = 8 << 20;
    private const ulong CountsInStream = 1 << 24;
    private const int MostInstructions = 255;

    private readonly Stream _file;
    private readonly TraceHeader _header;
    private readonly BlockPredictor _predictor = new();
    private readonly TraceBytes _tokens = new();
    private readonly TraceBytes _data = new();
    private readonly TraceBytes _checkpoints = new();
    private readonly TraceBytes _definitions = new();
    private readonly MemoryStream _payload = new();
    private readonly List<TraceBlock?> _blocks = [null];
    private readonly ulong[] _ofPlace = new ulong[MostInstructions + 1];

    // What the hash needs of each block, side by side.
    private HotBlock[] _hot = new HotBlock[1 << 12];
    private uint _firstUndefined = 1;
    private ulong _linearBefore;
    private ulong _hits;
    private ulong _value;
    private ulong _elements;
    private ulong _nextCheckpoint;

    // Up to here a block is nothing but its id and hash: to the next checkpoint, or not at all.
    private ulong _fastUntil;
    private ulong _streamStart;
    private int _vcpuAtStart;
    private readonly SortedDictionary<ulong, TraceSymbol> _symbols = [];

    private struct HotBlock
    {
        public ulong Hash, Power, Count;
    }

    /// <summary>Begins a trace.</summary>
    /// <param name="file">Where it goes; disposed with the writer.</param>
    /// <param name="header">What it says of itself.</param>
    public TraceWriter(Stream file, TraceHeader header)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(header);
        _file = file;
        _header = header;
        Count = header.FirstCount;
        _registers = new ulong[header.Vcpus * Registers];
        _changed = new uint[header.Vcpus];
        _changedTo = new ulong[header.Vcpus * Registers];
        Span<byte> preamble = stackalloc byte[TraceFormat.PreambleSize];
        TraceFormat.Signature.CopyTo(preamble);
        BinaryPrimitives.WriteUInt32LittleEndian(preamble[8..], TraceFormat.Version);
        file.Write(preamble);
        WriteHeader();
        BeginStream();
    }

    /// <summary>Instructions that the machine has retired after what was appended last.</summary>
    public ulong Count { get; private set; }

    /// <summary>Instructions that the machine had retired before what was appended first.</summary>
    public ulong FirstCount => _header.FirstCount;

    /// <summary>The blocks that are known so far; their places here are their ids, and the first is none.</summary>
    public IReadOnlyList<TraceBlock?> Blocks => _blocks;

    /// <summary>The vCPU that goes on.</summary>
    public int Vcpu { get; private set; }

    /// <summary>The guest's life: 1, and one more for each time that it was started anew.</summary>
    public int Life { get; private set; } = 1;

    /// <summary>Whether nothing of this life has been appended: its registers can still be given the values that they begin with.</summary>
    internal bool IsAtLifeStart => Hash.Length == _elementsOfLivesBefore;

    /// <summary>The hash of all that was appended.</summary>
    public TraceHash Hash => _finished.Then(new TraceHash(_value, _elements));

    // What the streams before this one hold.
    private TraceHash _finished;

    private ulong _elementsOfLivesBefore;

    /// <summary>Makes a block known.</summary>
    /// <param name="block">The block.</param>
    /// <returns>Its id for <see cref="Append(uint)"/>.</returns>
    public uint Define(TraceBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        if (block.Count is 0 or > MostInstructions)
            throw new ArgumentException("A block has 1 to 255 instructions.", nameof(block));
        var id = (uint)_blocks.Count;
        _blocks.Add(block);
        if (id == _hot.Length)
            Array.Resize(ref _hot, 2 * _hot.Length);
        _hot[id] = new HotBlock { Hash = block.Hash, Power = block.Power, Count = (ulong)block.Count };
        AppendDefinition(block);
        return id;
    }

    /// <summary>Appends a block that was executed from its first to its last instruction.</summary>
    /// <param name="id">What <see cref="Define"/> said.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(uint id)
    {
        ref var block = ref _hot[id];
        if (Count + block.Count >= _fastUntil)
        {
            AppendSlowly(id);
            return;
        }

        Count += block.Count;
        _elements += block.Count;
        _value = TraceHash.Add(TraceHash.Multiply(_value, block.Power), TraceHash.Add(block.Hash, _ofPlace[block.Count]));
        if (_predictor.Matches(id))
        {
            _hits++;
            return;
        }

        AppendSurprise(id);
        if (_tokens.Length >= TokensInStream)
            EndStream();
    }

    /// <summary>Appends some instructions of a block.</summary>
    /// <param name="id">What <see cref="Define"/> said.</param>
    /// <param name="first">The first instruction's number in the block.</param>
    /// <param name="count">How many.</param>
    public void Append(uint id, int first, int count)
    {
        var block = _blocks[(int)id]!;
        if (first < 0 || count < 1 || first + count > block.Count)
            throw new ArgumentOutOfRangeException(nameof(first), "The block has no such instructions.");
        if (count == block.Count)
        {
            Append(id);
            return;
        }

        Token(TraceToken.Part);
        _tokens.Number(id);
        _tokens.Number((ulong)first);
        _tokens.Number((ulong)count);
        Add(block, first, count);
        EndStreamIfLong();
    }

    /// <summary>Appends an event.</summary>
    /// <param name="delivered">The event.</param>
    public void Append(in TraceEvent delivered)
    {
        AppendEvent(in delivered);
        AddOne(TraceHash.Add(TraceHash.Event(in delivered), HasData ? AppendData() : 0));
        EndStreamIfLong();
    }

    /// <summary>Says that another vCPU goes on.</summary>
    /// <param name="vcpu">Its number.</param>
    public void Switch(int vcpu)
    {
        if (vcpu == Vcpu)
            return;
        Token(TraceToken.Vcpu);
        _tokens.Number((ulong)vcpu);
        TakeVcpu(vcpu);
    }

    /// <summary>Says that what follows is of another life of the guest: it was started anew, on a machine whose registers begin as they are made.</summary>
    /// <param name="life">Its number: one more than that of the life before, or any from 2 on where the trace begins with it.</param>
    public void BeginLife(TraceLife life)
    {
        EndStream();
        WriteLife(life);
        Life = life.Number;
        _elementsOfLivesBefore = _finished.Length;
        Array.Clear(_registers);
        Array.Clear(_changed);
        Vcpu = 0;
        TakePlace();
        BeginStream();
    }

    /// <summary>Passes over instructions that do not belong to the trace.</summary>
    /// <param name="count">How many.</param>
    public void Skip(ulong count)
    {
        // In pieces, so that no stream covers too much.
        while (count != 0)
        {
            var piece = Math.Min(count, CountsInStream);
            Token(TraceToken.Gap);
            _tokens.Number(piece);
            count -= piece;
            while (Count + piece >= _nextCheckpoint)
            {
                piece -= _nextCheckpoint - Count;
                Count = _nextCheckpoint;
                Checkpoint();
            }

            Count += piece;
            EndStreamIfLong();
        }
    }

    /// <summary>Writes what has not been written yet, so that it outlives the process.</summary>
    public void Flush()
    {
        EndStream();
        _file.Flush();
    }

    /// <summary>Ends the trace: nothing is appended any more.</summary>
    public void Complete()
    {
        EndStream();
        WriteSymbols();
        WriteEnd();
        _file.Flush();
    }

    /// <summary>Closes the file. Where <see cref="Complete"/> was not called, the trace lacks its end.</summary>
    public void Dispose()
    {
        _file.Dispose();
        _payload.Dispose();
    }

    private void TakeVcpu(int vcpu)
    {
        Vcpu = vcpu;
        TakePlace();
    }

    private void TakePlace()
    {
        var each = TraceHash.OfPlace(Vcpu, Life);
        var sum = 0UL;
        for (var i = 1; i <= MostInstructions; i++)
            _ofPlace[i] = sum = TraceHash.Add(TraceHash.Multiply(sum, TraceHash.Base), each);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AppendSlowly(uint id)
    {
        var block = _blocks[(int)id]!;
        if (_predictor.Matches(id))
            _hits++;
        else
            AppendSurprise(id);
        Add(block, 0, block.Count);
        EndStreamIfLong();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AppendSurprise(uint id)
    {
        var last = _predictor.Last;
        var token = _predictor.Learn(id);
        Token(token);
        if (token == TraceToken.Block)
            _tokens.Difference((ulong)id - last);
    }

    // Counts and hashes instructions, with the checkpoints that lie among or after them.
    private void Add(TraceBlock block, int first, int count)
    {
        // Registers and accesses are of the last one: where they are wanted, there is one only.
        var data = HasData ? AppendData() : 0;
        while (Count + (ulong)count >= _nextCheckpoint)
        {
            var before = (int)(_nextCheckpoint - Count);
            AddRun(block, first, before, before == count ? data : 0);
            Checkpoint();
            first += before;
            count -= before;
        }

        if (count != 0)
            AddRun(block, first, count, data);
    }

    private void AddRun(TraceBlock block, int first, int count, ulong data)
    {
        var hash = TraceHash.Add(TraceHash.Add(block.HashOf(first, count), _ofPlace[count]), data);
        _value = TraceHash.Add(TraceHash.Multiply(_value, TraceHash.Power((ulong)count)), hash);
        Count += (ulong)count;
        _elements += (ulong)count;
    }

    private void AddOne(ulong value)
    {
        _value = TraceHash.Add(TraceHash.Multiply(_value, TraceHash.Base), TraceHash.Add(value, _ofPlace[1]));
        Count++;
        _elements++;
        if (Count == _nextCheckpoint)
            Checkpoint();
    }

    private void AppendEvent(in TraceEvent delivered)
    {
        Token(TraceToken.Event);
        _tokens.Byte((byte)((byte)delivered.Kind | (delivered.ErrorCode is null ? 0 : 0x10) | (delivered.Address is null ? 0 : 0x20)));
        _tokens.Byte(delivered.Vector);
        if (delivered.ErrorCode is { } error)
            _tokens.Number(error);
        _tokens.Number(delivered.Rip);
        if (delivered.Address is { } address)
            _tokens.Number(address);
    }

    private void Checkpoint()
    {
        _checkpoints.UInt64(_elements);
        _checkpoints.UInt64(_value);
        TakeCheckpoint(_nextCheckpoint + TraceFormat.CheckpointInterval);
    }

    private void TakeCheckpoint(ulong next)
    {
        _nextCheckpoint = next;
        _fastUntil = HasData ? 0 : next;
    }

    private void Token(TraceToken token)
    {
        _tokens.Number((_hits << 3) | (uint)token);
        _hits = 0;
    }
}
