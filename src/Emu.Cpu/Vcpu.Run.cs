using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// The run loop: events between instructions, the block at RIP, its execution, and what it came back with.
public sealed unsafe partial class Vcpu
{
    /// <summary>Instructions retired since reset: exact at every callout to the platform, where it counts those before the current one.</summary>
    /// <remarks>The delivery of an exception or interrupt counts as one too, so that a fault loop cannot stop time.</remarks>
    public ulong InstructionsRetired => State->BudgetEnd - (ulong)State->Budget - _unretired;

    /// <summary>The offset in CS of the instruction by which the platform is called: an access to a port or to a device's memory, RDMSR, a hypercall.</summary>
    /// <remarks>Within an instruction <see cref="State.CpuState.Rip"/> may still be where its block begins. Outside of calls to the platform the two are the same.</remarks>
    public ulong CallingRip => _unretired == 0 || _caller == null ? State->Rip : Step.RipOf(State, _caller);

    // Instructions of the current block that have been charged to the budget but not retired, while the platform is called.
    private ulong _unretired;

    // The instruction that calls the platform; null where RIP is its address.
    private Op* _caller;

    /// <summary>Runs until <paramref name="untilRetired"/> instructions have been retired since reset, or an earlier reason to leave.</summary>
    public RunExit Run(ulong untilRetired)
    {
        var s = State;
        _runEnd = untilRetired;
        SetBudgetEnd(untilRetired);
        s->Pending &= ~(PendingEvents.Stop | PendingEvents.Yield);
        s->LinkRequest = null;
        Tracer?.Enter(this);
        while (true)
        {
            _blocks.Compiler?.Trim();
            if (s->Budget <= 0)
                return RunExit.LimitReached;
            if ((s->Pending != 0 || (s->SystemFlags & Rflags.Trap) != 0) && HandlePending() is { } exit)
                return exit;

            var block = FindBlock();
            if (block == null)
            {
                DeliverPendingFault();
                continue;
            }
            if (_blocks.Breakpoints.Any && IsAtBreakpoint(0))
                return RunExit.Breakpoint;
            // A block of one instruction, executed as it is, would go on to its successor.
            if (SingleStepping || block == _uncached)
                ExecuteFirst(block, 1);
            else if (block->Count > s->Budget)
                ExecuteFirst(block, (int)s->Budget);
            else
                Execute(block);
        }
    }

    /// <summary>Brings the end of the current <see cref="Run"/> forward (never back): a device scheduled an earlier event.</summary>
    public void LimitRun(ulong untilRetired)
    {
        if (untilRetired >= _runEnd)
            return;
        // The instruction that is executing has been charged to the budget and completes in any case.
        _runEnd = Math.Max(untilRetired, InstructionsRetired + _unretired);
        if (_runEnd < State->BudgetEnd)
            SetBudgetEnd(_runEnd);
    }

    /// <summary>Lets the current <see cref="Run"/> end with <see cref="RunExit.Stopped"/> after the current instruction.</summary>
    public void RequestStop() => State->Pending |= PendingEvents.Stop;

    /// <summary>Lets the current <see cref="Run"/> end with <see cref="RunExit.Yielded"/> after the current instruction.</summary>
    public void RequestYield() => State->Pending |= PendingEvents.Yield;

    /// <summary>Lets the vCPU wait for an interrupt, or for <see cref="EndWait"/>, after the current instruction, as HLT does.</summary>
    public void BeginWait() => State->Pending |= PendingEvents.Halt;

    /// <summary>Whether the last <see cref="Run"/> executed a PAUSE that asks for another vCPU's turn; whatever the run ended with.</summary>
    /// <returns>True once for each such run. Always false where the machine has one vCPU.</returns>
    public bool TakeYield()
    {
        var yielded = (State->Pending & PendingEvents.Yield) != 0;
        State->Pending &= ~PendingEvents.Yield;
        return yielded;
    }

    /// <summary>The platform's <see cref="Platform.ILocalInterrupts.HasInterrupt"/> may have become true.</summary>
    public void NotifyInterrupt() => State->Pending |= PendingEvents.Interrupt;

    /// <summary>Raises the NMI pin's edge.</summary>
    public void NotifyNmi() => State->Pending |= PendingEvents.NonMaskableInterrupt;

    /// <summary>Lets time pass without instructions (idle): adds to the time-stamp counter.</summary>
    /// <param name="ticks">Time-stamp ticks; one retired instruction is one tick.</param>
    public void AdvanceTimeStamp(ulong ticks) => State->TimeStampOffset += ticks;

    /// <summary>The time-stamp counter as RDTSC reads it in the instruction that is executing.</summary>
    /// <param name="op">The instruction.</param>
    internal ulong TimeStamp(Op* op) => State->BudgetEnd - (ulong)State->Budget - op->Remaining + State->TimeStampOffset;

    /// <summary>Instructions retired once the one that is executing is.</summary>
    internal ulong RetiredAfter(Op* op) => State->BudgetEnd - (ulong)State->Budget - op->Remaining + 1;

    /// <summary>Calls to the platform from an instruction: within the scope <see cref="InstructionsRetired"/> is exact.</summary>
    internal void EnterPlatform(Op* op)
    {
        _unretired = op->Remaining;
        _caller = op;
    }

    /// <summary>The same where <see cref="State.CpuState.Rip"/> already is what the platform is to see.</summary>
    internal void EnterPlatformAtRip(Op* op)
    {
        _unretired = op->Remaining;
        _caller = null;
    }

    // The same without an op: the instruction runs alone, and is the one that has not been retired; the delivery of an event is not charged yet.
    private void EnterPlatformAlone()
    {
        _unretired = _betweenInstructions ? 0u : 1;
        _caller = State->Solo == Solitude.AtDevice ? _alone : null;
    }

    /// <summary>Ends what <see cref="EnterPlatform"/> began.</summary>
    internal void LeavePlatform() => _unretired = 0;

    // One instruction alone: traps may follow it, or it stands in the shadow of an event that waits.
    private bool SingleStepping =>
        (State->SystemFlags & Rflags.Trap) != 0 || _oneInstruction || (State->Pending & PendingEvents.Breakpoints) != 0 || _stepsForTrace;

    // Where the current run ends; BudgetEnd lies before it while a truncated block runs.
    private ulong _runEnd;

    // Set by HandlePending: an event waits for the next instruction to complete.
    private bool _oneInstruction;

    private void SetBudgetEnd(ulong end)
    {
        State->Budget += (long)(end - State->BudgetEnd);
        State->BudgetEnd = end;
    }

    private void Execute(Block* block)
    {
        var s = State;
        s->Exit = EngineExit.NextBlock;
        s->Budget -= block->Count;
        Block.Ops(block)->Handler(this, s, Block.Ops(block));
        if (s->Exit == EngineExit.Fault)
        {
            Rewind();
            DeliverPendingFault();
        }
        else if (s->Exit == EngineExit.RepeatAlone)
        {
            Rewind();
            if (FindBlock() is var again && again != null)
                ExecuteFirst(again, 1);
            else
                DeliverPendingFault();
        }
    }

    // The first instructions of a block and not one more: no budget is left for a link.
    private void ExecuteFirst(Block* block, int count)
    {
        Tracer?.Note(this, block, InstructionsRetired);
        CopyFirst(block, count);
        SetBudgetEnd(InstructionsRetired + (ulong)count);
        State->Solo = count == 1 ? Solitude.Alone : Solitude.None;
        Execute(_partial);
        State->Solo = Solitude.None;
        StopAtWatchpoint();
        State->LinkRequest = null;
        SetBudgetEnd(_runEnd);
        if (_stepsForTrace)
            Tracer!.NoteStep(this);
    }

    private void CopyFirst(Block* block, int count)
    {
        *_partial = *block;
        _partial->Count = count;
        var to = Block.Ops(_partial);
        // The first op may lead to compiled code, which knows nothing of the cut.
        for (var from = Block.Ops(block); ; from++, to++)
        {
            // The block's fall-through (nothing remains there) is part of its last instruction; the cut is made before any other.
            if (from->Remaining == 0 || from->Remaining > block->Count - count)
            {
                *to = *from;
                if (from->Remaining == 0)
                {
                    to->Immediate = (long)_blocks.NoBlock;
                    break;
                }
                to->Remaining -= (byte)(block->Count - count);
                continue;
            }
            *to = Terminators.MakeStop(from->Offset);
            break;
        }
        Block.Ops(_partial)->Handler = block->Interpreter;
    }

    /// <summary>A block that is about to be executed has been executed often.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void RequestRegion(Block* block) => _blocks.Compiler!.Request(State, block);

    // Back to before the instruction that did not complete: it and what follows it in its block have not been retired.
    private void Rewind()
    {
        State->Rip += _interruptedOp->Offset;
        State->Budget += _interruptedOp->Remaining;
        State->LinkRequest = null;
    }

    private Block* FindBlock()
    {
        var s = State;
        if (!Is64BitCode)
            s->Rip = (uint)s->Rip;
        var entry = JumpCacheEntry.For(s, s->Rip);
        var block = entry->Block;
        if (entry->Rip != s->Rip || entry->Tag != s->CodeTag || block->Count == Block.Forgotten)
        {
            var tag = s->CodeTag;
            block = LookUpOrDecode();
            // A table of translations that was full has been emptied: the jump cache may not know more than it does.
            if (block != null && s->CodeTag != tag)
                block = LookUpOrDecode();
            if (block == null)
                return null;
            if (block != _uncached)
                *entry = new JumpCacheEntry { Rip = s->Rip, Tag = s->CodeTag, Block = block };
        }
        // Decoding may have forgotten everything, the request included: look at it only now.
        if (s->LinkRequest != null)
        {
            // A link skips the look at the code segment's limit that the way through here includes.
            if (s->LinkRequest->Scale == Op.Linkable && block->IsLinkable && block != _uncached && !_codeIsLimited)
                s->LinkRequest->Immediate = (long)block;
            s->LinkRequest = null;
        }
        return block;
    }

    private Block* LookUpOrDecode()
    {
        var s = State;
        if (!TryCodeAddress(s->Rip, out var linear))
            return null;
        if (!TryTranslateFetch(linear, out var host, out var physical))
            return null;
        var found = host == null ? null : _blocks.Find(physical, _codeMode);
        if (found == null || !(found->IsLinkable || StillContinuesAt(linear, found->LastPage)))
            found = Decode(linear, host, physical);
        if (found != null && _codeIsLimited)
        {
            var left = s->Segments[(int)SegmentName.Cs].Limit - s->Rip + 1;
            if (found->ByteLength > left)
                return DecodeWithinLimit(linear, physical, (uint)left);
        }
        return found;
    }

    // A block that crosses pages depends on the translation of the second one too.
    private bool StillContinuesAt(ulong linear, ulong lastPage) =>
        TryTranslateFetch(WrapLinear(NextPage(linear)), out var host, out var physical) && host != null && (physical & ~0xFFFUL) == lastPage;

    private static ulong NextPage(ulong linear) => (linear | 0xFFF) + 1;
}
