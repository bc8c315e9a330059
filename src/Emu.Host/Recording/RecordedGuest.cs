using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Emu.Cpu;
using Emu.Host.CommandLine;
using Emu.Host.Configuration;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.Recording;
using Emu.Machine.Xen;
using Emu.Pvh;

namespace Emu.Host.Recording;

/// <summary>All that a run depends on but its input, as a recording's description has it: files by their hashes, options by their values.</summary>
/// <remarks>It is JSON, so that a recording says with <c>strings</c> what it is of. docs/recording.md describes it.</remarks>
internal sealed record RecordedGuest
{
    /// <summary>The program that recorded it.</summary>
    public required string Program { get; init; }

    /// <summary>The snapshot that the run goes on from; null for a boot.</summary>
    public RecordedFile? Snapshot { get; init; }

    public RecordedFile? Kernel { get; init; }

    public RecordedFile? Firmware { get; init; }

    public IReadOnlyList<RecordedModule> Modules { get; init; } = [];

    public byte[]? CommandLine { get; init; }

    public required ulong MemorySize { get; init; }

    public required int VcpuCount { get; init; }

    public required MachineProfile Machine { get; init; }

    public bool TestDevices { get; init; }

    public bool ForcedEmulation { get; init; }

    public BootProtocol Entry { get; init; }

    public StartInfoVersion StartInfo { get; init; }

    public EntryProfile? EntryProfile { get; init; }

    public CpuVendor CpuVendor { get; init; }

    public CpuLevel CpuLevel { get; init; }

    public ulong RandomSeed { get; init; }

    public ulong? MaximumInstructions { get; init; }

    public string? DebugConsole { get; init; }

    public required string DomainName { get; init; }

    public Guid? DomainUuid { get; init; }

    public ulong? MemoryTarget { get; init; }

    public int? OnlineVcpus { get; init; }

    public IReadOnlyList<RecordedDisk> Disks { get; init; } = [];

    public IReadOnlyList<RecordedNetworkCard> NetworkCards { get; init; } = [];

    public bool AcceptsAnyHypercallInstruction { get; init; }

    public IReadOnlyList<ToolstackCommand> ToolstackCommands { get; init; } = [];

    public RestartPolicy Restart { get; init; }

    public int MaximumRestarts { get; init; }

    /// <summary>This program, as recordings name it.</summary>
    public static string ThisProgram =>
        "emu " + (typeof(RecordedGuest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    /// <summary>Describes a run that is about to begin.</summary>
    /// <param name="options">What the user asked for.</param>
    /// <param name="option">What the description is for, for refusals.</param>
    /// <returns>The description.</returns>
    /// <exception cref="UsageException">A file cannot be read.</exception>
    public static RecordedGuest Of(RunOptions options, string option) => new()
    {
        Program = ThisProgram,
        Kernel = options.Kernel is { } kernel ? RecordedFile.Of(kernel, "kernel", option) : null,
        Firmware = options.Firmware is { } firmware ? RecordedFile.Of(firmware, "firmware", option) : null,
        Modules = [.. options.Modules.Select(module => new RecordedModule(RecordedFile.Of(module.Path, "module", option), module.CommandLine?.ToArray()))],
        CommandLine = options.CommandLine?.ToArray(),
        MemorySize = options.MemorySize,
        VcpuCount = options.VcpuCount,
        Machine = options.Machine,
        TestDevices = options.TestDevices,
        ForcedEmulation = options.ForcedEmulation,
        Entry = options.Entry,
        StartInfo = options.StartInfo,
        EntryProfile = options.EntryProfile,
        CpuVendor = options.CpuVendor,
        CpuLevel = options.CpuLevel,
        RandomSeed = options.RandomSeed,
        MaximumInstructions = options.MaximumInstructions,
        DebugConsole = options.DebugConsole,
        DomainName = options.DomainName,
        DomainUuid = options.DomainUuid,
        MemoryTarget = options.MemoryTarget,
        OnlineVcpus = options.OnlineVcpus,
        Disks = [.. options.Disks.Select(disk => RecordedDisk.Of(disk, option))],
        NetworkCards = [.. options.NetworkCards.Select(static card => RecordedNetworkCard.Of(card.Options))],
        AcceptsAnyHypercallInstruction = options.AcceptsAnyHypercallInstruction,
        ToolstackCommands = options.ToolstackCommands,
        Restart = options.Restart,
        MaximumRestarts = options.MaximumRestarts,
    };

    /// <summary>Reads the description of a recording.</summary>
    /// <param name="log">The recording.</param>
    /// <returns>The description.</returns>
    /// <exception cref="RecordingException">It describes no run.</exception>
    public static RecordedGuest Read(InputLogReader log)
    {
        try
        {
            RecordedGuest guest = JsonSerializer.Deserialize(log.Description.Span, DescriptionJson.Default.RecordedGuest)
                ?? throw new JsonException("it is empty");
            return guest.IsPossible ? guest : throw new JsonException("a value is none that it can be");
        }
        catch (JsonException e)
        {
            throw new RecordingException($"The recording '{log.Name}' describes no run that this program knows ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>As a recording has it.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, DescriptionJson.Default.RecordedGuest);

    /// <summary>The guest with what the user now asks for around it.</summary>
    /// <param name="host">What the user asks for: engine, traces, statistics, logs.</param>
    /// <param name="files">Where the files are now.</param>
    /// <returns>What is to be run.</returns>
    /// <exception cref="UsageException">A file is not there, or not what it was.</exception>
    /// <exception cref="RecordingException">The description makes no sense.</exception>
    public RunOptions ToOptions(RunOptions host, RecordedFiles files) => host with
    {
        Kernel = Kernel is null ? null : files.Find(Kernel, "kernel"),
        KernelName = Kernel is null ? null : Path.GetFileName(Kernel.Path),
        Firmware = Firmware is null ? null : files.Find(Firmware, "firmware"),
        Modules = [.. Modules.Select(module => new ModuleOption(files.Find(module.File, "module"), module.CommandLine) { Name = Path.GetFileName(module.File.Path) })],
        CommandLine = CommandLine is null ? default(ReadOnlyMemory<byte>?) : CommandLine,
        MemorySize = MemorySize,
        VcpuCount = VcpuCount,
        Machine = Machine,
        TestDevices = TestDevices,
        ForcedEmulation = ForcedEmulation,
        Entry = Entry,
        StartInfo = StartInfo,
        EntryProfile = EntryProfile,
        CpuVendor = CpuVendor,
        CpuLevel = CpuLevel,
        RandomSeed = RandomSeed,
        MaximumInstructions = host.MaximumInstructions < (MaximumInstructions ?? ulong.MaxValue) ? host.MaximumInstructions : MaximumInstructions,
        // A file that the recorded run wrote is not written a second time.
        DebugConsole = host.DebugConsole ?? (DebugConsole is null or "stdout" or "stderr" or "none" ? DebugConsole : "none"),
        DomainName = DomainName,
        DomainUuid = DomainUuid,
        MemoryTarget = MemoryTarget,
        OnlineVcpus = OnlineVcpus,
        Disks = [.. Disks.Select(disk => disk.ToOptions(files))],
        NetworkCards = [.. NetworkCards.Select(static card => new NetworkCard(card.ToOptions(), null))],
        AcceptsAnyHypercallInstruction = AcceptsAnyHypercallInstruction,
        ToolstackCommands = ToolstackCommands,
        Restart = Restart,
        MaximumRestarts = MaximumRestarts,
    };

    /// <summary>What the command line would refuse, or could not say; the machine refuses the rest.</summary>
    [JsonIgnore]
    public bool IsPossible =>
        Enum.IsDefined(Machine) && Enum.IsDefined(Entry) && Enum.IsDefined(StartInfo) && Enum.IsDefined(CpuVendor) && Enum.IsDefined(CpuLevel)
        && (EntryProfile is not { } profile || Enum.IsDefined(profile))
        && ToolstackCommands.All(static command => Enum.IsDefined(command.Action))
        && MaximumRestarts >= 0 && OptionText.IsDomainName(DomainName)
        && NetworkCards.Count <= NetworkSpecification.MostCards
        && (Machine == MachineProfile.Xen || (Disks.Count == 0 && NetworkCards.Count == 0 && ToolstackCommands.Count == 0))
        && (Firmware is null || (Kernel is null && Machine == MachineProfile.Pc));
}

/// <summary>A module and its command line.</summary>
internal sealed record RecordedModule(RecordedFile File, byte[]? CommandLine = null);
