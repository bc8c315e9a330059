using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Iced.Intel;

namespace Emu.Cpu;

// What a snapshot has of a vCPU. Translated code is no state: what is kept of it holds for whatever state comes next, because it is found by
// physical address, and who changes RAM forgets what was translated from there.
public sealed unsafe partial class Vcpu
{
    /// <inheritdoc/>
    /// <remarks>Between two calls to <see cref="Run"/>; RAM's map is there before it is restored.</remarks>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("vCPU");
        var retired = stream.Transferred(InstructionsRetired);
        State->Transfer(stream);
        stream.Require(State->LinesHeldLow is 0 or A20, "an address line is held low that cannot be");
        stream.Require(IsMonitorable(State->MonitorAddress), "what is monitored is no RAM");
        stream.Transfer(ref _oneInstruction);
        TransferStep(stream);
        _tlb.Transfer(stream, _memory);
        if (!stream.IsRestoring)
            return;
        State->BudgetEnd = _runEnd = retired;
        State->Budget = 0;
        // A statistic: of what was executed from here on.
        State->Compiled = 0;
        State->LinkRequest = null;
        _unretired = 0;
        _segmentFaulted = false;
        _watchpointHit = null;
        _passesBreakpointAt = ulong.MaxValue;
        _banks = _tlb.Bank(0);
        UpdateMode();
        UpdateBreakpoints();
        UpdateCodeTag();
    }

    // What IA32_DEBUGCTL.BTF asks of the instruction that was stepped last: see IsStepDue.
    private void TransferStep(StateStream stream)
    {
        stream.Transfer(ref _stepRip);
        if (State->StepFrom == NotStepping)
            return;
        var op = Block.Ops(_partial);
        stream.Transfer(ref op->Code);
        stream.Transfer(ref op->Shape);
        stream.Require(Enum.IsDefined((Code)op->Code), "no such instruction was stepped");
    }

    private bool IsMonitorable(ulong address)
    {
        if (address == NoMonitor)
            return true;
        var frame = _memory.FrameAtHome(address);
        return address % MonitorLineBytes == 0 && (uint)frame < _memory.Size / PhysicalMemory.PageSize;
    }
}
