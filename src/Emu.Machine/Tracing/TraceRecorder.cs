using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

/// <summary>Makes a trace from what a <see cref="BlockTracer"/> notes: what was entered becomes what was executed.</summary>
/// <remarks>A block may be left early, so what was executed of it is known only when the next record says how many instructions have retired.</remarks>
public sealed class TraceRecorder : ITraceSink
{
    // Fits nothing that was executed: such a block takes the slow way.
    private const uint NeverWhole = uint.MaxValue;

    private const byte PageFault = 14;

    private readonly TraceWriter _writer;
    private readonly TraceFilter? _filter;
    private readonly List<TraceBlock?> _blocks = [null];

    // By the tracer's ids: runs of instructions that belong to the trace and that do not, in turn, beginning with such as do; null for all.
    private readonly List<byte[]?> _runs = [null];

    // By the tracer's ids: the writer's, and how many instructions make it whole.
    private KnownBlock[] _known = new KnownBlock[1 << 12];

    // The block that was entered last, from which instruction on, and the count then.
    private uint _entered;
    private uint _first;
    private uint _enteredAt;

    // Instead of a block: the event that is being delivered, and the privilege level before it.
    private TraceEvent? _event;
    private int _eventCpl;

    // Instructions that do not belong to the trace, since the last one that does.
    private ulong _left;

    private struct KnownBlock
    {
        public uint Id, Whole;
    }

    /// <summary>Makes a recorder.</summary>
    /// <param name="writer">Where the trace goes.</param>
    /// <param name="filter">What belongs to it; null for all.</param>
    public TraceRecorder(TraceWriter writer, TraceFilter? filter = null)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _writer = writer;
        _filter = filter;
        _known[0].Whole = NeverWhole;
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
            Enter((uint)word, at);
            next++;
        }
    }

    /// <summary>To be called when everything has been taken, before the trace ends.</summary>
    public void Finish() => PassLeft();

    private void Enter(uint id, uint at)
    {
        _entered = id;
        _first = 0;
        _enteredAt = at;
    }

    // What was entered before has executed everything up to here.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete(uint at)
    {
        ref var block = ref _known[_entered];
        if (at - _enteredAt == block.Whole && _first == 0)
            _writer.Append(block.Id);
        else
            CompletePart(at - _enteredAt);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CompletePart(uint count)
    {
        // It faulted at once, or was entered anew.
        if (count == 0)
            return;
        if (_event is { } delivered)
        {
            CompleteEvent(in delivered);
            return;
        }

        var block = _blocks[(int)_entered];
        if (block is null || _first + count > (uint)block.Count)
            throw new InvalidOperationException($"A block of {block?.Count} instructions has retired {count} from number {_first} on.");
        if (_runs[(int)_entered] is { } runs)
            AppendFiltered(runs, (int)_first, (int)(_first + count));
        else
            Append((int)_first, (int)count);
    }

    private void Append(int first, int count)
    {
        PassLeft();
        _writer.Append(_known[_entered].Id, first, count);
    }

    private void Leave(ulong count)
    {
        _left += count;
        _writer.DropAccesses();
    }

    private void PassLeft()
    {
        if (_left == 0)
            return;
        _writer.Skip(_left);
        _left = 0;
    }

    private void CompleteEvent(in TraceEvent delivered)
    {
        _event = null;
        if (_filter is null || _filter.Includes(_eventCpl, delivered.Rip))
        {
            PassLeft();
            _writer.Append(in delivered);
        }
        else
        {
            Leave(1);
        }
    }

    private void AppendFiltered(byte[] runs, int first, int end)
    {
        var at = 0;
        for (var i = 0; i < runs.Length && at < end; at += runs[i++])
        {
            var from = Math.Max(at, first);
            var to = Math.Min(at + runs[i], end);
            if (to <= from)
                continue;
            if (i % 2 == 0)
                Append(from, to - from);
            else
                Leave((ulong)(to - from));
        }
    }

    private static byte[]? RunsOf(TraceBlock block, TraceFilter? filter)
    {
        if (filter is null)
            return null;
        List<byte> runs = [0];
        for (var i = 0; i < block.Count; i++)
        {
            if (filter.Includes(block.Cpl, block.AddressOf(i)) != (runs.Count % 2 != 0))
                runs.Add(0);
            runs[^1]++;
        }

        return runs.Count == 1 ? null : [.. runs];
    }

    private int Special(ReadOnlySpan<ulong> words)
    {
        var argument = TraceWord.Argument(words[0]);
        switch (TraceWord.Kind(words[0]))
        {
            case TraceWord.Define:
                return Define(words, (int)argument);
            case TraceWord.Enter:
                if ((int)argument != _writer.Vcpu)
                    PassLeft();
                _writer.Switch((int)argument);
                Enter(0, (uint)words[1]);
                return 2;
            case TraceWord.Leave:
                Complete((uint)words[1]);
                Enter(0, (uint)words[1]);
                return 2;
            case TraceWord.Repeat:
                Complete((uint)words[1]);
                _first += (uint)words[1] - _enteredAt - 1;
                _enteredAt = (uint)words[1];
                return 2;
            case TraceWord.Event:
                Complete((uint)words[1]);
                Enter(0, (uint)words[1]);
                BeginEvent(words);
                return 5;
            case TraceWord.Registers:
                return NoteRegisters(words, argument);
            case TraceWord.Access:
                return NoteAccess(words, argument);
            default:
                throw new InvalidOperationException($"Record kind {TraceWord.Kind(words[0])} is not known.");
        }
    }

    private void BeginEvent(ReadOnlySpan<ulong> words)
    {
        var facts = words[2];
        var kind = (EventKind)(byte)(facts >> 8);
        _event = new TraceEvent(
            kind,
            (byte)facts,
            (facts & (1 << 16)) != 0 ? (uint)(facts >> 32) : null,
            words[3],
            (byte)facts == PageFault && kind == EventKind.Exception ? words[4] : null);
        _eventCpl = (int)(facts >> 24) & 3;
    }

    // Of what was entered last, which is appended later; or of the vCPU between two runs.
    private int NoteRegisters(ReadOnlySpan<ulong> words, uint mask)
    {
        var next = 1;
        for (var register = 0; mask >> register != 0; register++)
        {
            if (((mask >> register) & 1) == 0)
                continue;
            RegisterChange change = new((TracedRegister)register, words[next++]);
            if (_entered == 0 && _event is null && _writer.IsAtLifeStart)
                _writer.Preset(change);
            else
                _writer.Note(change);
        }

        return next;
    }

    private int NoteAccess(ReadOnlySpan<ulong> words, uint argument)
    {
        var size = (int)(argument & 0xFFFF);
        var known = (argument & TraceWord.HasValue) != 0;
        var value = known ? MemoryMarshal.AsBytes(words[2..])[..size].ToArray() : [];
        _writer.Note(new TraceAccess(words[1], size, (argument & TraceWord.IsWrite) != 0, value));
        return known ? 2 + TraceWord.WordsFor(size) : 2;
    }

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
        _blocks.Add(block);
        if (_blocks.Count != id + 1)
            throw new InvalidOperationException($"Block {id} is not the next one.");
        if (id >= _known.Length)
            Array.Resize(ref _known, 2 * _known.Length);
        var runs = RunsOf(block, _filter);
        _runs.Add(runs);
        // What does not belong to the trace is not defined there.
        var isWanted = runs is not [0, _];
        _known[id] = new KnownBlock { Id = isWanted ? _writer.Define(block) : 0, Whole = _filter is null ? (uint)count : NeverWhole };
        return 4 + TraceWord.WordsFor(count) + TraceWord.WordsFor(bytes);
    }
}
