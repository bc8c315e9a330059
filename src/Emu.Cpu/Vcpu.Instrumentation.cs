using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Breakpoints and watchpoints from outside: they end the run at exact instruction boundaries and leave no trace in the guest.
public sealed unsafe partial class Vcpu
{
    private Watchpoint[] _watchpoints = [];
    private WatchpointHit? _watchpointHit;

    // The count of retired instructions at which a breakpoint does not stop: it was reported, and what it stands before is to be executed.
    private ulong _passesBreakpointAt = ulong.MaxValue;

    /// <summary>The watchpoints; to be changed between calls to <see cref="Run"/>.</summary>
    public IReadOnlyList<Watchpoint> Watchpoints
    {
        get => _watchpoints;
        set
        {
            _watchpoints = [.. value];
            _watchpointHit = null;
            WatchPages();
        }
    }

    /// <summary>Lets the instruction that is next be executed even if a breakpoint is there.</summary>
    public void PassBreakpoint() => _passesBreakpointAt = InstructionsRetired;

    /// <summary>True where a watchpoint has been touched, and <see cref="TakeWatchpointHit"/> says how.</summary>
    public bool HasWatchpointHit => _watchpointHit != null;

    /// <summary>What ended the last <see cref="Run"/>, if that was a watchpoint.</summary>
    /// <returns>The hit, once; else null.</returns>
    public WatchpointHit? TakeWatchpointHit()
    {
        var hit = _watchpointHit;
        _watchpointHit = null;
        return hit;
    }

    /// <summary>The first handler of blocks that begin where a breakpoint may be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void LookForBreakpoint(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        if (vcpu.IsAtBreakpoint(block->Count))
        {
            // The block has been charged; the run loop finds it again, and what it begins with.
            s->Budget += block->Count;
            Chain.Boundary(s, s->Rip);
            return;
        }
        vcpu.Tracer?.Note(vcpu, block, vcpu.InstructionsRetired - (ulong)block->Count);
        block->Interpreter(vcpu, s, op);
    }

    private bool IsAtBreakpoint(long charged)
    {
        var linear = Is64BitCode ? State->Rip : (uint)(State->Segments[(int)SegmentName.Cs].Base + State->Rip);
        return _blocks.Breakpoints.IsAt(linear) && InstructionsRetired - (ulong)charged != _passesBreakpointAt;
    }

    // An operand's access to watched bytes waits for an exact boundary, so that the run can end right behind its instruction.
    private bool PassesWatchpoints(Op* op, ulong linear, int size, WatchedAccess access) =>
        NoteTracedAccess(linear, size, access) || _watchpoints.Length == 0 || !FindWatchpoint(linear, size, access, out var hit) || NoteHit(hit) || AskForRepetition(op);

    // The same for accesses that no operand makes.
    private bool SystemPassesWatchpoints(ulong linear, int size, WatchedAccess access) =>
        NoteTracedAccess(linear, size, access) || _watchpoints.Length == 0 || !FindWatchpoint(linear, size, access, out var hit) || NoteHit(hit) || NeedExactBoundary();

    private bool NoteHit(in WatchpointHit hit)
    {
        if (State->Solo == Solitude.None && !_betweenInstructions)
            return false;
        _watchpointHit ??= hit;
        return true;
    }

    private bool FindWatchpoint(ulong linear, int size, WatchedAccess access, out WatchpointHit hit)
    {
        foreach (var watchpoint in _watchpoints)
        {
            if (!watchpoint.IsTouchedBy(linear, size, access))
                continue;
            hit = new WatchpointHit(watchpoint, linear, size, access);
            return true;
        }
        hit = default;
        return false;
    }

    // An instruction that ran alone, or the delivery of an event, is over.
    private void StopAtWatchpoint()
    {
        if (_watchpointHit != null)
            RequestStop();
    }
}
