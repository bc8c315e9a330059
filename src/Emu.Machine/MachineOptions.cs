using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;
using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Recording;
using Emu.Machine.Xen;
using Emu.Pvh;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu.Machine;

/// <summary>What stands around the vCPU.</summary>
public enum MachineProfile
{
    /// <summary>A PC as QEMU's microvm shows it to a PVH kernel; no hypervisor.</summary>
    Pc,

    /// <summary>A Xen PVH domain: local APIC, Xen's CPUID leaves and hypercalls.</summary>
    Xen,
}

/// <summary>How guest instructions are executed. The guest cannot tell.</summary>
public enum ExecutionEngine
{
    /// <summary>What is fastest here.</summary>
    Auto,

    /// <summary>The interpreter alone.</summary>
    Interpreter,

    /// <summary>The compiler as early as possible.</summary>
    Jit,
}

/// <summary>How a machine is to be made.</summary>
public sealed record MachineOptions
{
    /// <summary>The date at virtual time 0 where nothing else is asked for: the same in every run.</summary>
    public static readonly DateTimeOffset DefaultClockStart = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The least of <see cref="TranslationCacheSize"/>: 64 KiB.</summary>
    public const int SmallestTranslationCache = 64 << 10;

    /// <summary>RAM in bytes: whole pages, at least 2 MiB. Default 512 MiB.</summary>
    public ulong MemorySize { get; init; } = 512UL << 20;

    /// <summary>Number of vCPUs: 1 to <see cref="PvhMachine.MostVcpus"/>.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>What stands around the vCPU.</summary>
    public MachineProfile Profile { get; init; } = MachineProfile.Pc;

    /// <summary>Whose entry state to follow; null for that of the profile: QEMU's for the PC, Xen's for Xen.</summary>
    public EntryProfile? EntryProfile { get; init; }

    /// <summary>Whether UD2 with "xen" behind it is Xen's forced emulation prefix: see <see cref="CpuModel.HasForcedEmulation"/>.</summary>
    public bool ForcedEmulation { get; init; }

    /// <summary>How the kernel is entered.</summary>
    public BootProtocol Protocol { get; init; } = BootProtocol.Auto;

    /// <summary>The layout of start_info.</summary>
    public StartInfoVersion StartInfoVersion { get; init; } = StartInfoVersion.V1;

    /// <summary>Whose processor the vCPU claims to be.</summary>
    public CpuVendor CpuVendor { get; init; } = CpuVendor.Intel;

    /// <summary>Whether a Xen domain may use the other vendor's opcode for hypercalls too, instead of #UD as on hardware.</summary>
    public bool AcceptsAnyHypercallInstruction { get; init; }

    /// <summary>The name of a Xen domain.</summary>
    public string DomainName { get; init; } = "guest";

    /// <summary>The UUID of a Xen domain; null for the same one in every run.</summary>
    public Guid? DomainUuid { get; init; }

    /// <summary>
    /// How much of <see cref="MemorySize"/> a Xen domain shall keep, in bytes: its balloon gives the rest back once it is there. Null for all.
    /// </summary>
    public ulong? MemoryTarget { get; init; }

    /// <summary>How many of its <see cref="Vcpus"/> a Xen domain shall use to begin with: 1 to all. Null for all.</summary>
    public int? OnlineVcpus { get; init; }

    /// <summary>The disks of a Xen domain.</summary>
    public IReadOnlyList<DiskOptions> Disks { get; init; } = [];

    /// <summary>What the toolstack does with a Xen domain while it runs.</summary>
    public IReadOnlyList<ToolstackCommand> ToolstackCommands { get; init; } = [];

    /// <summary>How much of the instruction set the vCPU declares.</summary>
    public CpuLevel CpuLevel { get; init; } = CpuLevel.Max;

    /// <summary>What the numbers of RDRAND and RDSEED begin with: equal seeds, equal numbers.</summary>
    public ulong RandomSeed { get; init; }

    /// <summary>How guest instructions are executed.</summary>
    public ExecutionEngine Engine { get; init; } = ExecutionEngine.Auto;

    /// <summary>
    /// Host memory for translated code, in bytes. Where it is full, everything is translated anew; the guest cannot tell. Default 64 MiB.
    /// </summary>
    public int TranslationCacheSize { get; init; } = 64 << 20;

    /// <summary>Adds what test suites ask of a PC: QEMU's pc-testdev and an ACPI PM timer.</summary>
    public bool TestDevices { get; init; }

    /// <summary>Where console output goes: COM1's on a PC, Xen's console in a domain; null for nowhere.</summary>
    public IConsoleSink? ConsoleOutput { get; init; }

    /// <summary>
    /// Where bytes written to the debug console (port 0xE9) go; null for nowhere, in a Xen domain for the console as long as the guest does
    /// not use its PV console.
    /// </summary>
    public IConsoleSink? DebugConsoleOutput { get; init; }

    /// <summary>Where console input comes from; null for none.</summary>
    public IConsoleSource? ConsoleInput { get; init; }

    /// <summary>The networks that the guest has a card in, in order; on the xen machine.</summary>
    public IReadOnlyList<NetworkOptions> Networks { get; init; } = [];

    /// <summary>Gives a network the host's sockets, where its options open a way to the host.</summary>
    public Func<IHostSockets> HostSockets { get; init; } = static () => new SystemSockets();

    /// <summary>What writes down, or plays back, what comes from outside; null for neither. It serves one machine at a time.</summary>
    public InputJournal? Journal { get; init; }

    /// <summary>The ROM to start from instead of a kernel; null for a machine that gets one by <see cref="PvhMachine.Load"/>.</summary>
    public FirmwareImage? Firmware { get; init; }

    /// <summary>Hears each code that firmware writes to the POST ports, when it differs from the one before; null for nobody.</summary>
    public Action<byte>? PostCode { get; init; }

    /// <summary>What the real-time clock shows at virtual time 0, taken as UTC.</summary>
    public DateTimeOffset ClockStart { get; init; } = DefaultClockStart;

    /// <summary>Hears what the vCPU does, beside the log; null for nobody.</summary>
    public IVcpuObserver? Observer { get; init; }

    /// <summary>Makes the logs.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;
}
