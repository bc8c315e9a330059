using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>Rebuilds the call stack of each vCPU from the instructions and events of a trace.</summary>
/// <remarks>
/// <para>
/// A return leaves everything down to the innermost call whose return address it goes to; IRET and its like everything down to the
/// innermost event that interrupted what goes on. Where the trace has registers, RSP must fit as well, so that recursion and context
/// switches are told apart. A stack that was switched away from is kept and goes on when somebody returns into it; without registers
/// only where no other one waits for a return to the same place.
/// </para>
/// <para>
/// What returns to where nobody is known to have been called from begins a stack anew. A jump into another function takes the place of the one that jumped,
/// since that one's caller is who it returns to.
/// </para>
/// </remarks>
internal sealed class CallStacks
{
    /// <summary>No stack becomes deeper: one that would is begun anew.</summary>
    public const int Deepest = 1024;

    /// <summary>How soon after a call a return that goes elsewhere is taken for a jump, as retpolines do it, where RSP is not known.</summary>
    private const ulong ReplacedReturn = 4;

    /// <summary>How many stacks are kept that were switched away from.</summary>
    private const int MostKept = 1024;

    private readonly ICallObserver _observer;
    private readonly CallThread[] _threads;
    private readonly List<BlockFlow?> _flows = [];
    private readonly Dictionary<(CallKind Kind, ulong Return, ulong StackPointer), KeptStack> _kept = [];
    private readonly bool _hasRegisters;
    private int _life;

    // Where RSP is not known, several may wait for a return to one place. Which of them goes on then cannot be told, so that none does.
    private sealed class KeptStack
    {
        public List<CallFrame>? Frames { get; set; }

        public int Waiting { get; set; }
    }

    /// <summary>Begins.</summary>
    /// <param name="symbols">Names functions.</param>
    /// <param name="header">Says how many vCPUs there are, and whether registers are known.</param>
    /// <param name="observer">Is told.</param>
    public CallStacks(SymbolTable symbols, TraceHeader header, ICallObserver observer)
    {
        Functions = new FunctionNames(symbols);
        _observer = observer;
        _hasRegisters = (header.Detail & TraceDetail.Registers) != 0;
        _threads = new CallThread[header.Vcpus];
    }

    /// <summary>The names of what is entered.</summary>
    public FunctionNames Functions { get; }

    /// <summary>Takes the next step of the trace.</summary>
    /// <param name="steps">Stands at it.</param>
    public void Take(TraceSteps steps)
    {
        TraceCursor cursor = steps.Cursor;
        if (cursor.Life != _life)
            BeginLife(cursor.Life);
        if (steps.IsAfterGap)
        {
            foreach (CallThread each in _threads)
                each.IsAfterGap = true;
        }

        CallThread thread = _threads[cursor.Vcpu];
        if (cursor.Block is { } block)
            TakeInstructions(thread, block, cursor.First, steps.Length, cursor.Count);
        else
            TakeEvent(thread, cursor.Event, cursor.Count);
        thread.PointerBefore = thread.Pointer;
        if (_hasRegisters)
            thread.Pointer = cursor.RegistersOf(cursor.Vcpu)[(int)TracedRegister.Rsp];
    }

    /// <summary>Leaves everything: the trace is at its end.</summary>
    public void Finish()
    {
        if (_life == 0)
            return;
        foreach (CallThread thread in _threads)
            Close(thread);
    }

    // Nobody returns into the life before.
    private void BeginLife(int life)
    {
        if (_life != 0)
            Finish();
        _life = life;
        _kept.Clear();
        for (int i = 0; i < _threads.Length; i++)
            _threads[i] = new CallThread(i);
        _observer.BeginLife(life);
    }

    private void TakeInstructions(CallThread thread, TraceBlock block, int first, int length, ulong count)
    {
        BlockFlow flow = FlowOf(block);
        if (flow.IsUniform)
        {
            Execute(thread, block, flow, first, length, count);
            return;
        }

        for (int i = first; i < first + length; i++)
            Execute(thread, block, flow, i, 1, count + (ulong)(i - first));
    }

    // Instructions of one function, of which none but the last does anything to the stack.
    private void Execute(CallThread thread, TraceBlock block, BlockFlow flow, int first, int length, ulong count)
    {
        int function = flow.Functions[first];
        if (thread.Flow != ControlFlow.None || thread.IsAfterGap || thread.Frames.Count == 0 || thread.Top.Function != function)
            Arrive(thread, block.AddressOf(first), function, count);
        _observer.Spend(thread.Vcpu, (ulong)length);
        thread.End = count + (ulong)length;
        int last = first + length - 1;
        thread.Flow = flow.Flows[last];
        if (thread.Flow == ControlFlow.None)
            return;
        thread.Behind = block.AddressOf(last) + block.Lengths.Span[last];
        thread.Interrupt = flow.Interrupt;
    }

    private void TakeEvent(CallThread thread, in TraceEvent delivered, ulong count)
    {
        Arrive(thread, delivered.Rip, Functions.At(delivered.Rip), count);
        Push(thread, new CallFrame(Functions.Of(TraceLines.Name(in delivered)), CallKind.Event, delivered.Rip, thread.Pointer, count));
        _observer.Spend(thread.Vcpu, 1);
        thread.End = count + 1;
        thread.Flow = ControlFlow.Event;
    }

    // Where the instruction before has led.
    private void Arrive(CallThread thread, ulong address, int function, ulong count)
    {
        ControlFlow flow = thread.Flow;
        thread.Flow = ControlFlow.None;
        if (thread.Frames.Count == 0)
        {
            thread.IsAfterGap = false;
            Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Code, 0, null, count));
            return;
        }

        if (thread.IsAfterGap)
        {
            thread.IsAfterGap = false;
            // A handler, or who was called, has returned meanwhile; or nothing is known.
            if (flow == ControlFlow.Event)
                flow = ControlFlow.InterruptReturn;
            bool isReturn = flow is ControlFlow.Return or ControlFlow.InterruptReturn;
            if (!isReturn && (flow == ControlFlow.None || address != thread.Behind) && (function == 0 || function != thread.Top.Function))
            {
                BeginAnew(thread, address, count);
                return;
            }

            if (!isReturn)
                flow = ControlFlow.None;
        }

        switch (flow)
        {
            // A call of what follows is how position-independent code learns where it is.
            case ControlFlow.Call when address != thread.Behind:
                Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Call, thread.Behind, thread.Pointer, count));
                break;
            // INTO may do nothing.
            case ControlFlow.Interrupt when address != thread.Behind:
                Push(thread, new CallFrame(thread.Interrupt, CallKind.Event, thread.Behind, thread.PointerBefore, thread.End - 1));
                Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Code, 0, null, count));
                break;
            case ControlFlow.Event:
                Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Code, 0, null, count));
                break;
            case ControlFlow.Return:
                Return(thread, address, count);
                break;
            case ControlFlow.InterruptReturn:
                ReturnFromEvent(thread, address, function, count);
                break;
        }

        if (thread.Frames.Count == 0)
            Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Code, 0, null, count));
        Move(thread, address, function, count);
    }

    private void Return(CallThread thread, ulong address, ulong count)
    {
        ulong? pointer = thread.PointerBefore;
        for (int i = thread.Frames.Count - 1; i >= 0; i--)
        {
            CallFrame frame = thread.Frames[i];
            if (frame.Kind == CallKind.Call && frame.Return == address && Fits(frame, pointer))
            {
                PopTo(thread, i, thread.End);
                return;
            }
        }

        CallFrame top = thread.Top;
        bool isJump = top.Kind == CallKind.Call
            && (pointer is { } known && top.StackPointer is { } expected ? known == expected : thread.End - top.Start <= ReplacedReturn);
        if (isJump)
            PopTo(thread, thread.Frames.Count - 1, thread.End);
        else if (!GoOn(thread, CallKind.Call, address, pointer, count))
            BeginAnew(thread, address, count);
    }

    private void ReturnFromEvent(CallThread thread, ulong address, int function, ulong count)
    {
        ulong? pointer = thread.Pointer;
        int innermost = -1;
        for (int i = thread.Frames.Count - 1; i >= 0; i--)
        {
            CallFrame frame = thread.Frames[i];
            if (frame.Kind != CallKind.Event)
                continue;
            if (frame.Return == address && Fits(frame, pointer))
            {
                PopTo(thread, i, thread.End);
                return;
            }

            if (innermost < 0)
                innermost = i;
        }

        // The handler may have had what it interrupted go on elsewhere: behind the instruction, or where its failure is dealt with.
        if (innermost >= 0 && function != 0 && Functions.At(thread.Frames[innermost].Return) == function && Fits(thread.Frames[innermost], pointer))
            PopTo(thread, innermost, thread.End);
        else if ((function == 0 || thread.Top.Function != function) && !GoOn(thread, CallKind.Event, address, pointer, count))
            BeginAnew(thread, address, count);
    }

    // A stack that was switched away from, whose innermost call or event returns to there.
    private bool GoOn(CallThread thread, CallKind kind, ulong address, ulong? pointer, ulong count)
    {
        (CallKind, ulong, ulong) key = (kind, address, pointer ?? 0);
        if ((_hasRegisters && pointer is null) || !_kept.TryGetValue(key, out KeptStack? kept))
            return false;
        if (kept.Frames is not { } frames)
        {
            Forget(key);
            return false;
        }

        List<CallFrame> before = thread.Frames;
        Close(thread);
        foreach ((CallKind, ulong, ulong) each in KeysOf(frames))
            Forget(each);
        Keep(before);
        int innermost = frames.FindLastIndex(frame => frame.Kind == kind);
        thread.Frames = [];
        foreach (CallFrame frame in frames[..innermost])
            Push(thread, frame with { Start = count });
        return true;
    }

    private void BeginAnew(CallThread thread, ulong address, ulong count)
    {
        List<CallFrame> before = thread.Frames;
        Close(thread);
        Keep(before);
        thread.Frames = [];
        Push(thread, new CallFrame(Functions.BeginningAt(address), CallKind.Code, 0, null, count));
    }

    private void Keep(List<CallFrame> frames)
    {
        if (_kept.Count >= MostKept)
            _kept.Clear();
        foreach ((CallKind, ulong, ulong) key in KeysOf(frames))
        {
            if (!_hasRegisters && _kept.TryGetValue(key, out KeptStack? kept))
            {
                kept.Waiting++;
                kept.Frames = null;
            }
            else
            {
                _kept[key] = new KeptStack { Frames = frames, Waiting = 1 };
            }
        }
    }

    private void Forget((CallKind, ulong, ulong) key)
    {
        if (_kept.TryGetValue(key, out KeptStack? kept) && --kept.Waiting == 0)
            _kept.Remove(key);
    }

    // A stack goes on where its innermost call, or its innermost event, returns.
    private List<(CallKind Kind, ulong Return, ulong StackPointer)> KeysOf(List<CallFrame> frames)
    {
        List<(CallKind, ulong, ulong)> keys = [];
        foreach (CallKind kind in (ReadOnlySpan<CallKind>)[CallKind.Call, CallKind.Event])
        {
            int i = frames.FindLastIndex(frame => frame.Kind == kind);
            if (i >= 1 && (!_hasRegisters || frames[i].StackPointer is not null))
                keys.Add((kind, frames[i].Return, frames[i].StackPointer ?? 0));
        }

        return keys;
    }

    // Into another function without a call: the one that jumped does not come back.
    private void Move(CallThread thread, ulong address, int function, ulong count)
    {
        CallFrame top = thread.Top;
        if (top.Function == function || (function == 0 && Functions.IsAddress(top.Function)))
            return;
        _observer.Leave(thread.Vcpu, Math.Max(thread.End, top.Start));
        CallFrame moved = top with { Function = Functions.BeginningAt(address), Start = count };
        thread.Frames[^1] = moved;
        _observer.Enter(thread.Vcpu, moved.Function, false, count);
    }

    private void Push(CallThread thread, CallFrame frame)
    {
        if (thread.Frames.Count == Deepest)
        {
            Close(thread);
            thread.Frames = [];
            frame = frame with { Start = Math.Max(frame.Start, thread.End) };
        }

        thread.Frames.Add(frame);
        _observer.Enter(thread.Vcpu, frame.Function, frame.Kind == CallKind.Event, frame.Start);
    }

    private void PopTo(CallThread thread, int depth, ulong end)
    {
        for (int i = thread.Frames.Count; i > depth; i--)
            _observer.Leave(thread.Vcpu, end);
        thread.Frames.RemoveRange(depth, thread.Frames.Count - depth);
    }

    private void Close(CallThread thread)
    {
        _observer.Switch(thread.Vcpu);
        for (int i = 0; i < thread.Frames.Count; i++)
            _observer.Leave(thread.Vcpu, thread.End);
    }

    private static bool Fits(in CallFrame frame, ulong? pointer) => pointer is null || frame.StackPointer is null || frame.StackPointer == pointer;

    private BlockFlow FlowOf(TraceBlock block)
    {
        while (_flows.Count <= block.Number)
            _flows.Add(null);
        return _flows[block.Number] ??= new BlockFlow(block, Functions);
    }
}
