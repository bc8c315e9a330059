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
        _nextCheckpoint = (Count / TraceFormat.CheckpointInterval + 1) * TraceFormat.CheckpointInterval;
        _value = _elements = 0;
        _predictor.Clear();
        _tokens.Clear();
        _data.Clear();
        _checkpoints.Clear();
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
