using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Memory;

namespace Emu.Cpu;

// What a trace needs of the vCPU.
public sealed unsafe partial class Vcpu
{
    // The bytes of the code in _uncached: what fetched them may have been a device.
    private readonly byte[] _uncachedCode = new byte[16];

    private bool _stepsForTrace;
    private bool _notesAccesses;

    /// <summary>What notes what is executed, or null.</summary>
    internal BlockTracer? Tracer { get; private set; }

    /// <summary>What the probes before blocks work on, while there is a tracer.</summary>
    internal TraceBuffer* Trace { get; private set; }

    /// <summary>Begins or ends a trace: all translated code is forgotten, so that none lacks the probe, or has it.</summary>
    /// <param name="tracer">The tracer, or null.</param>
    internal void TakeTracer(BlockTracer? tracer)
    {
        Tracer = tracer;
        Trace = tracer == null ? null : tracer.State;
        _stepsForTrace = tracer is { Steps: true };
        _blocks.IsTraced = tracer != null;
        _notesAccesses = tracer != null && (tracer.Detail & TraceDetail.Memory) != 0;
        WatchPages();
    }

    // Where accesses are traced every page is watched, so that all of them take the slow path.
    private void WatchPages() => _tlb.WatchPages(_notesAccesses ? [new Watchpoint(0, ulong.MaxValue, WatchedAccess.Any)] : _watchpoints);

    // False, always: watchpoints are looked at as well.
    private bool NoteTracedAccess(ulong linear, int size, WatchedAccess access)
    {
        if (_notesAccesses)
            Tracer!.NoteAccess(this, linear, size, access);
        return false;
    }

    /// <summary>Reads RAM for a trace, whatever the privilege, leaving no trace in the guest.</summary>
    /// <returns>False where any byte is not RAM.</returns>
    internal bool TryPeek(ulong linear, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var run = (int)Math.Min((ulong)destination.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if ((!TryTranslateAs(linear, PageAccess.Read, out var physical) && !TryTranslateAs(linear, PageAccess.Read | PageAccess.User, out physical))
                || !_memory.TryRead(physical, destination[..run]))
            {
                return false;
            }
            destination = destination[run..];
            linear += (ulong)run;
        }
        return true;
    }

    /// <summary>Copies the guest code that a block was translated from; to be called before it is executed.</summary>
    internal void CopyCode(Block* block, Span<byte> code)
    {
        if (block == _uncached)
        {
            _uncachedCode.AsSpan(0, code.Length).CopyTo(code);
            return;
        }
        var first = Math.Min(code.Length, (int)(PhysicalMemory.PageSize - (block->PhysicalAddress & 0xFFF)));
        new ReadOnlySpan<byte>(_memory.HostAtHome(block->PhysicalAddress), first).CopyTo(code);
        if (first < code.Length)
            new ReadOnlySpan<byte>(_memory.HostAtHome(block->LastPage), code.Length - first).CopyTo(code[first..]);
    }
}
