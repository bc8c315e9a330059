using Emu.Cpu;
using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Platform;
using Emu.Machine.Acpi;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Diagnostics;
using Emu.Machine.Firmware;
using Emu.Machine.Interrupts;
using Emu.Machine.Memory;
using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Power;
using Emu.Machine.Processors;
using Emu.Machine.Recording;
using Emu.Machine.Time;
using Emu.Machine.Xen;
using Emu.Pvh;
using Emu.Xen;
using Emu.Xen.Domains;
using Microsoft.Extensions.Logging;

namespace Emu.Machine;

/// <summary>
/// A machine that boots one kernel, through PVH or Multiboot, or starts from a ROM: vCPUs, RAM, devices and the loop that runs them.
/// </summary>
/// <remarks>
/// Everything that the guest can observe is a function of the kernel, its modules and command line, the options, disk images and console input:
/// see <see cref="VirtualClock"/> for time and <see cref="ConsoleFeed"/> for input. Not thread safe.
/// </remarks>
public sealed partial class PvhMachine : IDisposable
{
    /// <summary>The longest stretch without a look at console input and cancellation: 1 ms of virtual time.</summary>
    private const ulong SliceLength = 1_000_000;

    /// <summary>The most vCPUs that a machine can have.</summary>
    public const int MostVcpus = 32;

    /// <summary>The APIC id of a Xen domain's vCPU is twice its number.</summary>
    private const int XenApicIdStride = 2;

    private readonly MachineOptions _options;
    private readonly ILogger _log;
    private readonly PowerSwitch _power;
    private readonly ConsoleOutput _console;
    private readonly ConsoleOutput _debugConsole;
    private readonly VcpuScheduler _scheduler = new();
    private readonly IdleTime _idle;
    private readonly PcDevices? _pc;
    private readonly XenDevices? _xen;
    private readonly XenLogConsole? _xenLog;
    private readonly ExternalInputs _inputs;
    private readonly InputJournal? _journal;
    private readonly ApicBus _apicBus = new();
    private readonly ConsoleFeed _feed;
    private readonly List<UserNetwork> _networks = [];
    private readonly BlockCache _blocks;
    private TieredCompiler? _compiler;
    private bool _isDisposed;

    /// <summary>Makes a machine without a kernel.</summary>
    /// <param name="options">How it is to be.</param>
    /// <exception cref="MachineConfigurationException">It cannot be made like that.</exception>
    public PvhMachine(MachineOptions options)
    {
        Check(options);
        _options = options;
        _journal = options.Journal;
        _inputs = new ExternalInputs(_journal);
        _log = options.LoggerFactory.CreateLogger<PvhMachine>();
        _power = new PowerSwitch(() => _scheduler.Current.Vcpu.RequestStop());
        _console = new ConsoleOutput(options.ConsoleOutput);
        _debugConsole = new ConsoleOutput(options.DebugConsoleOutput);
        Clock = new VirtualClock(_scheduler);
        MemoryMap = MachineMemoryMap.Build(options.Profile, options.MemorySize);
        Ram = new GuestRam(options.MemorySize, MachineMemoryMap.RamOf(MemoryMap), options.Firmware is { } rom ? rom.Bytes.Span : default,
            options.Profile == MachineProfile.Xen ? XenDevices.SparePages : 0);
        Ports = new PortBus(_log);
        VcpuLog = new VcpuLogger(_log, options.Observer);
        if (options.Profile == MachineProfile.Pc)
        {
            var post = options.Firmware is null ? null : new PostCodePort(_log, options.PostCode);
            _pc = new PcDevices(Clock, _apicBus, _power, new A20Gate(SetA20), _console, options.ClockStart, post, options.TestDevices);
            _pc.Claim(Ports);
        }
        else
        {
            _xenLog = new XenLogConsole(_console, options.DebugConsoleOutput is null ? null : _debugConsole);
            try
            {
                _xen = MakeXen(_xenLog);
            }
            catch
            {
                // A disk's image cannot be used, for instance.
                Ram.Dispose();
                throw;
            }
        }

        var source = _journal is null ? options.ConsoleInput : _journal.BeginLife(Clock, options.ConsoleInput);
        _feed = new ConsoleFeed(_pc is not null ? _pc.Com1 : new ConsoleRingReceiver(_xen!.Console), Clock, source);
        _inputs.Add(_feed);
        foreach (var network in options.Networks)
            AddNetwork(network);

        Ports.Claim(new DebugConsole(_xenLog is null ? _debugConsole : _xenLog), AddressMap.DebugConsole, 1);
        Ports.Claim(new DebugExit(_power), AddressMap.DebugExit, DebugExit.Length);
        Mmio = new MmioBus(_log, null);
        _pc?.Claim(Mmio);
        if (options.Firmware is { } firmware)
            RomWrites.Claim(Mmio, firmware);
        _blocks = new BlockCache(Ram.Physical, (nuint)options.TranslationCacheSize);
        Vcpus = MakeProcessors();
        _idle = new IdleTime(Clock, _scheduler, _pc?.IoApic, _inputs);
    }

    /// <summary>Virtual time.</summary>
    public VirtualClock Clock { get; }

    /// <summary>Guest RAM.</summary>
    public GuestRam Ram { get; }

    /// <summary>The boot processor.</summary>
    public Vcpu Vcpu => Vcpus[0];

    /// <summary>All vCPUs; the first is the boot processor.</summary>
    public IReadOnlyList<Vcpu> Vcpus { get; }

    /// <summary>Instructions that all vCPUs together have retired since the start.</summary>
    public ulong InstructionsRetired => _scheduler.InstructionsRetired;

    /// <summary>How many of <see cref="InstructionsRetired"/> compiled code has executed: it depends on the host's speed.</summary>
    public unsafe ulong InstructionsCompiled => Vcpus.Aggregate(0UL, (sum, vcpu) => sum + vcpu.State->Compiled);

    /// <summary>The vCPU that executed last; after a crash, the one that crashed.</summary>
    public Vcpu CurrentVcpu => _scheduler.Current.Vcpu;

    /// <summary>
    /// While true, the machine does again what it has done before: its console output, and what captures of its networks take, is there already and is
    /// held back.
    /// </summary>
    public bool IsRepeating
    {
        get => _console.IsMuted;
        set
        {
            _console.IsMuted = _debugConsole.IsMuted = value;
            foreach (var network in _networks)
                network.IsCaptureMuted = value;
        }
    }

    /// <summary>The memory map that the guest is told.</summary>
    public IReadOnlyList<MemoryMapEntry> MemoryMap { get; }

    /// <summary>The machine as a Xen domain; null on a PC.</summary>
    public Domain? XenDomain => _xen?.Domain;

    /// <summary>Physical memory that is not RAM: what all vCPUs see of it.</summary>
    internal MmioBus Mmio { get; }

    /// <summary>True for a vCPU that another one has still to start, has sent INIT or has taken down.</summary>
    /// <param name="vcpu">One of <see cref="Vcpus"/>.</param>
    /// <returns>Whether it waits.</returns>
    public bool WaitsForStartup(Vcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        return !_scheduler.Processors[vcpu.Number].IsUp;
    }

    /// <summary>Loads a kernel and puts the vCPU at its entry point.</summary>
    /// <param name="image">The kernel.</param>
    /// <param name="modules">Its modules in order; the first is Linux's initrd. Null for none.</param>
    /// <param name="commandLine">Its command line without NUL, byte for byte, or null.</param>
    /// <param name="name">What a Multiboot 1 kernel finds before its command line; null for nothing.</param>
    /// <returns>Where everything lies.</returns>
    /// <exception cref="PvhBootException">The image cannot be booted, or does not fit.</exception>
    /// <exception cref="InvalidOperationException">The machine starts from a ROM: it is ready to run as it is made.</exception>
    public BootResult Load(
        KernelImage image, IReadOnlyList<BootModule>? modules = null, ReadOnlyMemory<byte>? commandLine = null, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        modules ??= [];
        if (_options.Firmware is not null)
            throw new InvalidOperationException("A machine that starts from a ROM takes no kernel.");
        var protocol = _options.Protocol == BootProtocol.Auto ? image.PreferredProtocol : _options.Protocol;
        var rsdp = XenAcpiTables.Rsdp;
        if (_xen is not null && image.Xen.WantsLowRsdp)
        {
            var root = new byte[AcpiTable.RsdpLength];
            Ram.Read(rsdp, root);
            rsdp = XenAcpiTables.LowRsdp;
            Ram.Write(rsdp, root);
        }

        ReadOnlyMemory<byte> rootPointer = default;
        if (_pc is not null)
        {
            rsdp = AddressMap.AcpiTables;
            var tables = AcpiTables.Build(_options.Vcpus, _options.TestDevices, hasFixedHardware: protocol != BootProtocol.Pvh);
            Ram.Write(rsdp, tables);
            rootPointer = tables.AsMemory(0, AcpiTables.RootPointerLength);
            Ram.Write(AddressMap.ResetVector, ResetVector.Code);
        }

        var profile = _options.EntryProfile ?? (_pc is not null ? EntryProfile.Qemu : EntryProfile.Xen);
        if (_pc is not null && protocol != BootProtocol.Pvh)
        {
            BiosHandover.Write(Ram);
            BiosHandover.Program(_pc.Pic, _pc.Timer);
        }

        BootResult boot = protocol switch
        {
            BootProtocol.Multiboot => MultibootLoader.Load(image, Ram, new MultibootBootOptions
            {
                ImageName = name,
                CommandLine = commandLine,
                Modules = modules,
                MemoryMap = MemoryMap,
                EntryProfile = profile,
            }),
            BootProtocol.Multiboot2 => Multiboot2Loader.Load(image, Ram, new Multiboot2BootOptions
            {
                CommandLine = commandLine,
                Modules = modules,
                MemoryMap = MemoryMap,
                EntryProfile = profile,
                RootPointer = rootPointer,
            }),
            _ => PvhLoader.Load(image, Ram, new PvhBootOptions
            {
                CommandLine = commandLine,
                Modules = modules,
                StartInfoVersion = _options.StartInfoVersion,
                RsdpAddress = rsdp,
                MemoryMap = MemoryMap,
                EntryProfile = profile,
            }),
        };
        EntryState.Apply(Vcpu, boot.Cpu);
        return boot;
    }

    /// <summary>Runs the guest until it ends, or a limit is reached. A run that ended at a limit may be taken up again.</summary>
    /// <param name="limits">When to end at the latest; null for when the guest ends.</param>
    /// <param name="cancellation">Ends the run at a point that depends on the host; everything up to there does not.</param>
    /// <returns>How it ended.</returns>
    public RunResult Run(RunLimits? limits = null, CancellationToken cancellation = default)
    {
        limits ??= RunLimits.None;
        try
        {
            if (limits.PassesBreakpoint)
                ChooseVcpu().PassBreakpoint();
            while (true)
            {
                Clock.FireDue();
                if (_power.Requested is { } requested)
                    return requested;
                UpdateInstruments();
                if (_journal?.Pass(RegisterDigest) is { } end)
                    return end;
                if (_isPauseRequested)
                    return Pause();
                if (cancellation.IsCancellationRequested)
                    return new RunResult(StopReason.Cancelled);
                var retired = InstructionsRetired;
                if (retired >= limits.MaxInstructions || Clock.Now >= limits.MaxVirtualTime)
                    return new RunResult(StopReason.LimitReached);
                var exit = _scheduler.Run(EndOfSlice(retired, limits));
                FlushConsoles();
                _inputs.Poll();
                switch (exit)
                {
                    case RunExit.Shutdown:
                        return new RunResult(
                            StopReason.Crashed, Detail: Vcpus.Count == 1 ? "triple fault" : $"triple fault of vCPU {CurrentVcpu.Number}");
                    case RunExit.Breakpoint when EndsAtBreakpoint():
                        return new RunResult(StopReason.Breakpoint);
                    case RunExit.Stopped when CurrentVcpu.TakeWatchpointHit() is { } hit && EndsAtWatchpoint(hit):
                        return new RunResult(StopReason.Watchpoint) { Hit = hit };
                    case RunExit.Halted when _power.Requested is null && !_idle.TryPass(limits.MaxVirtualTime):
                        return DeadHalt();
                }
            }
        }
        finally
        {
            _scheduler.Settle();
            FlushConsoles();
        }
    }

    /// <summary>Decides which vCPU goes on, as <see cref="Run"/> would: whose next instruction a debugger or a trace has to look at.</summary>
    /// <returns>The vCPU; the one that executed last where all wait for an event.</returns>
    public Vcpu ChooseVcpu()
    {
        Clock.FireDue();
        _scheduler.ChooseNext();
        return CurrentVcpu;
    }

    /// <summary>SHA-256 over all vCPU state and RAM; equal for equal runs on any host.</summary>
    /// <returns>32 bytes.</returns>
    public byte[] StateHash() => StateDigest.Compute(Vcpus, Ram.Physical);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (var network in _networks)
            network.Dispose();
        _tracer?.Dispose();
        if (!_isWriterLent)
            _traceWriter?.Dispose();
        _compiler?.Dispose();
        _scheduler.Dispose();
        _blocks.Dispose();
        _xen?.Dispose();
        Ram.Dispose();
    }

    private byte[] RegisterDigest()
    {
        _scheduler.Settle();
        return StateDigest.ComputeRegisters(Vcpus);
    }

    private static TieringLimits? Tiering(ExecutionEngine engine) => engine switch
    {
        ExecutionEngine.Interpreter => null,
        ExecutionEngine.Jit => TieringLimits.Immediate,
        _ => new TieringLimits(),
    };

    private void FlushConsoles()
    {
        _console.Flush();
        _debugConsole.Flush();
    }

    private static void Check(MachineOptions options)
    {
        if (options.Vcpus is < 1 or > MostVcpus)
            throw new MachineConfigurationException($"A machine has 1 to {MostVcpus} vCPUs; {options.Vcpus} cannot be made.");
        if (options.Firmware is not null && options.Profile != MachineProfile.Pc)
            throw new MachineConfigurationException("A firmware ROM starts on the pc machine only; a Xen domain has none.");
        if (options.Networks.Count != 0 && options.Profile != MachineProfile.Xen)
            throw new MachineConfigurationException("Network cards are there on the xen machine only.");
        if (options is { TestDevices: true, Profile: not MachineProfile.Pc })
            throw new MachineConfigurationException("The test devices belong to the pc machine; a Xen domain has no ports for them.");
        CheckDomain(options);
        if (options.TranslationCacheSize < MachineOptions.SmallestTranslationCache)
            throw new MachineConfigurationException($"{options.TranslationCacheSize} bytes are too few for translated code.");
        if (options.MemorySize % 4096 != 0 || options.MemorySize < MachineMemoryMap.Smallest || options.MemorySize > MachineMemoryMap.Largest)
        {
            throw new MachineConfigurationException(
                $"Memory must be a multiple of 4 KiB from 2 MiB to 64 GiB; {options.MemorySize} bytes are not.");
        }
    }

    private static void CheckDomain(MachineOptions options)
    {
        if (options.Profile != MachineProfile.Xen && (options.Disks.Count != 0 || options.ToolstackCommands.Count != 0))
            throw new MachineConfigurationException("Disks and a toolstack belong to the xen machine; a PC has neither.");
        if (options.MemoryTarget > options.MemorySize)
            throw new MachineConfigurationException($"A domain with {options.MemorySize >> 10} KiB cannot keep {options.MemoryTarget >> 10} KiB.");
        if (options.OnlineVcpus is { } online && (online < 1 || online > options.Vcpus))
            throw new MachineConfigurationException($"A domain with {options.Vcpus} vCPUs cannot use {online} of them.");
        foreach (var command in options.ToolstackCommands)
        {
            if (command.Action == ToolstackAction.SetMemory && command.Value > options.MemorySize)
                throw new MachineConfigurationException($"A domain with {options.MemorySize >> 10} KiB at most cannot be given {command.Value >> 10} KiB.");
            if (command.Action == ToolstackAction.SetVcpus && (command.Value < 1 || command.Value > (ulong)options.Vcpus))
                throw new MachineConfigurationException($"A domain with {options.Vcpus} vCPUs cannot be told to use {command.Value} of them.");
        }
    }

    private Vcpu[] MakeProcessors()
    {
        var stride = _options.Profile == MachineProfile.Xen ? XenApicIdStride : 1;
        var model = new CpuModel(_options.CpuVendor, _options.Vcpus, stride, _options.CpuLevel, _xen is null ? null : XenDevices.WithheldFeatures)
        {
            HasForcedEmulation = _options.ForcedEmulation,
        };
        if (Tiering(_options.Engine) is { } limits)
            _compiler = new TieredCompiler(_blocks, Ram.Physical, model, limits);
        var vcpus = new Vcpu[_options.Vcpus];
        for (var number = 0; number < vcpus.Length; number++)
        {
            var isReset = _options.Firmware is null && _xen is null;
            var processor = new Processor(number, Clock, isReset ? _power : null, _scheduler.ShortenTurns);
            var apic = new LocalApic((uint)(number * stride), processor.IsBootProcessor, Clock, _apicBus, processor, _pc?.Pic)
            {
                PhysicalAddressBits = model.PhysicalAddressBits,
            };
            var interrupts = new DomainInterrupts(apic);
            vcpus[number] = new Vcpu(new VcpuOptions
            {
                Number = number,
                ApicId = (uint)(number * stride),
                Memory = Ram.Physical,
                Blocks = _blocks,
                Ports = Ports,
                Mmio = Mmio.SeenBy(apic),
                Interrupts = _xen is null ? apic : interrupts,
                Hypervisor = _xen?.Hypervisor,
                Observer = VcpuLog,
                Model = model,
                RandomSeed = _options.RandomSeed,
            });
            processor.Connect(apic, vcpus[number]);
            _scheduler.Add(processor);
            _xen?.Add(processor, interrupts);
        }

        return vcpus;
    }

    private void SetA20(bool isOpen)
    {
        foreach (var vcpu in Vcpus)
            vcpu.A20Enabled = isOpen;
    }

    private XenDevices MakeXen(XenLogConsole log)
    {
        var map = MemoryMap.Select(static entry => new XenMemoryRange(entry.Address, entry.Size, (uint)entry.Type)).ToArray();
        var xen = new XenDevices(
            new XenHost(Ram.Physical, map, Clock, _options.ClockStart, _power, _console, log, _log),
            new DomainOptions
            {
                Instruction = _options.CpuVendor == CpuVendor.Amd ? HypercallInstruction.Vmmcall : HypercallInstruction.Vmcall,
                AcceptsBothInstructions = _options.AcceptsAnyHypercallInstruction,
                Uuid = _options.DomainUuid ?? DomainOptions.StandardUuid,
            },
            _options,
            Clock,
            _log);
        log.HasOtherConsole = () => xen.Console.IsInUse;
        return xen;
    }

    private void AddNetwork(NetworkOptions options)
    {
        UserNetwork network = new(Clock, options, options.ReachesHost ? OpenSockets() : null);
        _networks.Add(network);
        _inputs.Add(network);
        _xen!.AddNetworkCard(network.Port, options.GuestMac);
    }

    private IHostSockets OpenSockets() => _journal?.OpenSockets(_options.HostSockets) ?? _options.HostSockets();

    private ulong EndOfSlice(ulong retired, RunLimits limits)
    {
        var end = Math.Min(Math.Min(retired + SliceLength, limits.MaxInstructions), Clock.InstructionCountAt(limits.MaxVirtualTime));
        if (_journal is not null)
            end = Math.Min(end, Clock.InstructionCountAt(_journal.NextStop));
        return Clock.NextDeadline is { } deadline ? Math.Min(end, Clock.InstructionCountAt(deadline)) : end;
    }

    private RunResult DeadHalt()
    {
        MachineLog.DeadHalt(_log);
        return new RunResult(StopReason.Halted, Detail: "the guest halted, and nothing is left that could wake it");
    }
}
