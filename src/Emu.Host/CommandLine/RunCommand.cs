using System.CommandLine;
using Emu.Cpu;
using Emu.Host.Configuration;
using Emu.Host.Debugging;
using Emu.Machine;
using Emu.Pvh;
using Microsoft.Extensions.Logging;

namespace Emu.Host.CommandLine;

/// <summary><c>emu run [KERNEL]</c>: its options, their help, and how their text becomes <see cref="RunOptions"/>.</summary>
/// <remarks>Options are read as text and bound here, so that every refusal is one sentence of our own wording.</remarks>
internal sealed partial class RunCommand
{
    private readonly Argument<string?> _kernel = new("KERNEL")
    {
        Description = "ELF32 or ELF64 with a PVH note or a Multiboot header, plain or compressed, a flat Multiboot binary, a bzImage such as vmlinuz, "
            + "or xl's configuration of a PVH domain (.cfg), which the options beside it override. Without it, the embedded tour runs.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _firmware = Text(
        "--firmware", "FILE", "Start from this ROM (64 KiB or a multiple) at the reset vector, without a kernel. POST codes are logged at info.");

    private readonly Option<string?> _initrd = Text("--initrd", "FILE", "The initial RAM disk: module 0.");

    private readonly Option<string[]> _modules = new("--module")
    {
        HelpName = "FILE[,cmdline]",
        Description = "A further module with its own command line; repeat it for more. The first comma parts the two.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _append = Text("--append", "TEXT", "The kernel's command line, passed on exactly as given. [Linux: console=hvc0 on xen, console=ttyS0 on pc; others: none]");
    private readonly Option<string?> _memory = Text("--memory", "SIZE", "RAM: 512M, 2G; a plain number counts MiB. [512M]");
    private readonly Option<string?> _vcpus = Text("--vcpus", "N", "Virtual CPUs, 1 to 32. [1]");

    private readonly Option<string?> _machine = Text(
        "--machine", "pc|xen", "pc: PC devices and no hypervisor, as QEMU's microvm; xen: a Xen PVH domain with hypercalls. [pc; the tour, a .cfg and what only a domain has: xen]");

    private readonly Option<bool> _testDevices = new("--test-devices")
    {
        Description = "Add what test suites ask of a PC: QEMU's pc-testdev (ports 0xE0, 0x2000; memory at 0xFF000000), and tell of the ACPI PM timer.",
    };

    private readonly Option<bool> _forcedEmulation = new("--forced-emulation")
    {
        Description = "Take UD2 with \"xen\" behind it (0F 0B 78 65 6E) for Xen's forced emulation prefix: the instruction after it is executed.",
    };

    private readonly Option<string?> _engine = Text("--engine", "ENGINE", "What executes instructions: interpreter, jit (all code is compiled early), or auto (hot code is). [auto]");
    private readonly Option<string?> _entry = Text(
        "--entry", "ENTRY", "Which entry point is taken: auto, pvh, multiboot or multiboot2. [auto: the PVH note, else Multiboot 2, else 1]");
    private readonly Option<string?> _startInfo = Text("--start-info", "v1|v0|draft", "The layout of hvm_start_info. [v1]");

    private readonly Option<string?> _profile = Text(
        "--entry-profile",
        "PROFILE",
        "Whose registers the kernel finds where the ABI leaves them open: xen, qemu, firecracker, cloud-hypervisor, "
        + "or poison, which makes reliance on any of them fail. [pc: qemu; xen: xen]");

    private readonly Option<string?> _vendor = Text("--cpu-vendor", "amd|intel", "Whose processor the guest sees. [intel]");
    private readonly Option<string?> _cpu = Text(
        "--cpu", "LEVEL", "How much of x86-64 it has: x86-64-v1, x86-64-v2, x86-64-v3, or max for all that is implemented. [max]");

    private readonly Option<string?> _seed = Text("--seed", "N", "What the numbers of RDRAND and RDSEED begin with. [0]");

    private readonly Option<string?> _debugConsole = Text(
        "--debug-console", "WHERE", "Where port 0xE9 writes: stdout, stderr, none, or a file. [pc: stderr; xen: stdout until the guest uses hvc0]");
    private readonly Option<string?> _maximumInstructions = Text("--max-instructions", "N", "End after N instructions, with exit code 4.");
    private readonly Option<string?> _timeout = Text("--timeout", "SECONDS", "End after so much time on this computer, with exit code 4.");
    private readonly Option<string?> _statistics = Text("--stats", "FILE", "Write instructions, time, state hash and exit reason as JSON at the end.");
    private readonly TraceArguments _traces = new();

    private readonly Option<string?> _traceXen = Text(
        "--trace-xen", "FILE|stderr", "Write one line for each hypercall, decoded, and for events, timers, grants and xenstore messages. docs/xen-trace.md");

    private readonly Option<string?> _record = Text(
        "--record", "FILE", "Write down all that comes from outside, with the instruction at which it does: 'emu replay FILE' runs it again, exactly. docs/recording.md");

    private readonly Option<string?> _symbols = Text(
        "--symbols", "FILE", "More names for addresses in traces and post-mortems, beside those that the kernel carries (ELF symbols, kallsyms): an ELF file, a System.map, or a copy of the guest's /proc/kallsyms.");

    private readonly Option<string[]> _dumpAt = new("--dump-at")
    {
        HelpName = "N",
        Description = "Write the whole CPU state to stderr after N instructions; repeat it for more.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _gdb = Text(
        "--gdb", "[HOST:]PORT", "Wait there for gdb before the first instruction; gdb then says how the guest runs. What it writes to disks is forgotten, but with PORT,write-disks. [HOST: 127.0.0.1] docs/debugging.md");

    private readonly Option<string?> _logLevel = new("--log-level", "-v")
    {
        HelpName = "LEVEL",
        Description = "What is logged: none, error, warning, info, debug or trace. [warning]",
    };

    private readonly Option<string?> _logFile = Text("--log-file", "FILE", "Log there instead of to stderr.");

    private readonly DomainArguments _domain = new();
    private readonly SnapshotArguments _snapshots = new();

    /// <summary>What is shown below the options by <c>emu run --help</c>.</summary>
    public const string Examples = """
        Examples:
          Take the tour: a small kernel that explains what a PVH kernel sees
            emu run

          Boot Debian's kernel to a shell, with an initramfs
            emu run vmlinuz --initrd initrd.gz

          The same as a Xen domain with a disk, which stays as it is, and a network, whose port 22 this computer reaches at 2222
            emu run vmlinuz --initrd initrd.gz --disk disk.img,snapshot --net user,forward=tcp:2222:22

          What 'xl create guest.cfg' would start, but with four processors; guest.cfg has at least type = "pvh" and kernel = "vmlinuz"
            emu run guest.cfg --vcpus 4

          Let the toolstack take memory away after two seconds of the guest's time, and shut it down after five
            emu run guest.cfg --xl 2s:mem-set=128M --xl 5s:shutdown

          See a kernel start, reboot and start again, on a processor that takes both vendors' opcode for hypercalls
            emu run kernel.elf --machine xen --restarts 1 --hypercalls lenient

          Find reliance on registers that the boot ABI leaves open
            emu run kernel.elf --entry-profile poison

          Start a BIOS or a test ROM as a processor starts after reset, and see its POST codes
            emu run --firmware test386.bin --log-level info --debug-console stdout

          Stop a kernel before its first instruction and let gdb say how it goes on; in another window: gdb -ex 'target remote :1234'
            emu run kernel.elf --gdb 1234

          Write a session down, and see it again at full speed, instruction for instruction
            emu run vmlinuz --initrd initrd.gz --record session.rec
            emu replay session.rec

          Save Debian at its prompt, and go on from there as often as you like, without booting
            emu run vmlinuz --initrd initrd.gz --snapshot-at 'on:# ' --snapshot-file debian.snapshot --snapshot-exit
            emu run --resume debian.snapshot

          The hundred instructions before number 5000, for comparing with another emulator
            emu run kernel.elf --trace trace.txt --trace-from 4900 --trace-count 100

          Everything that is executed, in a file that 'emu trace show', 'stats' and 'diff' read
            emu run vmlinuz --initrd initrd.gz --trace boot.emut

        The guest's console is all that goes to stdout. At a terminal, Ctrl-A x ends the run and Ctrl-A h helps.

        Exit codes:
          0 the guest powered off or rebooted      3 the guest crashed
          2 unusable command line or input file    4 a limit was reached
          1 a defect of this program               (v << 1) | 1 the guest wrote v to port 0xF4
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="run">What carries it out; returns the exit code.</param>
    /// <returns>The command.</returns>
    public Command Create(Func<RunOptions, int> run)
    {
        Command command = new("run", "Boots a kernel and gives it the console.")
        {
            _kernel, _firmware, _initrd, _modules, _append, _memory, _vcpus, _machine, _testDevices, _engine, _entry, _startInfo, _profile, _vendor,
            _cpu, _forcedEmulation, _seed, _debugConsole, _maximumInstructions, _timeout, _statistics, _traceXen, _record, _symbols, _dumpAt, _gdb,
            _logLevel, _logFile,
        };
        foreach (Option option in _traces.Options.Concat(_snapshots.Options).Concat(_domain.Options))
            command.Options.Add(option);
        command.SetAction(result => run(Bind(result)));
        return command;
    }

    /// <summary>Gives another command what describes a guest, without what a run does with it: <see cref="Bind"/> then works for it too.</summary>
    /// <param name="command">The command.</param>
    public void DescribeGuest(Command command)
    {
        command.Arguments.Add(_kernel);
        Option[] options =
        [
            _firmware, _initrd, _modules, _append, _memory, _vcpus, _machine, _testDevices, _engine, _entry, _startInfo, _profile, _vendor, _cpu,
            _forcedEmulation, _seed, _maximumInstructions, _timeout, _symbols, _logLevel, _logFile, .. _domain.Options,
        ];
        foreach (Option option in options)
            command.Options.Add(option);
    }

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };

    /// <summary>What a command line asks for.</summary>
    /// <param name="result">The command line, of a command of this object's.</param>
    /// <returns>The options.</returns>
    /// <exception cref="UsageException">It makes no sense.</exception>
    public RunOptions Bind(ParseResult result)
    {
        string? kernel = result.GetValue(_kernel);
        if (kernel is ['-', ..])
            throw new UsageException($"'{kernel}' is not an option of 'emu {result.CommandResult.Command.Name}'; 'emu {result.CommandResult.Command.Name} --help' lists them.");

        if (_snapshots.Resumed(result) is not null)
            RefuseBesideSnapshot(result);
        string? firmware = result.GetValue(_firmware);
        if (firmware is not null)
            RefuseBeside("--firmware", result);

        DomainConfiguration? configuration = kernel is null ? null : DomainConfiguration.TryRead(kernel);
        if (configuration is not null)
        {
            configuration = configuration with
            {
                Ramdisk = result.GetValue(_initrd) ?? configuration.Ramdisk,
                CommandLine = OptionText.GuestText("--append", result.GetValue(_append)) ?? configuration.CommandLine,
            };
        }

        List<ModuleOption> modules = [.. configuration?.Modules ?? []];
        if (configuration is null && result.GetValue(_initrd) is { } initrd)
            modules.Add(new ModuleOption(initrd, null));
        foreach (string module in result.GetValue(_modules) ?? [])
            modules.Add(OptionText.Module("--module", module));

        ulong standard = configuration?.MaximumMemory ?? configuration?.Memory ?? RunOptions.DefaultMemorySize;
        ulong memory = OptionText.Size("--memory", result.GetValue(_memory), standard, MachineMemoryMap.Smallest, MachineMemoryMap.Largest);
        if (memory % 4096 != 0)
            throw new UsageException($"--memory must be a whole number of 4 KiB pages; '{result.GetValue(_memory)}' is not.");

        MachineProfile machine = Machine(result, isTour: kernel is null && firmware is null, configuration);
        string? traceXen = result.GetValue(_traceXen);
        if (traceXen == "-")
            throw new UsageException("--trace-xen takes a file or 'stderr'; stdout is the guest's console.");

        RunOptions options = _domain.Bind(result, _snapshots.Bind(result, _traces.Bind(result, Others())), configuration);
        if (options is { Debugger: not null, TraceFile: not null } or { Debugger: not null, BinaryTrace: not null } or { Debugger: not null, DumpAt.Count: > 0 })
            throw new UsageException("--gdb goes with neither --trace nor --dump-at, of which gdb has better ones: 'monitor trace FILE' wherever it stands, also in the past, and 'monitor regs'.");
        if (options is { Debugger: not null, Snapshots: not null } or { Debugger: not null, BootCache: not null })
            throw new UsageException("--gdb goes with neither --snapshot-at nor --boot-cache: gdb decides how far the run goes; 'monitor snapshot FILE' writes one where it stands.");
        if (options is { Debugger: not null, RecordFile: not null })
            throw new UsageException("--gdb does not go with --record, because who goes back would take back input: record first, then 'emu replay FILE --gdb PORT'.");
        return options;

        RunOptions Others() => new()
        {
            Kernel = configuration?.Image.Path ?? kernel,
            Configuration = configuration?.Source,
            IgnoredKeys = configuration?.Ignored ?? [],
            Firmware = firmware,
            Modules = modules,
            CommandLine = configuration is null ? OptionText.GuestText("--append", result.GetValue(_append)) : configuration.Image.CommandLine,
            MemorySize = memory,
            MemoryTarget = result.GetValue(_memory) is null ? configuration?.Memory : null,
            VcpuCount = OptionText.Integer(
                "--vcpus", result.GetValue(_vcpus), configuration?.MaximumVcpus ?? configuration?.Vcpus ?? 1, 1, PvhMachine.MostVcpus),
            OnlineVcpus = result.GetValue(_vcpus) is null ? configuration?.Vcpus : null,
            Machine = machine,
            TestDevices = result.GetValue(_testDevices),
            ForcedEmulation = result.GetValue(_forcedEmulation),
            Engine = Engine(result.GetValue(_engine)),
            Entry = Entry(result.GetValue(_entry)),
            StartInfo = OptionText.Choice(
                "--start-info",
                result.GetValue(_startInfo),
                StartInfoVersion.V1,
                ("v1", StartInfoVersion.V1),
                ("v0", StartInfoVersion.V0),
                ("draft", StartInfoVersion.Draft)),
            EntryProfile = OptionText.Choice<EntryProfile?>(
                "--entry-profile",
                result.GetValue(_profile),
                null,
                ("xen", EntryProfile.Xen),
                ("qemu", EntryProfile.Qemu),
                ("firecracker", EntryProfile.Firecracker),
                ("cloud-hypervisor", EntryProfile.CloudHypervisor),
                ("poison", EntryProfile.Poison)),
            CpuVendor = OptionText.Choice(
                "--cpu-vendor", result.GetValue(_vendor), CpuVendor.Intel, ("amd", CpuVendor.Amd), ("intel", CpuVendor.Intel)),
            CpuLevel = OptionText.Choice(
                "--cpu",
                result.GetValue(_cpu),
                CpuLevel.Max,
                ("x86-64-v1", CpuLevel.V1),
                ("x86-64-v2", CpuLevel.V2),
                ("x86-64-v3", CpuLevel.V3),
                ("max", CpuLevel.Max)),
            RandomSeed = OptionText.Seed("--seed", result.GetValue(_seed)),
            DebugConsole = result.GetValue(_debugConsole),
            MaximumInstructions = OptionText.Count("--max-instructions", result.GetValue(_maximumInstructions)),
            Timeout = OptionText.Seconds("--timeout", result.GetValue(_timeout)),
            StatisticsFile = result.GetValue(_statistics),
            XenTraceFile = traceXen,
            RecordFile = result.GetValue(_record),
            SymbolFile = result.GetValue(_symbols),
            DumpAt = [.. (result.GetValue(_dumpAt) ?? []).Select(text => OptionText.Count("--dump-at", text)!.Value).Order()],
            Debugger = GdbEndpoint.Parse("--gdb", result.GetValue(_gdb)),
            LogLevel = OptionText.Choice(
                "--log-level",
                result.GetValue(_logLevel),
                LogLevel.Warning,
                ("none", LogLevel.None),
                ("error", LogLevel.Error),
                ("warning", LogLevel.Warning),
                ("info", LogLevel.Information),
                ("debug", LogLevel.Debug),
                ("trace", LogLevel.Trace)),
            LogFile = result.GetValue(_logFile),
        };
    }

    /// <summary>The machine that was asked for, in words or by what only a Xen domain has.</summary>
    private MachineProfile Machine(ParseResult result, bool isTour, DomainConfiguration? configuration)
    {
        string? domain = configuration?.Source ?? _domain.FirstForDomain(result) ?? (result.GetValue(_traceXen) is null ? null : _traceXen.Name);
        MachineProfile machine = OptionText.Choice(
            "--machine",
            result.GetValue(_machine),
            // The tour shows hypercalls.
            isTour || domain is not null ? MachineProfile.Xen : MachineProfile.Pc,
            ("pc", MachineProfile.Pc),
            ("xen", MachineProfile.Xen));
        if (machine == MachineProfile.Pc && domain is not null)
            throw new UsageException($"{domain} is for a Xen domain; it needs --machine xen, which is what it gets where --machine is not given.");
        return machine;
    }

    /// <summary>What a kernel's loader would use means nothing to a ROM.</summary>
    private void RefuseBeside(string firmware, ParseResult result)
    {
        if (result.GetValue(_kernel) is { } kernel)
            throw new UsageException($"{firmware} starts a ROM in a kernel's place; '{kernel}' is one kernel too many.");
        foreach (Option option in new Option[] { _initrd, _modules, _append, _entry, _startInfo, _profile })
        {
            if (result.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} is for a kernel; {firmware} starts a ROM, which gets none of it.");
        }
    }

    /// <summary>The guest is the snapshot's: nothing of it can be another.</summary>
    private void RefuseBesideSnapshot(ParseResult result)
    {
        if (result.GetValue(_kernel) is { } kernel)
            throw new UsageException($"--resume goes on with the snapshot's kernel; '{kernel}' is one kernel too many.");
        Option[] guest = [_firmware, _initrd, _modules, _append, _memory, _vcpus, _machine, _testDevices, _entry, _startInfo, _profile, _vendor, _cpu, _forcedEmulation, _seed];
        foreach (Option option in guest.Concat(_domain.Options))
        {
            if (result.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} cannot be given with --resume: the guest goes on as the snapshot has it.");
        }
    }

    private static ExecutionEngine Engine(string? text) => OptionText.Choice(
        "--engine",
        text,
        ExecutionEngine.Auto,
        ("auto", ExecutionEngine.Auto),
        ("interpreter", ExecutionEngine.Interpreter),
        ("jit", ExecutionEngine.Jit));

    private static BootProtocol Entry(string? text) => OptionText.Choice(
        "--entry",
        text,
        BootProtocol.Auto,
        ("auto", BootProtocol.Auto),
        ("pvh", BootProtocol.Pvh),
        ("multiboot", BootProtocol.Multiboot),
        ("multiboot2", BootProtocol.Multiboot2));
}
