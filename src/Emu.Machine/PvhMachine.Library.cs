using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Diagnostics;
using Emu.Machine.Hooks;
using Emu.Machine.Interrupts;

namespace Emu.Machine;

// What programs ask of a machine that they run: docs/library.md.
public sealed partial class PvhMachine
{
    private readonly List<IStateful> _addedParts = [];
    private ulong[] _breakpoints = [];
    private Watchpoint[] _watchpoints = [];
    private MachineHooks? _hooks;
    private bool _instrumentsChanged;

    /// <summary>What a program wants to hear of the guest.</summary>
    public MachineHooks Hooks => _hooks ??= new MachineHooks(this);

    /// <summary>The I/O ports.</summary>
    internal PortBus Ports { get; }

    /// <summary>What vCPUs report to.</summary>
    internal VcpuLogger VcpuLog { get; }

    /// <summary>Runs until an instruction is about to be executed; one that is next already is passed.</summary>
    /// <param name="address">Its linear address.</param>
    /// <param name="limits">When to end at the latest; null for never.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns><see cref="StopReason.Paused"/> where it came to the instruction; else how the run ended before.</returns>
    public RunResult RunUntil(ulong address, RunLimits? limits = null, CancellationToken cancellation = default)
    {
        using (Hooks.OnCode(address, _ => RequestPause()))
            return Run((limits ?? RunLimits.None) with { PassesBreakpoint = true }, cancellation);
    }

    /// <summary>Runs until a text is on the console, behind the one that was waited for before.</summary>
    /// <param name="console">The machine's <see cref="MachineOptions.ConsoleOutput"/>.</param>
    /// <param name="text">The text.</param>
    /// <param name="limits">When to end at the latest; null for never.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns><see cref="StopReason.Paused"/> where the text is there; else how the run ended before.</returns>
    public RunResult RunUntil(ConsoleText console, string text, RunLimits? limits = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(console);
        ArgumentException.ThrowIfNullOrEmpty(text);
        if (console.TryFind(text, RequestPause))
            return new RunResult(StopReason.Paused);
        var result = Run(limits ?? RunLimits.None, cancellation);
        return console.EndSearch() ? new RunResult(StopReason.Paused) : result;
    }

    /// <summary>Types on the guest's console: each byte enters a character time after the guest has begun to listen.</summary>
    /// <param name="text">The text; Enter is <c>\r</c> or <c>\n</c>, as the guest likes it.</param>
    /// <exception cref="InvalidOperationException"><see cref="MachineOptions.ConsoleInput"/> is no <see cref="TypedInput"/>.</exception>
    public void Type(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_options.ConsoleInput is not TypedInput input)
            throw new InvalidOperationException("The machine's ConsoleInput is no TypedInput.");
        input.Add(text);
        _feed.AskAgain();
    }

    /// <summary>Requests an interrupt in a vCPU's local APIC, as a message does; an APIC that is switched off takes none.</summary>
    /// <param name="vcpu">The vCPU's number.</param>
    /// <param name="vector">The vector, from 16 on.</param>
    public void InjectInterrupt(int vcpu, byte vector) => _scheduler.Processors[vcpu].LocalApic.Request(vector, isLevelTriggered: false);

    /// <summary>Sends a vCPU an NMI.</summary>
    /// <param name="vcpu">The vCPU's number.</param>
    public void InjectNmi(int vcpu) => _scheduler.Processors[vcpu].NotifyNmi();

    /// <summary>Makes a wire to the interrupt controllers of a PC, for a device that the program adds.</summary>
    /// <param name="irq">The ISA interrupt, 0 to 15, that no other device has: 3, 5 to 7, 10 to 15.</param>
    /// <returns>The wire; its level is the device's state.</returns>
    /// <exception cref="InvalidOperationException">The machine is a Xen domain.</exception>
    public InterruptLine ConnectInterrupt(int irq)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(irq);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(irq, 15);
        return _pc?.IsaLine(irq) ?? throw new InvalidOperationException("A Xen domain has no interrupt controllers for devices.");
    }

    /// <summary>Adds a device at I/O ports. One that is <see cref="IStateful"/> is part of snapshots.</summary>
    /// <param name="device">The device.</param>
    /// <param name="first">Its first port.</param>
    /// <param name="count">How many ports it has.</param>
    /// <exception cref="InvalidOperationException">A port belongs to another device.</exception>
    public void AddDevice(IPortDevice device, ushort first, int count)
    {
        ArgumentNullException.ThrowIfNull(device);
        Ports.Claim(device, first, count);
        Keep(device);
    }

    /// <summary>Adds a device in physical memory outside RAM. One that is <see cref="IStateful"/> is part of snapshots.</summary>
    /// <param name="device">The device.</param>
    /// <param name="address">Its first byte, guest-physical. What lies in RAM never comes to it.</param>
    /// <param name="length">Bytes.</param>
    public void AddDevice(IMmioDevice device, ulong address, ulong length)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfZero(length);
        Mmio.Claim(device, address, length);
        Keep(device);
    }

    /// <summary>Replaces the breakpoints, at which <see cref="Run"/> ends with <see cref="StopReason.Breakpoint"/>; code elsewhere is not slowed down.</summary>
    /// <param name="addresses">Linear addresses of instructions, the same for all vCPUs and address spaces.</param>
    public void SetBreakpoints(IEnumerable<ulong> addresses)
    {
        _breakpoints = [.. addresses];
        ChangeInstruments();
    }

    /// <summary>Replaces the watchpoints, behind whose accesses <see cref="Run"/> ends with <see cref="StopReason.Watchpoint"/>.</summary>
    /// <param name="watchpoints">They, for all vCPUs and address spaces.</param>
    public void SetWatchpoints(IReadOnlyList<Watchpoint> watchpoints)
    {
        _watchpoints = [.. watchpoints];
        ChangeInstruments();
    }

    /// <summary>Breakpoints or watchpoints are others now, which a vCPU learns between two stretches of its turn.</summary>
    internal void ChangeInstruments()
    {
        _instrumentsChanged = true;
        if (_scheduler.Current.IsExecuting)
            LeaveStretch();
        else
            UpdateInstruments();
    }

    private void UpdateInstruments()
    {
        if (!_instrumentsChanged)
            return;
        _instrumentsChanged = false;
        _blocks.SetBreakpoints(_hooks is null ? _breakpoints : [.. _breakpoints, .. _hooks.Breakpoints]);
        Watchpoint[] watchpoints = _hooks is null ? _watchpoints : [.. _watchpoints, .. _hooks.Watchpoints];
        foreach (var vcpu in Vcpus)
        {
            if (watchpoints.Length != 0 || vcpu.Watchpoints.Count != 0)
                vcpu.Watchpoints = watchpoints;
        }
    }

    private void LeaveStretch()
    {
        if (_scheduler.Current.IsExecuting)
            CurrentVcpu.RequestStop();
    }

    // A part may be in several places, but its state is one.
    private void Keep(object device)
    {
        if (device is IStateful part && !_addedParts.Contains(part))
            _addedParts.Add(part);
    }

    // The run ended at a breakpoint: what wants to hear of it is called.
    private bool EndsAtBreakpoint()
    {
        var address = CurrentVcpu.LinearRip;
        _hooks?.CallCode(CurrentVcpu, address);
        if (Array.IndexOf(_breakpoints, address) >= 0)
            return true;
        CurrentVcpu.PassBreakpoint();
        return false;
    }

    // The run ended behind an access to watched memory.
    private bool EndsAtWatchpoint(in WatchpointHit hit)
    {
        _hooks?.CallMemory(CurrentVcpu, hit);
        foreach (var watchpoint in _watchpoints)
        {
            if (watchpoint.IsTouchedBy(hit.Address, hit.Size, hit.Access))
                return true;
        }

        return false;
    }
}
