using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>Makes a trace from what a <see cref="BlockTracer"/> notes: whatever was entered becomes what was executed.</summary>
public sealed class TraceRecorder : ITraceSink
{
    private readonly TraceWriter _writer;

    // By the tracer's ids: the writer's, and how many instructions.
    private KnownBlock[] _known = new KnownBlock[1 << 12];

    // The block that was entered last: how far it got, the next record tells.
    private uint _entered;
    private uint _first;
    private uint _enteredAt;

    private struct KnownBlock
    {
        public uint Id, Count;
    }

    /// <summary>Makes a recorder.</summary>
    /// <param name="writer">Where the trace goes.</param>
    public TraceRecorder(TraceWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _writer = writer;
        // Number 0 is no block: nothing that was executed fits it.
        _known[0].Count = uint.MaxValue;
    }

    /// <inheritdoc/>
    public void Take(ReadOnlySpan<ulong> words)
    {
        var next = 0;
        while (next < words.Length)
        {
            var word = words[next];
            if ((uint)word == 0)
            {
                next += Special(words[next..]);
                continue;
            }

            var at = (uint)(word >> 32);
            Complete(at);
            _entered = (uint)word;
            _first = 0;
            _enteredAt = at;
            next++;
        }
    }

    // What was entered before has executed everything up to here.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete(uint at)
    {
        var count = at - _enteredAt;
        ref var block = ref _known[_entered];
        if (count == block.Count && _first == 0)
        {
            _writer.Append(block.Id);
            return;
        }

        CompletePart(count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CompletePart(uint count)
    {
        // It faulted at once, or was entered anew.
        if (count == 0)
            return;
        ref var block = ref _known[_entered];
        if (_entered == 0 || count > block.Count - _first)
            throw new InvalidOperationException($"A block of {block.Count} instructions has retired {count} from number {_first} on.");
        _writer.Append(block.Id, (int)_first, (int)count);
    }

    private int Special(ReadOnlySpan<ulong> words)
    {
        var argument = TraceWord.Argument(words[0]);
        switch (TraceWord.Kind(words[0]))
        {
            case TraceWord.Define:
                return Define(words, (int)argument);
            case TraceWord.Enter:
                _writer.Switch((int)argument);
                _enteredAt = (uint)words[1];
                _entered = 0;
                return 2;
            case TraceWord.Leave:
                Complete((uint)words[1]);
                _enteredAt = (uint)words[1];
                _entered = 0;
                return 2;
            case TraceWord.Repeat:
                Complete((uint)words[1]);
                _first += (uint)words[1] - _enteredAt - 1;
                _enteredAt = (uint)words[1];
                return 2;
            case TraceWord.Event:
                Complete((uint)words[1]);
                TakeEvent(words);
                _enteredAt = (uint)words[1] + 1;
                _entered = 0;
                return 5;
            default:
                throw new InvalidOperationException($"Record kind {TraceWord.Kind(words[0])} is not known.");
        }
    }

    private void TakeEvent(ReadOnlySpan<ulong> words)
    {
        var facts = words[2];
        var vector = (byte)facts;
        _writer.Append(new TraceEvent(
            (EventKind)(byte)(facts >> 8),
            vector,
            (facts & (1 << 16)) != 0 ? (uint)(facts >> 32) : null,
            words[3],
            vector == PageFault && (EventKind)(byte)(facts >> 8) == EventKind.Exception ? words[4] : null));
    }

    private const byte PageFault = 14;

    private int Define(ReadOnlySpan<ulong> words, int count)
    {
        var id = (uint)words[1];
        var bytes = (int)(words[1] >> 32);
        var lengths = MemoryMarshal.AsBytes(words[4..])[..count];
        var code = MemoryMarshal.AsBytes(words[(4 + TraceWord.WordsFor(count))..])[..bytes];
        var mode = (CodeMode)(uint)words[3];
        var size = (mode & CodeMode.CodeSize) switch { CodeMode.Code64 => 64, CodeMode.Code32 => 32, _ => 16 };
        TraceBlock block = new(
            words[2], size, (mode & CodeMode.Unprotected) == 0, (int)(words[3] >> 32), lengths.ToArray(), code.ToArray());
        if (id >= _known.Length)
            Array.Resize(ref _known, Math.Max(2 * _known.Length, (int)id + 1));
        _known[id] = new KnownBlock { Id = _writer.Define(block), Count = (uint)count };
        return 4 + TraceWord.WordsFor(count) + TraceWord.WordsFor(bytes);
    }
}
