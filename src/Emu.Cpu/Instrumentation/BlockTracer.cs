using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instrumentation;

/// <summary>Notes every block that vCPUs execute and every event that they take, for a sink on another thread.</summary>
/// <remarks>
/// <para>
/// While it is attached, the first handler of every block is a probe, which appends one word and goes on with what the block would have begun
/// with. Blocks that were translated before have been forgotten, so it takes effect at once; and nothing is left of it when it is detached.
/// Compiled regions do not pass through the first handlers of their blocks, so that there are none meanwhile.
/// </para>
/// <para>
/// A block is position independent: it is named in the trace by an id for it at one linear address and privilege level. The id used last is
/// kept in the block; where it is not the right one, the block's bytes and place are looked up.
/// </para>
/// Not thread safe: attached and used on the thread that runs the vCPUs.
/// </remarks>
public sealed unsafe partial class BlockTracer : IDisposable
{
    private const int WordsInBuffer = 1 << 15;
    private const int Buffers = 8;

    // What any record but a definition or a wide access takes at most, with room for both.
    private const int LongestRecord = 256;

    private readonly TraceBuffer* _state;
    private readonly TraceHandover _handover;
    private readonly Dictionary<PlaceKey, List<KnownPlace>> _known = [];
    private readonly List<Vcpu> _vcpus = [];
    private readonly byte* _code;
    private Vcpu? _entered;
    private uint _places = 1;
    private uint _room = 1 << 14;

    /// <summary>Makes a tracer that is not attached yet.</summary>
    /// <param name="sink">Takes the words.</param>
    /// <param name="detail">What is noted of each instruction; anything but <see cref="TraceDetail.Blocks"/> is much slower.</param>
    public BlockTracer(ITraceSink sink, TraceDetail detail = TraceDetail.Blocks)
    {
        ArgumentNullException.ThrowIfNull(sink);
        Detail = detail;
        _handover = new TraceHandover(sink, Buffers, WordsInBuffer);
        _code = (byte*)NativeMemory.AllocZeroed(LongestCode);
        _state = (TraceBuffer*)NativeMemory.AllocZeroed((nuint)sizeof(TraceBuffer));
        _state->Places = (TracedPlace*)NativeMemory.Alloc(_room, (nuint)sizeof(TracedPlace));
        _state->Places[0] = new TracedPlace { Cpl = TracedPlace.Nowhere };
        TakeBuffer();
    }

    /// <summary>What is noted of each instruction.</summary>
    public TraceDetail Detail { get; }

    /// <summary>True where each instruction is executed alone, to be looked at before the next.</summary>
    internal bool Steps => Detail != TraceDetail.Blocks;

    /// <summary>What the probes work on.</summary>
    internal TraceBuffer* State => _state;

    /// <summary>Begins to trace; to be called between two runs.</summary>
    /// <param name="vcpus">All vCPUs over one block cache.</param>
    public void Attach(IEnumerable<Vcpu> vcpus)
    {
        ArgumentNullException.ThrowIfNull(vcpus);
        foreach (var vcpu in vcpus)
        {
            vcpu.TakeTracer(this);
            _vcpus.Add(vcpu);
        }
    }

    /// <summary>Ends the trace, and waits until the sink has taken everything. To be called between two runs.</summary>
    /// <exception cref="IOException">The sink has failed; whatever else it has thrown comes as it is.</exception>
    public void Detach()
    {
        foreach (var vcpu in _vcpus)
            vcpu.TakeTracer(null);
        _vcpus.Clear();
        Flush();
    }

    /// <summary>Waits until the sink has taken all that was noted. To be called between two runs.</summary>
    public void Flush()
    {
        Leave();
        HandOver();
        _handover.WaitUntilTaken();
        _handover.ThrowIfFailed();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var vcpu in _vcpus)
            vcpu.TakeTracer(null);
        _vcpus.Clear();
        _handover.Dispose();
        NativeMemory.Free(_state->Places);
        NativeMemory.Free(_state);
        NativeMemory.Free(_code);
    }

    /// <summary>Puts the probe before a new block.</summary>
    internal static void Watch(Block* block) =>
        Block.Ops(block)->Handler = (block->Mode & CodeMode.CodeSize) == CodeMode.Code64 ? &ProbeLong : &ProbeLegacy;

    /// <summary>A vCPU is about to run.</summary>
    internal void Enter(Vcpu vcpu)
    {
        _handover.ThrowIfFailed();
        Leave();
        _entered = vcpu;
        Append(TraceWord.Of(TraceWord.Enter, (uint)vcpu.Number));
        Append(vcpu.InstructionsRetired);
        NoteRegisters(vcpu);
    }

    /// <summary>A block, or a part of it, is about to be executed without its first handler.</summary>
    internal void Note(Vcpu vcpu, Block* block, ulong retired)
    {
        var place = _state->Places + block->TraceId;
        if (place->Cpl != vcpu.State->Cpl || place->Linear != LinearOf(vcpu, block))
            block->TraceId = Resolve(vcpu, block);
        EnsureRoom();
        Append(block->TraceId | (retired << 32));
    }

    /// <summary>A repeated string instruction goes on with a further piece, which is an instruction of its own.</summary>
    internal void NoteRepetition(ulong retired)
    {
        EnsureRoom();
        Append(TraceWord.Of(TraceWord.Repeat));
        Append(retired);
    }

    /// <summary>An exception or interrupt is about to be delivered.</summary>
    internal void NoteEvent(Vcpu vcpu, in EventInFlight delivered)
    {
        // What an instruction accessed before it faulted it will access again.
        _accesses.Clear();
        EnsureRoom();
        Append(TraceWord.Of(TraceWord.Event));
        Append(vcpu.InstructionsRetired);
        var error = delivered.HasErrorCode ? (1UL << 16) | ((ulong)delivered.ErrorCode << 32) : 0;
        Append(delivered.Vector | ((ulong)delivered.Kind << 8) | ((ulong)vcpu.State->Cpl << 24) | error);
        Append(delivered.Rip);
        Append(vcpu.State->Cr2);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ProbeLong(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        var trace = vcpu.Trace;
        var place = trace->Places + block->TraceId;
        var next = trace->Next;
        if (place->Linear != s->Rip || place->Cpl != s->Cpl || next == trace->End)
        {
            Step.Other(vcpu, s, op, &ProbeSlowly);
            return;
        }
        // The block has been charged already.
        *next = block->TraceId | ((s->BudgetEnd - (ulong)s->Budget - (ulong)block->Count) << 32);
        trace->Next = next + 1;
        block->Interpreter(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ProbeLegacy(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        var trace = vcpu.Trace;
        var place = trace->Places + block->TraceId;
        var next = trace->Next;
        if (place->Linear != (uint)(s->Rip + s->Segments[(int)SegmentName.Cs].Base) || place->Cpl != s->Cpl || next == trace->End)
        {
            Step.Other(vcpu, s, op, &ProbeSlowly);
            return;
        }
        *next = block->TraceId | ((s->BudgetEnd - (ulong)s->Budget - (ulong)block->Count) << 32);
        trace->Next = next + 1;
        block->Interpreter(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ProbeSlowly(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        vcpu.Tracer!.Note(vcpu, block, s->BudgetEnd - (ulong)s->Budget - (ulong)block->Count);
        block->Interpreter(vcpu, s, op);
    }

    private static ulong LinearOf(Vcpu vcpu, Block* block)
    {
        var s = vcpu.State;
        return (block->Mode & CodeMode.CodeSize) == CodeMode.Code64 ? s->Rip : (uint)(s->Rip + s->Segments[(int)SegmentName.Cs].Base);
    }

    // Where the vCPU that ran last stands.
    private void Leave()
    {
        EnsureRoom();
        if (_entered == null)
            return;
        Append(TraceWord.Of(TraceWord.Leave, (uint)_entered.Number));
        Append(_entered.InstructionsRetired);
        _entered = null;
    }

    private void EnsureRoom(int words = LongestRecord)
    {
        if (_state->End - _state->Next < words)
            HandOver();
    }

    private void Append(ulong word) => *_state->Next++ = word;

    private void HandOver()
    {
        _handover.Give((int)(_state->Next - _handover.Current));
        TakeBuffer();
    }

    private void TakeBuffer()
    {
        _state->Next = _handover.Current;
        _state->End = _state->Next + WordsInBuffer;
    }
}
