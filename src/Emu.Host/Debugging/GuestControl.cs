using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.TimeTravel;
using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>Lets a guest run, in both directions, under a debugger's conditions.</summary>
internal sealed partial class GuestControl
{
    private readonly IDebuggedGuest _guest;
    private readonly BreakpointList _breakpoints;
    private readonly Timeline _timeline;

    /// <summary>Takes over a guest.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="breakpoints">Where it stops; may change between two runs.</param>
    public GuestControl(IDebuggedGuest guest, BreakpointList breakpoints)
    {
        _guest = guest;
        _breakpoints = breakpoints;
        _timeline = new Timeline(guest.Machine);
        Memory = new GuestMemory(new LinkMap(guest.Setup.Kernel));
        StartInfo = FindStartInfo(guest.Machine);
    }

    /// <summary>The physical address of hvm_start_info; null where the kernel was not entered through PVH.</summary>
    public ulong? StartInfo { get; }

    /// <summary>Guest memory.</summary>
    public GuestMemory Memory { get; }

    /// <summary>What the guest was made from.</summary>
    public GuestSetup Setup => _guest.Setup;

    /// <summary>The machine.</summary>
    public PvhMachine Machine => _guest.Machine;

    /// <summary>The present place in the run: instructions retired by all vCPUs.</summary>
    public ulong Position => _timeline.Position;

    /// <summary>The last place that was ever reached; the present one where the guest was changed here, for what followed is no more.</summary>
    public ulong Frontier => _isChanged ? Position : _timeline.Frontier;

    /// <summary>Whether a step that meets an interrupt goes on until the guest is back from its handler.</summary>
    public bool StepsOverInterrupts { get; set; } = true;

    /// <summary>The vCPU that executes next.</summary>
    /// <returns>It.</returns>
    public Vcpu Current() => Machine.ChooseVcpu();

    /// <summary>Lets the guest run.</summary>
    /// <param name="until">The place where it ends at the latest, that being a <see cref="StopCause.Stepped"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop Continue(ulong until, CancellationToken cancellation)
    {
        Prepare([]);
        return Stop(Forward(until, cancellation), cancellation);
    }

    /// <summary>Lets the guest run until a vCPU has executed an instruction, and further while it stays within a range.</summary>
    /// <param name="vcpu">The vCPU. Others have their turns meanwhile, as they would have anyway.</param>
    /// <param name="start">First linear address of the range.</param>
    /// <param name="end">The address behind it; equal to <paramref name="start"/> for no range.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop Step(Vcpu vcpu, ulong start, ulong end, CancellationToken cancellation)
    {
        Prepare([]);
        while (true)
        {
            RunResult result = StepOnce(vcpu, cancellation);
            if (result.Reason != StopReason.LimitReached || Position >= _guest.Maximum)
                return Stop(result, cancellation);
            ulong rip = RegisterSet.LinearRip(vcpu);
            if (rip < start || rip >= end)
                return new GuestStop(StopCause.Stepped, vcpu);
            if (_breakpoints.IsAt(rip))
                return new GuestStop(StopCause.Breakpoint, vcpu);
        }
    }

    /// <summary>Goes back to the last breakpoint or watched access.</summary>
    /// <param name="cancellation">Gives up: the guest stands where it was.</param>
    /// <returns>Why it stands.</returns>
    public GuestStop RunBack(CancellationToken cancellation)
    {
        EndTrace("gdb goes back");
        Prepare([]);
        return Stop(_timeline.RunBack(cancellation), cancellation);
    }

    /// <summary>Goes to a place that was reached before; breakpoints do not count.</summary>
    /// <param name="position">The place, from the beginning to <see cref="Frontier"/>.</param>
    /// <returns>That it stands there.</returns>
    public GuestStop GoTo(ulong position)
    {
        if (position < Position)
            EndTrace("gdb goes back");
        Settle();
        _timeline.GoTo(position);
        return new GuestStop(StopCause.Stepped, Current());
    }

    // Until the vCPU has retired one more; an interrupt that it takes instead is let run, if so wanted.
    private RunResult StepOnce(Vcpu vcpu, CancellationToken cancellation)
    {
        while (true)
        {
            (ulong Rip, ulong Stack, ulong Retired) before = (RegisterSet.LinearRip(vcpu), StackPointer(vcpu), vcpu.InstructionsRetired);
            bool wasInterrupted = false;
            _guest.Observer.Delivered = (who, kind) => wasInterrupted |= who == vcpu && kind is EventKind.ExternalInterrupt or EventKind.NonMaskableInterrupt;
            RunResult result;
            do
            {
                result = Forward(Position + 1, cancellation);
            }
            while (result.Reason == StopReason.LimitReached && vcpu.InstructionsRetired == before.Retired && Position < _guest.Maximum);
            _guest.Observer.Delivered = null;
            if (result.Reason != StopReason.LimitReached || !wasInterrupted || !StepsOverInterrupts || Position >= _guest.Maximum)
                return result;

            Prepare([before.Rip]);
            do
            {
                result = Forward(ulong.MaxValue, cancellation);
            }
            while (result.Reason == StopReason.Breakpoint && !_breakpoints.IsAt(RegisterSet.LinearRip(Current())) && !IsBack());
            Prepare([]);
            if (result.Reason != StopReason.Breakpoint || !IsBack())
                return result;

            bool IsBack() => Current() == vcpu && RegisterSet.LinearRip(vcpu) == before.Rip && StackPointer(vcpu) == before.Stack;
        }
    }

    private RunResult Forward(ulong until, CancellationToken cancellation) => _timeline.Run(
        new RunLimits { MaxInstructions = Math.Min(until, _guest.Maximum), PassesBreakpoint = true }, cancellation);

    // Setting breakpoints costs translated code, so they are set when they are needed, and only if they are others.
    private void Prepare(ReadOnlySpan<ulong> further)
    {
        Settle();
        SortedSet<ulong> code = [.. further];
        List<Watchpoint> data = [];
        foreach (Breakpoint breakpoint in _breakpoints.All)
        {
            if (breakpoint.Type <= BreakpointType.Hardware)
                code.Add(breakpoint.Address);
            else
                data.Add(new Watchpoint(breakpoint.Address, breakpoint.Length, AccessOf(breakpoint.Type)));
        }

        if (!code.SequenceEqual(_timeline.Breakpoints))
            _timeline.Breakpoints = [.. code];
        data.Sort(static (one, other) => (one.Address, one.Length, one.Access).CompareTo((other.Address, other.Length, other.Access)));
        if (!data.SequenceEqual(_timeline.Watchpoints))
            _timeline.Watchpoints = data;
    }

    private GuestStop Stop(RunResult result, CancellationToken cancellation)
    {
        switch (result.Reason)
        {
            case StopReason.Breakpoint:
                return new GuestStop(StopCause.Breakpoint, Machine.CurrentVcpu);
            case StopReason.Watchpoint when result.Hit is { } hit:
                return new GuestStop(StopCause.Watchpoint, Machine.CurrentVcpu, Math.Max(hit.Address, hit.Watchpoint.Address));
            case StopReason.BeginningReached:
                return new GuestStop(StopCause.BeginningOfTime, Current());
            // Else it is a recording that ends here.
            case StopReason.Cancelled when cancellation.IsCancellationRequested:
                return new GuestStop(StopCause.Interrupted, Current());
            case StopReason.LimitReached when Position < _guest.Maximum:
                return new GuestStop(StopCause.Stepped, Current());
            default:
                return new GuestStop(StopCause.Ended, Machine.CurrentVcpu, Result: result);
        }
    }

    private static WatchedAccess AccessOf(BreakpointType type) => type switch
    {
        BreakpointType.Write => WatchedAccess.Write,
        BreakpointType.Read => WatchedAccess.Read,
        _ => WatchedAccess.Any,
    };

    // At entry EBX has it, and its magic number tells it from what Multiboot has there.
    private static unsafe ulong? FindStartInfo(PvhMachine machine)
    {
        uint address = (uint)machine.Vcpu.State->Registers[3];
        Span<byte> magic = stackalloc byte[4];
        bool isThere = machine.InstructionsRetired == 0 && machine.Ram.Physical.TryRead(address, magic)
            && BinaryPrimitives.ReadUInt32LittleEndian(magic) == HvmStartInfo.Magic;
        return isThere ? address : null;
    }

    private static unsafe ulong StackPointer(Vcpu vcpu) => vcpu.State->Registers[4];
}
