using System.Diagnostics;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Machine.Acpi;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Diagnostics;
using Emu.Machine.Interrupts;
using Emu.Machine.Memory;
using Emu.Machine.Power;
using Emu.Machine.Processors;
using Emu.Machine.Time;
using Emu.Pvh;
using Emu.Xen;
using Microsoft.Extensions.Logging;

namespace Emu.Machine;

/// <summary>A machine that boots one kernel, through PVH or Multiboot: vCPU, RAM, devices and the loop that runs them.</summary>
/// <remarks>
/// Everything that the guest can observe is a function of the kernel, its modules and command line, the options and console input:
/// see <see cref="VirtualClock"/> for time and <see cref="SerialInput"/> for input. Not thread safe.
/// </remarks>
public sealed class PvhMachine : IDisposable
{
    /// <summary>The longest stretch without a look at console input and cancellation: 1 ms of virtual time.</summary>
    private const ulong SliceLength = 1_000_000;

    /// <summary>The longest wait in host time before cancellation is looked at.</summary>
    private const ulong LongestWait = 100_000_000;

    /// <summary>Idle time shorter than this is not worth a wait in host time; it is added up.</summary>
    private const ulong ShortestWait = 1_000_000;

    /// <summary>The APIC id of a Xen domain's vCPU is twice its number.</summary>
    private const int XenApicIdStride = 2;

    private readonly MachineOptions _options;
    private readonly ILogger _log;
    private readonly PowerSwitch _power;
    private readonly ConsoleOutput _console;
    private readonly ConsoleOutput _debugConsole;
    private readonly VcpuLink _link;
    private readonly LocalApic _localApic;
    private readonly PcDevices? _pc;
    private readonly SerialInput? _input;
    private readonly BlockCache _blocks;
    private ulong _unpacedIdle;

    /// <summary>Makes a machine without a kernel.</summary>
    /// <param name="options">How it is to be.</param>
    /// <exception cref="MachineConfigurationException">It cannot be made like that.</exception>
    public PvhMachine(MachineOptions options)
    {
        Check(options);
        _options = options;
        _log = options.LoggerFactory.CreateLogger<PvhMachine>();
        _power = new PowerSwitch(() => _link!.Vcpu.RequestStop());
        _console = new ConsoleOutput(options.ConsoleOutput);
        _debugConsole = new ConsoleOutput(options.DebugConsoleOutput);
        _link = new VcpuLink(_power);
        Clock = new VirtualClock(_link);
        MemoryMap = MachineMemoryMap.Build(options.Profile, options.MemorySize);
        Ram = new GuestRam(options.MemorySize, MachineMemoryMap.RamOf(MemoryMap));
        var apicBus = new ApicBus();
        var ports = new PortBus(_log);
        if (options.Profile == MachineProfile.Pc)
        {
            _pc = new PcDevices(Clock, apicBus, _power, _console, options.ClockStart, options.TestDevices);
            _pc.Claim(ports);
            if (options.ConsoleInput is { } source)
                _input = new SerialInput(_pc.Com1, Clock, source);
        }

        ports.Claim(new DebugConsole(_debugConsole), AddressMap.DebugConsole, 1);
        ports.Claim(new DebugExit(_power), AddressMap.DebugExit, DebugExit.Length);
        _localApic = new LocalApic(0, isBootProcessor: true, Clock, apicBus, _link, _pc?.Pic);
        Mmio = new MmioBus(_log, _localApic);
        _pc?.Claim(Mmio);
        _blocks = new BlockCache(Ram.Physical);
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Ram.Physical,
            Blocks = _blocks,
            Ports = ports,
            Mmio = Mmio,
            Interrupts = _localApic,
            Hypervisor = options.Profile == MachineProfile.Xen ? MakeHypervisor() : null,
            Observer = new VcpuLogger(_log, options.Observer),
            Model = new CpuModel(options.CpuVendor, options.Vcpus, options.Profile == MachineProfile.Xen ? XenApicIdStride : 1),
        });
        _link.Vcpu = Vcpu;
    }

    /// <summary>Virtual time.</summary>
    public VirtualClock Clock { get; }

    /// <summary>Guest RAM.</summary>
    public GuestRam Ram { get; }

    /// <summary>The boot processor.</summary>
    public Vcpu Vcpu { get; }

    /// <summary>The memory map that the guest is told.</summary>
    public IReadOnlyList<MemoryMapEntry> MemoryMap { get; }

    /// <summary>Physical memory that is not RAM.</summary>
    internal MmioBus Mmio { get; }

    /// <summary>Loads a kernel and puts the vCPU at its entry point.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="modules">Its modules in order; the first is Linux's initrd.</param>
    /// <param name="commandLine">Its command line without NUL, byte for byte, or null.</param>
    /// <param name="name">What a Multiboot kernel finds before its command line; null for nothing.</param>
    /// <returns>Where everything lies.</returns>
    /// <exception cref="PvhBootException">The image cannot be booted, or does not fit.</exception>
    public BootResult Load(KernelImage image, IReadOnlyList<BootModule> modules, ReadOnlyMemory<byte>? commandLine, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ulong rsdp = 0;
        if (_pc is not null)
        {
            rsdp = AddressMap.AcpiTables;
            Ram.Write(rsdp, AcpiTables.Build(_options.Vcpus, _options.TestDevices));
            Ram.Write(AddressMap.ResetVector, ResetVector.Code);
        }

        var profile = _options.EntryProfile ?? (_pc is not null ? EntryProfile.Qemu : EntryProfile.Xen);
        var protocol = _options.Protocol == BootProtocol.Auto ? image.PreferredProtocol : _options.Protocol;
        BootResult boot = protocol == BootProtocol.Multiboot
            ? MultibootLoader.Load(image, Ram, new MultibootBootOptions
            {
                ImageName = name,
                CommandLine = commandLine,
                Modules = modules,
                MemoryMap = MemoryMap,
                EntryProfile = profile,
            })
            : PvhLoader.Load(image, Ram, new PvhBootOptions
            {
                CommandLine = commandLine,
                Modules = modules,
                StartInfoVersion = _options.StartInfoVersion,
                RsdpAddress = rsdp,
                MemoryMap = MemoryMap,
                EntryProfile = profile,
            });
        EntryState.Apply(Vcpu, boot.Cpu);
        return boot;
    }

    /// <summary>Runs the guest until it ends, or a limit is reached. A run that ended at a limit may be taken up again.</summary>
    /// <param name="limits">When to end at the latest.</param>
    /// <param name="cancellation">Ends the run at a point that depends on the host; everything up to there does not.</param>
    /// <returns>How it ended.</returns>
    public RunResult Run(RunLimits limits, CancellationToken cancellation = default)
    {
        try
        {
            while (true)
            {
                Clock.FireDue();
                if (_power.Requested is { } requested)
                    return requested;
                if (cancellation.IsCancellationRequested)
                    return new RunResult(StopReason.Cancelled);
                var retired = Vcpu.InstructionsRetired;
                if (retired >= limits.MaxInstructions)
                    return new RunResult(StopReason.LimitReached);
                var exit = Vcpu.Run(EndOfSlice(retired, limits.MaxInstructions));
                FlushConsoles();
                _input?.Poll();
                switch (exit)
                {
                    case RunExit.Shutdown:
                        return new RunResult(StopReason.Crashed, Detail: "triple fault");
                    case RunExit.Halted when _power.Requested is null && !Idle():
                        return DeadHalt();
                }
            }
        }
        finally
        {
            FlushConsoles();
        }
    }

    /// <summary>SHA-256 over all vCPU state and RAM; equal for equal runs on any host.</summary>
    /// <returns>32 bytes.</returns>
    public byte[] StateHash() => StateDigest.Compute([Vcpu], Ram.Physical);

    /// <inheritdoc/>
    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        Ram.Dispose();
    }

    private void FlushConsoles()
    {
        _console.Flush();
        _debugConsole.Flush();
    }

    private static void Check(MachineOptions options)
    {
        if (options.Vcpus != 1)
            throw new MachineConfigurationException($"The machine has one vCPU so far; {options.Vcpus} cannot be made.");
        if (options is { TestDevices: true, Profile: not MachineProfile.Pc })
            throw new MachineConfigurationException("The test devices belong to the pc machine; a Xen domain has no ports for them.");
        if (options.MemorySize % 4096 != 0 || options.MemorySize < MachineMemoryMap.Smallest || options.MemorySize > MachineMemoryMap.Largest)
        {
            throw new MachineConfigurationException(
                $"Memory must be a multiple of 4 KiB from 2 MiB to 64 GiB; {options.MemorySize} bytes are not.");
        }
    }

    private XenHypervisor MakeHypervisor()
    {
        var instruction = _options.CpuVendor == CpuVendor.Amd ? HypercallInstruction.Vmmcall : HypercallInstruction.Vmcall;
        var map = MemoryMap.Select(static entry => new XenMemoryRange(entry.Address, entry.Size, (uint)entry.Type)).ToArray();
        return new XenHypervisor(new XenDomain(map, _power, _console, _options.ConsoleInput, _log), vcpu: 0, instruction);
    }

    private ulong EndOfSlice(ulong retired, ulong maximum)
    {
        var end = Math.Min(retired + SliceLength, maximum);
        return Clock.NextDeadline is { } deadline ? Math.Min(end, Clock.InstructionCountAt(deadline)) : end;
    }

    /// <summary>The vCPU waits for an event: lets time pass up to the next one.</summary>
    /// <returns>False where there will never be one.</returns>
    private unsafe bool Idle()
    {
        var interruptible = (Vcpu.State->SystemFlags & Rflags.Interrupt) != 0;
        if (!interruptible && _pc?.IoApic.CanSendUnmaskable != true && !_localApic.CanReceiveNmiFromPins)
            return false;
        if (_input is { IsAwaited: true } input)
        {
            WaitForInput(input, Clock.NextDeadline is { } next ? next - Clock.Now : LongestWait, Clock.NextDeadline is not null);
            return true;
        }

        if (Clock.NextDeadline is not { } deadline)
            return false;
        Warp(deadline - Clock.Now);
        return true;
    }

    /// <summary>Idle at a human's pace: virtual time passes as host time does, until input comes or the next event is due.</summary>
    private void WaitForInput(SerialInput input, ulong idle, bool warps)
    {
        idle = Math.Min(idle, LongestWait);
        _unpacedIdle += idle;
        if (_unpacedIdle < ShortestWait)
        {
            Warp(idle);
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var hasInput = input.Wait(TimeSpan.FromTicks((long)(_unpacedIdle / 100)));
        _unpacedIdle = 0;
        if (warps)
            Warp(hasInput ? Math.Min(idle, (ulong)Stopwatch.GetElapsedTime(started).Ticks * 100) : idle);
        input.Poll();
    }

    private void Warp(ulong nanoseconds)
    {
        Clock.Warp(nanoseconds);
        Vcpu.AdvanceTimeStamp(nanoseconds);
    }

    /// <summary>On Xen the last vCPU to halt for good switches the domain off; a PC just stands still.</summary>
    private RunResult DeadHalt()
    {
        if (_options.Profile == MachineProfile.Xen)
            return new RunResult(StopReason.PoweredOff);
        MachineLog.DeadHalt(_log);
        return new RunResult(StopReason.Halted, Detail: "the guest halted, and nothing is left that could wake it");
    }
}
