using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What the system observer is told. Nobody listens as a rule: then each place that could tell costs one comparison, and fast system calls nothing.
public sealed unsafe partial class Vcpu
{
    private ISystemObserver? _systemObserver;
    private bool _awaitsSystemCall;
    private bool _awaitsSystemReturn;

    // Here and not in a handler's local: a handler whose locals have addresses could not end with a tail call.
    private CodePlace _left;

    /// <summary>Hears of system events; null for nobody. May be set between two runs.</summary>
    public ISystemObserver? SystemObserver
    {
        get => _systemObserver;
        set
        {
            _systemObserver = value;
            _awaitsSystemCall = _awaitsSystemReturn = value is not null;
            UpdateSystemCalls();
        }
    }

    /// <summary>Whether fast system calls take the way on which everything is considered.</summary>
    internal bool HasUnusualSystemCalls { get; private set; }

    /// <summary>Notes where a transfer begins, for when it has been made.</summary>
    internal void BeginTransfer(Op* op)
    {
        ref var cs = ref State->Segments[(int)SegmentName.Cs];
        var rip = Step.RipOf(State, op);
        _left = new CodePlace(rip, Is64BitCode ? rip : (uint)(rip + cs.Base), cs.Selector, _codeMode, State->Cpl);
    }

    /// <summary>Tells of a write to a control register.</summary>
    internal void ReportControlRegister(Op* op, ControlRegister register, ulong before)
    {
        var rip = BeginReport(op);
        _systemObserver!.ControlRegisterWritten(this, register, before);
        EndReport(rip);
    }

    /// <summary>Tells of a write to a model-specific register.</summary>
    internal void ReportModelSpecificRegister(Op* op, uint register, ulong value)
    {
        var rip = BeginReport(op);
        _systemObserver!.ModelSpecificRegisterWritten(this, register, value);
        EndReport(rip);
    }

    /// <summary>Tells of a table that was loaded.</summary>
    internal void ReportTable(Op* op, SystemTable table)
    {
        var rip = BeginReport(op);
        _systemObserver!.TableLoaded(this, table);
        EndReport(rip);
    }

    /// <summary>Tells of HLT.</summary>
    internal void ReportHalt(Op* op)
    {
        var rip = BeginReport(op);
        _systemObserver!.Halted(this);
        EndReport(rip);
    }

    /// <summary>Tells of a transfer to another code segment; RIP is where it went.</summary>
    internal void ReportTransfer(Op* op, TransferKind kind)
    {
        EnterPlatformAtRip(op);
        _systemObserver!.Transferred(this, kind, _left);
        LeavePlatform();
    }

    /// <summary>Tells of the first SYSCALL or SYSENTER, and of the first SYSRET or SYSEXIT.</summary>
    internal void ReportSystemCall(Op* op, TransferKind kind)
    {
        ref var isAwaited = ref kind == TransferKind.SystemCall ? ref _awaitsSystemCall : ref _awaitsSystemReturn;
        if (!isAwaited)
            return;
        isAwaited = false;
        UpdateSystemCalls();
        ReportTransfer(op, kind);
    }

    private void UpdateSystemCalls() => HasUnusualSystemCalls = HasDataBreakpoints || _awaitsSystemCall || _awaitsSystemReturn;

    private ulong BeginReport(Op* op)
    {
        var rip = State->Rip;
        State->Rip = Step.RipOf(State, op);
        EnterPlatformAtRip(op);
        return rip;
    }

    private void EndReport(ulong rip)
    {
        LeavePlatform();
        State->Rip = rip;
    }
}
