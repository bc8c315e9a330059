using Emu.Host.CommandLine;
using Emu.Host.Configuration;
using Emu.Machine;

namespace Emu.Host.Running;

/// <summary>What a run does with each file that the user named: none is written that is read, or that something else is written to.</summary>
public sealed class FileClaims
{
    private static readonly StringComparer Names = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    private readonly Dictionary<string, string> _claims = new(Names);

    /// <summary>Looks at all files of a run before any is opened.</summary>
    /// <param name="options">The run.</param>
    /// <exception cref="UsageException">One would be written over.</exception>
    /// <returns>What it does with them.</returns>
    public static FileClaims Check(RunOptions options)
    {
        FileClaims files = new();
        files.Reads(options.Kernel, "the kernel");
        files.Reads(options.Firmware, "the firmware");
        foreach (ModuleOption module in options.Modules)
            files.Reads(module.Path, "a module");
        foreach (DiskOptions disk in options.Disks)
            files.Reads(disk.Path, "a disk");
        files.Reads(options.SymbolFile, "the names of addresses");
        files.Reads(options.Configuration, "the configuration");
        files.Reads(options.ResumedFile, "the snapshot that it goes on from");
        foreach (string snapshot in options.Resumed?.File.Chain ?? [])
            files.Reads(snapshot, "a snapshot that it goes on from");
        files.Reads(options.Replay?.File, "the recording");

        files.Writes(options.StatisticsFile, "--stats");
        files.Writes(options.TraceFile, "--trace");
        files.Writes(options.BinaryTrace?.Path, "--trace");
        files.Writes(options.XenTraceFile is "stderr" ? null : options.XenTraceFile, "--trace-xen");
        files.Writes(options.RecordFile, "--record");
        files.Writes(options.LogFile, "--log-file");
        files.Writes(options.DebugConsole is "stdout" or "stderr" or "none" ? null : options.DebugConsole, "--debug-console");
        foreach (NetworkCard card in options.NetworkCards)
            files.Writes(card.CaptureFile, "--net pcap");
        for (int number = 1; options.Snapshots is { } snapshots && number <= snapshots.Moments.Count; number++)
            files.Writes(snapshots.FileOf(number), "--snapshot-file");
        return files;
    }

    /// <summary>Notes that a file is read.</summary>
    /// <param name="path">It; null for none.</param>
    /// <param name="what">What it is, with an article.</param>
    public void Reads(string? path, string what)
    {
        if (path is not null)
            _claims.TryAdd(Identity(path), $"is {what}");
    }

    /// <summary>Notes that a file is written.</summary>
    /// <param name="path">It; null for none.</param>
    /// <param name="option">The option that asks for it.</param>
    /// <exception cref="UsageException">It is read, or written to by something else.</exception>
    public void Writes(string? path, string option)
    {
        // A device, such as /dev/null, takes whatever comes.
        if (path is null || IsDevice(path))
            return;
        if (!_claims.TryAdd(Identity(path), $"is what {option} writes"))
            throw new UsageException($"{option} cannot write '{path}': that {_claims[Identity(path)]}. Name another file.");
    }

    /// <summary>Whether two paths lead to the same file, as far as that is easy to see.</summary>
    /// <param name="one">One.</param>
    /// <param name="other">The other.</param>
    /// <returns>Whether they do.</returns>
    public static bool AreSame(string one, string other) => Names.Equals(Identity(one), Identity(other));

    /// <summary>Whether a path is a device's, as far as that is easy to see.</summary>
    /// <param name="path">The path.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsDevice(string path) => path.StartsWith("/dev/", StringComparison.Ordinal) || (OperatingSystem.IsWindows() && path is "NUL" or "nul");

    // The same file may have several names: links are followed as far as that is easy.
    private static string Identity(string path)
    {
        string full = path;
        try
        {
            full = Path.GetFullPath(path);
            return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // What is not there yet, for instance.
            return full;
        }
    }
}
