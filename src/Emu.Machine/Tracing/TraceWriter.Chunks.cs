using System.Buffers.Binary;

namespace Emu.Machine.Tracing;

// The chunks of the file.
public sealed partial class TraceWriter
{
    private void WriteHeader()
    {
        TraceBytes head = new();
        head.UInt64(_header.FirstCount);
        head.UInt32((uint)_header.Detail);
        head.UInt32(_header.IsFiltered ? 1u : 0);
        head.UInt32((uint)_header.Vcpus);
        head.Number((ulong)_header.Properties.Count);
        foreach (var (name, value) in _header.Properties.OrderBy(static property => property.Key, StringComparer.Ordinal))
        {
            head.Text(name);
            head.Text(value);
        }

        TraceFormat.WriteChunk(_file, TraceFormat.Head, head.Span);
    }

    /// <summary>Makes the blocks of another trace known, whose streams are taken over.</summary>
    /// <param name="blocks">The blocks, in the order of their ids there.</param>
    /// <returns>What is to be added to those ids.</returns>
    internal uint DefineAll(IReadOnlyList<TraceBlock> blocks)
    {
        var before = (uint)_blocks.Count - 1;
        foreach (var block in blocks)
            Define(block);
        WriteDefinitions();
        return before;
    }

    /// <summary>Takes over a stream of another trace as it is.</summary>
    /// <param name="payload">Its chunk's payload.</param>
    /// <param name="stream">What that says of itself.</param>
    /// <param name="life">The guest's life that it is of.</param>
    /// <param name="firstId">What <see cref="DefineAll"/> said for the blocks that it refers to.</param>
    internal void TakeOver(byte[] payload, TraceStream stream, TraceLife life, uint firstId)
    {
        if (stream.Life != Life)
            BeginLife(life);
        BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(TraceFormat.FirstIdOffset), stream.FirstId + firstId);
        TraceFormat.WriteChunk(_file, TraceFormat.Stream, payload);
        _finished = _finished.Then(stream.Hash);
        Count = stream.EndCount;
        BeginStream();
    }

    /// <summary>Gives an address a name, for whoever reads the trace. Names are written when it ends.</summary>
    /// <param name="symbol">The name; it takes the place of another one of the same address.</param>
    public void Name(TraceSymbol symbol) => _symbols[symbol.Address] = symbol;

    private void WriteSymbols()
    {
        if (_symbols.Count == 0)
            return;
        TraceBytes names = new();
        var before = 0UL;
        foreach (var symbol in _symbols.Values)
        {
            names.Number(symbol.Address - before);
            before = symbol.Address;
            names.Number(symbol.Size);
            names.Text(symbol.Name);
        }

        TraceBytes head = new();
        head.UInt32((uint)_symbols.Count);
        head.UInt32((uint)names.Length);
        _payload.SetLength(0);
        _payload.Write(head.Span);
        TraceFormat.Deflate(names.Span, _payload);
        TraceFormat.WriteChunk(_file, TraceFormat.Symbols, _payload.GetBuffer().AsSpan(0, (int)_payload.Length));
    }

    private void WriteLife(TraceLife life)
    {
        TraceBytes bytes = new();
        bytes.Number((ulong)life.Number);
        bytes.UInt64(life.FirstCount);
        TraceFormat.WriteChunk(_file, TraceFormat.Life, bytes.Span);
    }

    private void WriteEnd()
    {
        TraceBytes end = new();
        end.UInt64(Count);
        end.UInt64(_finished.Length);
        end.UInt64(_finished.Value);
        TraceFormat.WriteChunk(_file, TraceFormat.End, end.Span);
    }

    private void BeginStream()
    {
        _streamStart = Count;
        _vcpuAtStart = Vcpu;
        TakeCheckpoint((Count / TraceFormat.CheckpointInterval + 1) * TraceFormat.CheckpointInterval);
        _value = _elements = 0;
        _predictor.Clear();
        _tokens.Clear();
        _data.Clear();
        _checkpoints.Clear();
        BeginData();
    }

    private void EndStreamIfLong()
    {
        if (_tokens.Length >= TokensInStream || _data.Length >= DataInStream || Count - _streamStart >= CountsInStream)
            EndStream();
    }

    private void EndStream()
    {
        WriteDefinitions();
        if (Count == _streamStart)
            return;
        Token(TraceToken.End);
        TraceBytes head = new();
        head.UInt64(_streamStart);
        head.UInt64(Count);
        head.UInt64(_elements);
        head.UInt64(_value);
        // Ids count from here: another trace's streams can be taken over as they are.
        head.UInt32(0);
        head.UInt32((uint)_vcpuAtStart);
        head.UInt32((uint)_tokens.Length);
        head.UInt32((uint)_data.Length);
        _payload.SetLength(0);
        _payload.Write(head.Span);
        _payload.Write(_checkpoints.Span);
        _tokens.Bytes(_data.Span);
        TraceFormat.Deflate(_tokens.Span, _payload);
        TraceFormat.WriteChunk(_file, TraceFormat.Stream, _payload.GetBuffer().AsSpan(0, (int)_payload.Length));
        _finished = Hash;
        BeginStream();
    }

    private void AppendDefinition(TraceBlock block)
    {
        _definitions.Difference(block.Linear - _linearBefore);
        _linearBefore = block.Linear;
        _definitions.Byte((byte)(block.CodeSize / 32 | (block.IsProtected ? 4 : 0) | (block.Cpl << 4)));
        _definitions.Byte((byte)block.Count);
        _definitions.Bytes(block.Lengths.Span);
        _definitions.Bytes(block.Code.Span);
        if (_definitions.Length >= DataInStream)
            WriteDefinitions();
    }

    private void WriteDefinitions()
    {
        if (_definitions.Length == 0)
            return;
        TraceBytes head = new();
        head.UInt32(_firstUndefined);
        head.UInt32((uint)_blocks.Count - _firstUndefined);
        head.UInt32((uint)_definitions.Length);
        _payload.SetLength(0);
        _payload.Write(head.Span);
        TraceFormat.Deflate(_definitions.Span, _payload);
        TraceFormat.WriteChunk(_file, TraceFormat.Dictionary, _payload.GetBuffer().AsSpan(0, (int)_payload.Length));
        _definitions.Clear();
        _linearBefore = 0;
        _firstUndefined = (uint)_blocks.Count;
    }
}
