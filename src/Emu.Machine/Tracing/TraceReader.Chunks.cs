using System.Buffers.Binary;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

// The chunks of the file: found by their headers, and looked into when they are wanted.
public sealed partial class TraceReader
{
    private const int MostProperties = 1000;
    private const int MostVcpus = 4096;
    private const int MostBlocks = 1 << 28;

    private TraceHeader ReadPreamble()
    {
        var preamble = new byte[TraceFormat.PreambleSize];
        if (_file.Length < preamble.Length || !TryReadAt(0, preamble) || !preamble.AsSpan().StartsWith(TraceFormat.Signature))
            throw new TraceFileException("it is not a binary trace.");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(preamble.AsSpan(TraceFormat.Signature.Length));
        if (version is < TraceFormat.OldestVersion or > TraceFormat.Version)
            throw new TraceFileException($"it is a trace of format {version}; only {TraceFormat.OldestVersion} to {TraceFormat.Version} are known here.");
        if (!TryReadChunk(TraceFormat.PreambleSize, out var kind, out var length) || kind != TraceFormat.Head)
            throw new TraceFileException("it ends before it says what it is a trace of.");
        return ReadHead(ReadPayload(TraceFormat.PreambleSize, length));
    }

    private static TraceHeader ReadHead(byte[] payload)
    {
        TraceByteReader head = new(payload, 0, payload.Length);
        TraceHeader header = new()
        {
            FirstCount = head.UInt64(),
            Detail = (TraceDetail)head.UInt32(),
            IsFiltered = head.UInt32() != 0,
            Vcpus = (int)Math.Min(head.UInt32(), int.MaxValue),
        };
        if (header.Vcpus is < 1 or > MostVcpus || (header.Detail & ~(TraceDetail.Registers | TraceDetail.Memory)) != 0)
            throw new TraceFileException("its header is damaged.");
        Dictionary<string, string> properties = [];
        for (var left = head.Number(MostProperties); left > 0; left--)
            properties[head.Text()] = head.Text();
        return header with { Properties = properties };
    }

    private void FindChunks()
    {
        var hash = default(TraceHash);
        var count = FirstCount;
        long end;
        for (long offset = TraceFormat.PreambleSize; TryReadChunk(offset, out var kind, out var length); offset = end)
        {
            end = offset + TraceFormat.ChunkHeaderSize + length;
            switch (kind)
            {
                case TraceFormat.Dictionary:
                    _dictionaries.Add((offset, length));
                    break;
                case TraceFormat.Symbols:
                    _symbols.Add((offset, length));
                    break;
                case TraceFormat.Stream:
                    var stream = ReadStreamHeader(offset, length, count, hash);
                    hash = hash.Then(stream.Hash);
                    count = stream.EndCount;
                    _streams.Add(stream);
                    break;
                case TraceFormat.Life:
                    _lives.Add(ReadLife(ReadPayload(offset, length), count));
                    break;
                case TraceFormat.End:
                    CheckEnd(ReadPayload(offset, length), count, hash);
                    if (end != _file.Length)
                        throw new TraceFileException($"{_file.Length - end} byte(s) that do not belong to it follow its end.");
                    IsComplete = true;
                    return;
            }
        }
    }

    private TraceStream ReadStreamHeader(long offset, int length, ulong count, TraceHash before)
    {
        var head = new byte[TraceFormat.StreamHeaderSize];
        if (length < head.Length || !TryReadAt(offset + TraceFormat.ChunkHeaderSize, head))
            throw new TraceFileException("a part of it ends too early.");
        TraceByteReader bytes = new(head, 0, head.Length);
        var first = bytes.UInt64();
        var end = bytes.UInt64();
        var elements = bytes.UInt64();
        var value = bytes.UInt64();
        TraceStream stream = new(
            offset, length, first, end, new TraceHash(value, elements), before, bytes.UInt32(), (int)bytes.UInt32(), (int)bytes.UInt32(), (int)bytes.UInt32(), LastLife);
        // Bounded before anything is added up or allocated.
        if (first != count || end <= first || end - first > TraceFormat.MostCounts || elements > end - first || value >= TraceHash.Modulus
            || stream.Vcpu < 0 || stream.Vcpu >= Header.Vcpus || stream.TokenBytes is < 0 or > TraceFormat.MostBytes
            || stream.DataBytes is < 0 or > TraceFormat.MostBytes
            || stream.Checkpoints * TraceFormat.CheckpointSize > length - TraceFormat.StreamHeaderSize)
        {
            throw new TraceFileException("a part of it is damaged: it does not fit what comes before it.");
        }

        return stream;
    }

    private TraceLife ReadLife(byte[] payload, ulong count)
    {
        TraceByteReader life = new(payload, 0, payload.Length);
        var number = (int)life.Number(TraceFormat.MostLives);
        var first = life.UInt64();
        // The one that the trace begins in may have begun before it.
        var isFirst = _lives.Count == 0 && _streams.Count == 0;
        if (number <= LastLife || first > count || (!isFirst && first != count))
            throw new TraceFileException("a part of it is damaged: a life begins where none can.");
        return new TraceLife(number, first);
    }

    private static void CheckEnd(byte[] payload, ulong count, TraceHash hash)
    {
        TraceByteReader end = new(payload, 0, payload.Length);
        if (end.UInt64() != count || end.UInt64() != hash.Length || end.UInt64() != hash.Value)
            throw new TraceFileException("a part of it is missing: its hash is not the one that its end names.");
    }

    private void ReadDictionaries()
    {
        for (; _dictionariesRead < _dictionaries.Count; _dictionariesRead++)
        {
            var (offset, length) = _dictionaries[_dictionariesRead];
            var payload = ReadPayload(offset, length);
            TraceByteReader head = new(payload, 0, payload.Length);
            var first = head.UInt32();
            var count = head.UInt32();
            var rawLength = head.UInt32();
            if (rawLength > TraceFormat.MostBytes || count > rawLength || first != _definitions.Count + 1 || first + (ulong)count > MostBlocks)
                throw new TraceFileException("its dictionary is damaged.");
            ReadDefinitions(TraceFormat.Inflate(payload, TraceFormat.DictionaryHeaderSize, (int)rawLength), count);
        }
    }

    private static void ReadSymbols(byte[] payload, List<TraceSymbol> symbols)
    {
        TraceByteReader head = new(payload, 0, payload.Length);
        var count = head.UInt32();
        var rawLength = head.UInt32();
        if (rawLength > TraceFormat.MostBytes || count > rawLength)
            throw new TraceFileException("its symbols are damaged.");
        var raw = TraceFormat.Inflate(payload, TraceFormat.SymbolsHeaderSize, (int)rawLength);
        TraceByteReader names = new(raw, 0, raw.Length);
        var address = 0UL;
        for (; count > 0; count--)
        {
            address += names.Number();
            symbols.Add(new TraceSymbol(address, names.Number(), names.Text()));
        }
    }

    private void ReadDefinitions(byte[] raw, uint count)
    {
        TraceByteReader bytes = new(raw, 0, raw.Length);
        var linear = 0UL;
        for (; count > 0; count--)
        {
            linear += bytes.Difference();
            var facts = bytes.Byte();
            var instructions = bytes.Byte();
            var lengths = bytes.Bytes(instructions).ToArray();
            var total = 0;
            foreach (var length in lengths)
                total += length is > 0 and <= 15 ? length : throw new TraceFileException("its dictionary is damaged.");
            if (instructions == 0 || (facts & 3) == 3 || facts >> 6 != 0)
                throw new TraceFileException("its dictionary is damaged.");
            _definitions.Add(new TraceBlock(
                linear, (facts & 3) switch { 0 => 16, 1 => 32, _ => 64 }, (facts & 4) != 0, (facts >> 4) & 3, lengths, bytes.Bytes(total).ToArray())
            {
                Number = _definitions.Count,
            });
        }
    }

    // False at the file's end, where the last chunk is not whole too: whoever wrote it was killed.
    private bool TryReadChunk(long offset, out uint kind, out int length)
    {
        Span<byte> header = stackalloc byte[TraceFormat.ChunkHeaderSize];
        kind = 0;
        length = 0;
        if (!TryReadAt(offset, header))
            return false;
        kind = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var given = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (kind is not (TraceFormat.Head or TraceFormat.Dictionary or TraceFormat.Stream or TraceFormat.Symbols or TraceFormat.Life or TraceFormat.End) || given > 2 * TraceFormat.MostBytes)
            throw new TraceFileException("a part of it is damaged: what begins there is unknown.");
        length = (int)given;
        return offset + TraceFormat.ChunkHeaderSize + length <= _file.Length;
    }

    private bool TryReadAt(long offset, Span<byte> to)
    {
        try
        {
            _file.Position = offset;
            return _file.ReadAtLeast(to, to.Length, throwOnEndOfStream: false) == to.Length;
        }
        catch (IOException failure)
        {
            throw new TraceFileException("it cannot be read.", failure);
        }
    }
}
