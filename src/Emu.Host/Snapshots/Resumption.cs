using System.Globalization;
using System.Text.Json;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.Snapshots;

namespace Emu.Host.Snapshots;

/// <summary>A run that begins with a snapshot.</summary>
internal sealed class Resumption : IDisposable
{
    private readonly SnapshotDescription _description;
    private readonly RecordedFiles _files;

    private Resumption(SnapshotFile file, RecordedFiles files)
    {
        File = file;
        _files = files;
        _description = SnapshotDescription.Read(file);
    }

    /// <summary>The snapshot.</summary>
    public SnapshotFile File { get; }

    /// <summary>How far from the addresses in its file the kernel lies.</summary>
    public ulong Displacement => _description.Displacement;

    /// <summary>What stood in the console's last line, which had no end yet.</summary>
    public byte[] Line => _description.Line;

    /// <summary>SHA-256 of the recording in whose replay it was taken, in lower-case hexadecimal; null for any other.</summary>
    public string? Recording => _description.Recording;

    /// <summary>The guest, as the snapshot describes it.</summary>
    public RecordedGuest Guest => _description.Guest;

    /// <summary>Opens a snapshot.</summary>
    /// <param name="path">The file.</param>
    /// <param name="files">Where the guest's files may be; null for where they were.</param>
    /// <returns>It.</returns>
    /// <exception cref="SnapshotException">It cannot be used.</exception>
    public static Resumption Open(string path, RecordedFiles? files = null)
    {
        SnapshotFile file = SnapshotFile.Open(path);
        try
        {
            return new Resumption(file, files ?? new RecordedFiles([], isOfSnapshot: true));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The options of the run: the guest's are the snapshot's, those about what is around it the user's.</summary>
    /// <param name="host">What the user asks for.</param>
    /// <returns>What is to be run.</returns>
    /// <exception cref="UsageException">A file that the guest still needs is not there, or not what it was.</exception>
    /// <exception cref="SnapshotException">The snapshot describes something impossible.</exception>
    public RunOptions ToOptions(RunOptions host)
    {
        if (host.XenTraceFile is not null && Guest.Machine != MachineProfile.Xen)
            throw new UsageException("--trace-xen is for a Xen domain; the snapshot is of a pc machine.");
        if (Recording is not null && Guest.Disks.FirstOrDefault(static disk => !disk.IsReadOnly && !disk.IsSnapshot) is { } disk)
        {
            throw new UsageException(
                $"The snapshot '{File.FilePath}' was taken in a replay, which keeps in memory what is written to the disk '{disk.Image.Path}': only 'emu replay --interval' goes on from it.");
        }

        foreach (SnapshotMoment moment in host.Snapshots?.Moments ?? [])
        {
            if (moment.Instructions < File.Snapshot.InstructionsRetired || moment.Time < File.Snapshot.VirtualTime)
                throw new UsageException($"{host.Snapshots!.Option ?? "A snapshot at"} {moment.Words} has passed already where the run begins.");
        }

        if (host.DumpAt.Count != 0 && host.DumpAt[0] < File.Snapshot.InstructionsRetired)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"--dump-at {host.DumpAt[0]} has passed already where the run begins, after {File.Snapshot.InstructionsRetired} instructions."));
        }

        try
        {
            // Kernel and modules have been loaded. What is on a disk is looked at when the machine is there.
            RunOptions guest = (Guest with { Kernel = null, Modules = [], Disks = [], MaximumInstructions = null }).ToOptions(host, _files);
            return guest with
            {
                Kernel = Guest.Kernel is { } kernel ? _files.TryFind(kernel) ?? kernel.Path : null,
                KernelName = Path.GetFileName(Guest.Kernel?.Path),
                Disks = [.. Guest.Disks.Select(static disk => disk.ToOptions())],
                Resumed = this,
            };
        }
        catch (JsonException e)
        {
            throw new SnapshotException($"The snapshot '{File.FilePath}' describes no machine that this program knows ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>The run that a recording describes: it goes on from here, with the input that was recorded.</summary>
    /// <param name="host">What the user asks for.</param>
    /// <param name="recorded">The recording's description. The guest is the snapshot's; its disks are as they were when the recording began.</param>
    /// <returns>What is to be run.</returns>
    /// <exception cref="UsageException">A file that the guest still needs is not there, or not what it was.</exception>
    /// <exception cref="SnapshotException">The snapshot describes something impossible.</exception>
    public RunOptions ToReplay(RunOptions host, RecordedGuest recorded)
    {
        // What the recorded run did to its guest's surroundings, and how far it was to go.
        RunOptions around = (recorded with { Kernel = null, Firmware = null, Modules = [], NetworkCards = [] }).ToOptions(host, _files);
        return ToOptions(around) with { Disks = around.Disks, MaximumInstructions = around.MaximumInstructions };
    }

    /// <summary>What a recording of a run that goes on from here is to say of it.</summary>
    /// <param name="options">The run.</param>
    /// <param name="option">What the description is for, for refusals.</param>
    /// <returns>The description.</returns>
    /// <exception cref="UsageException">A file cannot be read.</exception>
    public RecordedGuest Describe(RunOptions options, string option) => Guest with
    {
        Program = RecordedGuest.ThisProgram,
        Snapshot = RecordedFile.Of(File.FilePath, "snapshot", option),
        Disks = [.. options.Disks.Select(disk => RecordedDisk.Of(disk, option))],
        MaximumInstructions = options.MaximumInstructions,
        DebugConsole = options.DebugConsole,
    };

    /// <summary>Whether the kernel's file is still there, and the same.</summary>
    public bool HasKernel => Guest.Kernel is { } kernel && _files.TryFind(kernel) is not null;

    /// <summary>The modules, for a guest that is started anew.</summary>
    /// <returns>What they are.</returns>
    /// <exception cref="UsageException">One is not there, or not what it was.</exception>
    public IReadOnlyList<ModuleOption> FindModules() =>
        [.. Guest.Modules.Select(module => new ModuleOption(_files.Find(module.File, "module"), module.CommandLine) { Name = Path.GetFileName(module.File.Path) })];

    /// <summary>Brings a machine into the snapshot's state.</summary>
    /// <param name="machine">A machine that was made from <see cref="ToOptions"/>.</param>
    /// <exception cref="SnapshotException">It cannot.</exception>
    public void Restore(PvhMachine machine)
    {
        try
        {
            machine.Restore(File.Snapshot);
        }
        catch (SnapshotException e) when (File.Program != RecordedGuest.ThisProgram)
        {
            throw new SnapshotException($"{e.Message} It was taken by {File.Program}; this is {RecordedGuest.ThisProgram}.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => File.Dispose();
}
