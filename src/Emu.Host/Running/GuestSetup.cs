using Emu.Cpu.Platform;
using Emu.Host.CommandLine;
using Emu.Host.Verbs;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;
using Emu.Pvh;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu.Host.Running;

/// <summary>A guest as the command line describes it, its files read. Machines made from it are equal, and run equally.</summary>
internal sealed class GuestSetup
{
    private readonly RunOptions _options;
    private readonly FirmwareImage? _firmware;
    private readonly KernelImage? _image;
    private readonly IReadOnlyList<BootModule> _modules;

    private GuestSetup(RunOptions options, FirmwareImage firmware)
    {
        _options = options;
        _firmware = firmware;
        _modules = [];
    }

    private GuestSetup(RunOptions options, KernelImage image, IReadOnlyList<BootModule> modules)
    {
        _options = options;
        _image = image;
        _modules = modules;
    }

    /// <summary>Reads the files.</summary>
    /// <exception cref="UsageException">A module or the ROM cannot be read.</exception>
    /// <exception cref="PvhBootException">The kernel cannot be read or used.</exception>
    /// <exception cref="MachineConfigurationException">The ROM cannot be used.</exception>
    public static GuestSetup Read(RunOptions options)
    {
        if (options.Firmware is { } rom)
            return new GuestSetup(options, FirmwareImage.FromBytes(UserFile.Read(rom, "firmware", FirmwareImage.Largest)));
        // What is small and often mistyped comes first.
        List<BootModule> modules = [];
        foreach (ModuleOption module in options.Modules)
            modules.Add(new BootModule(UserFile.Read(module.Path, "module"), module.CommandLine) { Name = Path.GetFileName(module.Path) });
        KernelImage image = options.Kernel is { } path ? KernelFile.Open(path) : KernelImage.Read(Tour());
        return new GuestSetup(options, image, modules);
    }

    /// <summary>The kernel; null where the machine starts from a ROM.</summary>
    public KernelImage? Kernel => _image;

    /// <summary>Makes a machine and loads the guest.</summary>
    public PvhMachine CreateMachine(IConsoleSink? output, IConsoleSink? debugOutput, IConsoleSource? input, IVcpuObserver? observer, ILoggerFactory? logs)
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
            CpuLevel = _options.CpuLevel,
            RandomSeed = _options.RandomSeed,
            Engine = _options.Engine,
            ConsoleOutput = output,
            DebugConsoleOutput = debugOutput,
            ConsoleInput = input,
            Firmware = _firmware,
            Observer = observer,
            LoggerFactory = logs ?? NullLoggerFactory.Instance,
        });
        try
        {
            if (_image is not null)
                machine.Load(_image, _modules, _options.CommandLine, Path.GetFileName(_options.Kernel));
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    private static byte[] Tour()
    {
        using Stream resource = typeof(GuestSetup).Assembly.GetManifestResourceStream("tour.elf")!;
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
