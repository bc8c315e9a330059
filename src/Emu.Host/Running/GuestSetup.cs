using System.Text;
using Emu.Cpu.Platform;
using Emu.Host.CommandLine;
using Emu.Host.Snapshots;
using Emu.Host.Symbols;
using Emu.Host.Verbs;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;
using Emu.Machine.Network;
using Emu.Machine.Recording;
using Emu.Pvh;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu.Host.Running;

/// <summary>A guest as the command line describes it, its files read. Machines made from it are equal, and run equally.</summary>
internal sealed class GuestSetup
{
    private readonly RunOptions _options;
    private readonly FirmwareImage? _firmware;
    private readonly Lazy<KernelImage?> _image;
    private readonly Lazy<IReadOnlyList<BootModule>> _modules;
    private readonly Func<KernelImage, ReadOnlyMemory<byte>?> _commandLine;
    private readonly Resumption? _resumed;
    private readonly IReadOnlyList<NetworkOptions> _networks;
    private readonly Lazy<SymbolTable> _symbolTable;
    private KernelSymbols? _symbols;

    private GuestSetup(RunOptions options, FirmwareImage firmware, SymbolTable? added)
    {
        _options = options;
        _firmware = firmware;
        _image = new Lazy<KernelImage?>((KernelImage?)null);
        _modules = new Lazy<IReadOnlyList<BootModule>>([]);
        _commandLine = static _ => null;
        _resumed = options.Resumed;
        _networks = [];
        _symbolTable = new Lazy<SymbolTable>(added ?? SymbolTable.Empty);
    }

    private GuestSetup(
        RunOptions options,
        Lazy<KernelImage?> image,
        Lazy<IReadOnlyList<BootModule>> modules,
        Func<KernelImage, ReadOnlyMemory<byte>?> commandLine,
        IReadOnlyList<NetworkOptions> networks,
        SymbolTable? added)
    {
        _options = options;
        _image = image;
        _modules = modules;
        _commandLine = commandLine;
        _resumed = options.Resumed;
        _networks = networks;
        _symbolTable = new Lazy<SymbolTable>(() => (image.Value is { } kernel ? KernelSymbols.Read(kernel) : SymbolTable.Empty).With(added ?? SymbolTable.Empty));
    }

    private GuestSetup(GuestSetup other, RunOptions options, Resumption? resumed, IReadOnlyList<NetworkOptions> networks)
    {
        _options = options;
        _resumed = resumed;
        _firmware = other._firmware;
        _image = other._image;
        _modules = other._modules;
        _commandLine = other._commandLine;
        _symbolTable = other._symbolTable;
        Boot = other.Boot;
        _networks = networks;
    }

    /// <summary>True where running the guest leaves traces on the host, or depends on it: a second run would not be the same.</summary>
    public bool TouchesHost =>
        _options.Disks.Any(static disk => !disk.IsReadOnly && !disk.IsSnapshot) || _networks.Any(static network => network.ReachesHost);

    /// <summary>Reads the files.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="networks">The networks that it has cards in.</param>
    /// <param name="logs">Hears of what the user should know about it.</param>
    /// <returns>The guest.</returns>
    /// <exception cref="UsageException">A module or the ROM cannot be read.</exception>
    /// <exception cref="PvhBootException">The kernel cannot be read or used.</exception>
    /// <exception cref="MachineConfigurationException">The ROM cannot be used.</exception>
    public static GuestSetup Read(RunOptions options, IReadOnlyList<NetworkOptions> networks, ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger<GuestSetup>();
        SymbolTable? added = options.SymbolFile is { } names ? SymbolReader.Read(UserFile.Read(names, "symbol file"), names) : null;
        if (options.IgnoredKeys.Count != 0)
            RunLog.Ignored(log, options.Configuration!, string.Join(", ", options.IgnoredKeys));
        if (options.Firmware is { } rom)
            return new GuestSetup(options, FirmwareImage.FromBytes(UserFile.Read(rom, "firmware", FirmwareImage.Largest)), added);
        if (options.Resumed is { } resumed)
        {
            // The kernel is there already: its file is for whoever asks for symbols, or starts it anew.
            return new GuestSetup(
                options,
                new Lazy<KernelImage?>(OpenOldKernel),
                new Lazy<IReadOnlyList<BootModule>>(() => ReadModules(resumed.FindModules())),
                image => options.CommandLine ?? StandardCommandLine(image, options.Machine, log),
                networks,
                added);
        }

        KernelImage? OpenOldKernel()
        {
            if (options.Resumed!.Guest.Kernel is { } kernel && !options.Resumed.HasKernel)
            {
                RunLog.KernelIsGone(log, kernel.Path);
                return null;
            }

            return OpenKernel(options);
        }

        // What is small and often mistyped comes first.
        IReadOnlyList<BootModule> modules = ReadModules(options.Modules);
        KernelImage image = OpenKernel(options);
        ReadOnlyMemory<byte>? commandLine = options.CommandLine ?? StandardCommandLine(image, options.Machine, log);
        return new GuestSetup(
            options, new Lazy<KernelImage?>(image), new Lazy<IReadOnlyList<BootModule>>(modules), _ => commandLine, networks, added);
    }

    /// <summary>The kernel; null where the machine starts from a ROM, or from a snapshot whose kernel's file is gone.</summary>
    public KernelImage? Kernel => _image.Value;

    /// <summary>How far from the addresses in its file the kernel lies: known once a machine has been made.</summary>
    public ulong Displacement => Boot?.Kernel.Displacement ?? _options.Resumed?.Displacement ?? 0;

    /// <summary>The name of the kernel's file, without its folder; null for the embedded tour, and where there is none.</summary>
    public string? KernelName => Path.GetFileName(_options.Kernel);

    /// <summary>
    /// The names of the guest's addresses: what its kernel carries, and what the user has added. They are looked for when they are asked for first;
    /// where the kernel lies is known once a machine has been made.
    /// </summary>
    public KernelSymbols Symbols => _symbols ??= new KernelSymbols(_symbolTable.Value, _image.Value?.Elf, Displacement);

    /// <summary>Where everything lies and what the boot processor begins with, once a machine has been made; null before, and with a ROM.</summary>
    public BootResult? Boot { get; private set; }

    /// <summary>What a trace of it is to say of itself.</summary>
    public IReadOnlyDictionary<string, string> Properties => new Dictionary<string, string>
    {
        ["emulator"] = $"emu {typeof(GuestSetup).Assembly.GetName().Version}",
        ["guest"] = _options.Firmware ?? _options.Kernel ?? "the embedded tour",
    };

    /// <summary>The guest as it starts after an end: what the toolstack has done is done.</summary>
    /// <param name="passed">Virtual time from the start to the end, in nanoseconds.</param>
    /// <returns>The guest.</returns>
    public GuestSetup After(ulong passed) => new(this, _options with
    {
        ToolstackCommands = [.. _options.ToolstackCommands.Where(command => command.Time > passed).Select(command => command with { Time = command.Time - passed })],
    }, null, _networks);

    /// <summary>The guest for another run beside the first, which leaves what that has captured alone.</summary>
    /// <returns>The guest.</returns>
    public GuestSetup WithoutCaptures() => new(this, _options, _resumed, [.. _networks.Select(static network => network with { Capture = null })]);

    /// <summary>Makes a machine and loads the guest, or brings it to where its snapshot was taken.</summary>
    public PvhMachine CreateMachine(
        IConsoleSink? output, IConsoleSink? debugOutput, IConsoleSource? input, IVcpuObserver? observer, ILoggerFactory? logs, InputJournal? journal = null)
    {
        PvhMachine machine = new(new MachineOptions
        {
            MemorySize = _options.MemorySize,
            Vcpus = _options.VcpuCount,
            Profile = _options.Machine,
            EntryProfile = _options.EntryProfile,
            TestDevices = _options.TestDevices,
            ForcedEmulation = _options.ForcedEmulation,
            Protocol = _options.Entry,
            StartInfoVersion = _options.StartInfo,
            CpuVendor = _options.CpuVendor,
            AcceptsAnyHypercallInstruction = _options.AcceptsAnyHypercallInstruction,
            DomainName = _options.DomainName,
            DomainUuid = _options.DomainUuid,
            MemoryTarget = _options.MemoryTarget,
            OnlineVcpus = _options.OnlineVcpus,
            Disks = _options.Disks,
            Networks = _networks,
            ToolstackCommands = _options.ToolstackCommands,
            CpuLevel = _options.CpuLevel,
            RandomSeed = _options.RandomSeed,
            Engine = _options.Engine,
            ConsoleOutput = output,
            DebugConsoleOutput = debugOutput,
            ConsoleInput = input,
            Firmware = _firmware,
            Journal = journal,
            Observer = observer,
            LoggerFactory = logs ?? NullLoggerFactory.Instance,
        });
        try
        {
            if (_resumed is not null)
                _resumed.Restore(machine);
            else if (_image.Value is { } image)
                Boot = machine.Load(image, _modules.Value, _commandLine(image), _options.KernelName ?? Path.GetFileName(_options.Kernel));
            else if (_firmware is null)
                throw new UsageException($"The kernel '{_options.Kernel}' is gone, or not what it was when the snapshot was taken: the guest cannot be started anew.");
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    private static KernelImage OpenKernel(RunOptions options) => options.Kernel is { } path ? KernelFile.Open(path) : KernelImage.Read(Tour());

    private static IReadOnlyList<BootModule> ReadModules(IReadOnlyList<ModuleOption> modules) =>
        [.. modules.Select(static module => new BootModule(UserFile.Read(module.Path, "module"), module.CommandLine) { Name = module.Name ?? Path.GetFileName(module.Path) })];

    /// <summary>
    /// Linux without a console argument takes the first console that it finds, which shows nothing: it gets the one of its machine. Others have
    /// no use for the words.
    /// </summary>
    private static ReadOnlyMemory<byte>? StandardCommandLine(KernelImage image, MachineProfile machine, ILogger log)
    {
        if (image.Xen.GuestOs != "linux")
            return null;
        string text = machine == MachineProfile.Xen ? "console=hvc0" : "console=ttyS0";
        RunLog.StandardCommandLine(log, text);
        return Encoding.ASCII.GetBytes(text);
    }

    private static byte[] Tour()
    {
        using Stream resource = typeof(GuestSetup).Assembly.GetManifestResourceStream("tour.elf")!;
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
