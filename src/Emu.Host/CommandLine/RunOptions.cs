using Emu.Cpu;
using Emu.Host.Configuration;
using Emu.Host.Debugging;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Host.Snapshots;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Machine.Xen;
using Emu.Pvh;
using Microsoft.Extensions.Logging;

namespace Emu.Host.CommandLine;

/// <summary>What <c>emu run</c> was asked to do, checked as far as the command line alone allows.</summary>
public sealed record RunOptions
{
    /// <summary>The kernel file; null boots the embedded tour.</summary>
    public string? Kernel { get; init; }

    /// <summary>The ROM that the machine starts from instead of a kernel; null for none.</summary>
    public string? Firmware { get; init; }

    /// <summary>The modules in order; the initrd, if any, is the first.</summary>
    public IReadOnlyList<ModuleOption> Modules { get; init; } = [];

    /// <summary>The kernel command line, byte for byte; null for none.</summary>
    public ReadOnlyMemory<byte>? CommandLine { get; init; }

    /// <summary>RAM in bytes, a multiple of 4096: the most that the guest may ever have.</summary>
    public ulong MemorySize { get; init; } = DefaultMemorySize;

    /// <summary>How many virtual CPUs the guest may ever have.</summary>
    public int VcpuCount { get; init; } = 1;

    /// <summary>Which machine the guest sees.</summary>
    public MachineProfile Machine { get; init; }

    /// <summary>Whether the PC has the devices of test suites.</summary>
    public bool TestDevices { get; init; }

    /// <summary>Whether Xen's forced emulation prefix is known.</summary>
    public bool ForcedEmulation { get; init; }

    /// <summary>Which engine executes instructions.</summary>
    public ExecutionEngine Engine { get; init; }

    /// <summary>Which entry point is taken.</summary>
    public BootProtocol Entry { get; init; }

    /// <summary>The layout of start_info.</summary>
    public StartInfoVersion StartInfo { get; init; } = StartInfoVersion.V1;

    /// <summary>Whose entry state is followed where the ABI leaves it open; null for the machine's own: QEMU's for pc, Xen's for xen.</summary>
    public EntryProfile? EntryProfile { get; init; }

    /// <summary>Whose processor the guest sees.</summary>
    public CpuVendor CpuVendor { get; init; } = CpuVendor.Intel;

    /// <summary>How much of the instruction set it declares.</summary>
    public CpuLevel CpuLevel { get; init; } = CpuLevel.Max;

    /// <summary>What the numbers of RDRAND and RDSEED begin with.</summary>
    public ulong RandomSeed { get; init; }

    /// <summary>Ends the run after so many retired instructions; null for no limit.</summary>
    public ulong? MaximumInstructions { get; init; }

    /// <summary>Ends the run after so much host time; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Where the statistics go as JSON; null for nowhere.</summary>
    public string? StatisticsFile { get; init; }

    /// <summary>Where the instruction trace goes; null for no trace.</summary>
    public string? TraceFile { get; init; }

    /// <summary>The binary trace; null for none.</summary>
    public TraceRequest? BinaryTrace { get; init; }

    /// <summary>Where the trace of what passes between a Xen domain and its hypervisor goes: a file's path or stderr; null for no trace.</summary>
    public string? XenTraceFile { get; init; }

    /// <summary>Where what comes from outside is written down; null for nowhere.</summary>
    public string? RecordFile { get; init; }

    /// <summary>The snapshots that are to be taken; null for none.</summary>
    public SnapshotRequest? Snapshots { get; init; }

    /// <summary>The snapshot's file that the run goes on from; null for a boot.</summary>
    public string? ResumedFile { get; init; }

    /// <summary>Where boots are kept that need not be repeated; null for nowhere.</summary>
    public BootCacheRequest? BootCache { get; init; }

    /// <summary>The snapshot that the run goes on from, opened; null for a boot.</summary>
    internal Resumption? Resumed { get; init; }

    /// <summary>The recorded run that this is to be again; null for a new one.</summary>
    internal Replay? Replay { get; init; }

    /// <summary>What the kernel's file is called for the guest; null for the name that it has.</summary>
    public string? KernelName { get; init; }

    /// <summary>A file that names addresses of the guest beside the kernel itself; null for none.</summary>
    public string? SymbolFile { get; init; }

    /// <summary>Where the debug console (port 0xE9) writes: stdout, stderr, none or a file's path; null for the machine's default.</summary>
    public string? DebugConsole { get; init; }

    /// <summary>How many instructions have retired before the first one that is traced.</summary>
    public ulong TraceFrom { get; init; }

    /// <summary>How many instructions are traced; null for all.</summary>
    public ulong? TraceCount { get; init; }

    /// <summary>The instruction counts at which the full state is written to stderr, ascending.</summary>
    public IReadOnlyList<ulong> DumpAt { get; init; } = [];

    /// <summary>Where gdb is waited for before the first instruction; null for no debugger.</summary>
    public GdbEndpoint? Debugger { get; init; }

    /// <summary>The least severe message that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>Where the log goes; null for stderr.</summary>
    public string? LogFile { get; init; }

    /// <summary>The name of a Xen domain.</summary>
    public string DomainName { get; init; } = DefaultDomainName;

    /// <summary>The UUID of a Xen domain; null for the same one in every run.</summary>
    public Guid? DomainUuid { get; init; }

    /// <summary>How much of its memory a Xen domain shall keep, in bytes; null for all.</summary>
    public ulong? MemoryTarget { get; init; }

    /// <summary>How many of its vCPUs a Xen domain shall begin with; null for all.</summary>
    public int? OnlineVcpus { get; init; }

    /// <summary>The disks of a Xen domain.</summary>
    public IReadOnlyList<DiskOptions> Disks { get; init; } = [];

    /// <summary>The network cards of a Xen domain.</summary>
    public IReadOnlyList<NetworkCard> NetworkCards { get; init; } = [];

    /// <summary>Whether a Xen domain may use the other vendor's opcode for hypercalls too.</summary>
    public bool AcceptsAnyHypercallInstruction { get; init; }

    /// <summary>What the toolstack does with a Xen domain while it runs, in the order of time.</summary>
    public IReadOnlyList<ToolstackCommand> ToolstackCommands { get; init; } = [];

    /// <summary>After which of its ends the guest is started anew.</summary>
    public RestartPolicy Restart { get; init; }

    /// <summary>How often it is, at most.</summary>
    public int MaximumRestarts { get; init; }

    /// <summary>The configuration that the guest is from; null for none.</summary>
    public string? Configuration { get; init; }

    /// <summary>What of the configuration has no effect.</summary>
    public IReadOnlyList<string> IgnoredKeys { get; init; } = [];

    /// <summary>What a domain is called where nobody says.</summary>
    public const string DefaultDomainName = "guest";

    /// <summary>512 MiB.</summary>
    public const ulong DefaultMemorySize = 512UL << 20;
}

/// <summary>A module file with its own command line.</summary>
/// <param name="Path">The file.</param>
/// <param name="CommandLine">Its command line, byte for byte; null for none.</param>
public sealed record ModuleOption(string Path, ReadOnlyMemory<byte>? CommandLine)
{
    /// <summary>What the file is called for the guest; null for the name that it has.</summary>
    public string? Name { get; init; }
}
