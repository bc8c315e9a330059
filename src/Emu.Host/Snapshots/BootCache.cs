using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Pvh;
using Emu.Xen;

namespace Emu.Host.Snapshots;

/// <summary>Boots that were done before, found by all that they depend on.</summary>
/// <remarks>
/// A snapshot is called by a hash of the contents of kernel, modules, firmware and disks, of every option that the guest can tell, of the
/// moment, and of this program's own code: whatever changes, it is not found any more. What comes from outside is no part of that, so there is no
/// snapshot of a boot that has read console input or can reach the host's network.
/// </remarks>
internal static class BootCache
{
    private const string Option = "--boot-cache";

    /// <summary>What is to be run in place of a boot, or with one whose result is kept.</summary>
    /// <param name="options">What the user asked for.</param>
    /// <param name="request">Where boots are kept, and how far they go.</param>
    /// <param name="error">Hears what was found.</param>
    /// <returns>The options of the run.</returns>
    /// <exception cref="UsageException">Such a boot cannot be kept, or a file cannot be read.</exception>
    public static RunOptions Apply(RunOptions options, BootCacheRequest request, TextWriter error)
    {
        if (options.Snapshots is not null)
            throw new UsageException("--boot-cache takes a snapshot of its own; --snapshot-at cannot be given beside it.");
        if (options.NetworkCards.Any(static card => card.Options.ReachesHost))
            throw new UsageException("--boot-cache: a boot depends on more than its files where the network leads to this computer ('allow=' and 'forward=' of --net).");
        if (options.Disks.FirstOrDefault(static disk => !disk.IsReadOnly && !disk.IsSnapshot) is { } disk)
            throw new UsageException($"--boot-cache: the guest may write to the disk '{disk.Path}', so that each boot is another; ',snapshot' behind it keeps it as it is.");
        RecordedGuest guest = RecordedGuest.Of(options, Option);
        string path = Path.Combine(MakeFolder(request.Folder), Name(guest, request.Moment) + ".snapshot");
        if (File.Exists(path) && TryOpen(path, error) is { } found)
        {
            if (options.DumpAt.Count != 0 && options.DumpAt[0] < found.File.Snapshot.InstructionsRetired)
            {
                error.Write(string.Create(
                    CultureInfo.InvariantCulture,
                    $"emu: Booted anew: --dump-at {options.DumpAt[0]} lies before the {found.File.Snapshot.InstructionsRetired} instructions that --boot-cache would save.\n"));
                found.Dispose();
                return options;
            }

            error.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"emu: Not booted: going on from '{path}', {found.File.Snapshot.InstructionsRetired} instructions into the same boot (--boot-cache).\n"));
            return found.ToOptions(options);
        }

        return options with { Snapshots = new SnapshotRequest([request.Moment], path, EndsRun: false) { Option = Option, Guest = guest } };
    }

    /// <summary>Why a boot is not kept although it has come so far.</summary>
    /// <param name="machine">The machine.</param>
    /// <returns>A sentence; null where it is kept.</returns>
    public static string? Objection(PvhMachine machine) =>
        machine.ConsoleBytesTaken == 0 ? null : "The boot is not kept (--boot-cache): the guest has read console input, which another time may be other input.";

    private static Resumption? TryOpen(string path, TextWriter error)
    {
        Resumption? found = null;
        try
        {
            found = Resumption.Open(path);
            found.File.Verify();
            return found;
        }
        catch (SnapshotException e)
        {
            found?.Dispose();
            error.Write($"emu: {e.Message} It is not used, and replaced by a new boot (--boot-cache).\n");
            return null;
        }
    }

    private static string Name(RecordedGuest guest, SnapshotMoment moment)
    {
        // Where a file lies means nothing to the guest. What kernel and modules are called, Multiboot tells it.
        guest = guest with
        {
            Kernel = Bare(guest.Kernel),
            Firmware = guest.Firmware is { } firmware ? firmware with { Path = "" } : null,
            Modules = [.. guest.Modules.Select(static module => module with { File = Bare(module.File)! })],
            Disks = [.. guest.Disks.Select(static disk => disk with { Image = disk.Image with { Path = "" } })],
            MaximumInstructions = null,
            DebugConsole = null,
        };
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Of a program that is built from the same sources again each part has the same identity.
        foreach (Type part in new[] { typeof(KernelImage), typeof(Vcpu), typeof(XenHypervisor), typeof(PvhMachine), typeof(BootCache) })
            hash.AppendData(part.Module.ModuleVersionId.ToByteArray());
        hash.AppendData(guest.ToBytes());
        hash.AppendData(Encoding.UTF8.GetBytes(moment.Words));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    private static RecordedFile? Bare(RecordedFile? file) => file is null ? null : file with { Path = Path.GetFileName(file.Path) };

    private static string MakeFolder(string folder)
    {
        if (File.Exists(folder))
            throw new UsageException($"--boot-cache cannot use '{folder}' as a folder: it is a file.");
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            string reason = e is FileNotFoundException or DirectoryNotFoundException ? "it cannot be made there." : UserFile.Reason(e);
            throw new UsageException($"--boot-cache cannot use the folder '{folder}': {reason}", e);
        }
    }
}
