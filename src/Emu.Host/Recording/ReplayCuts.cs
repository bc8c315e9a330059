using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Snapshots;
using Emu.Machine.Snapshots;

namespace Emu.Host.Recording;

/// <summary>The snapshots at borders between parts of a recorded run: taken by one replay, and found by those of single parts.</summary>
/// <remarks>
/// They are called by the recording's name and the count of instructions, so that parts of any size find the nearest one. Each holds the recording's hash, and
/// what has changed since the one before.
/// </remarks>
internal sealed class ReplayCuts
{
    /// <summary>Parts that one replay can cut a run into: a snapshot needs all those before it.</summary>
    public const ulong MostParts = SnapshotFile.LongestChain;

    private const string Suffix = ".cut";

    private readonly string _recording;
    private readonly string _folder;
    private readonly string _sha256;

    /// <summary>Looks at a recording.</summary>
    /// <param name="recording">Its file.</param>
    /// <param name="folder">Where the snapshots are; null for beside it.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public ReplayCuts(string recording, string? folder)
    {
        _recording = recording;
        _folder = Path.GetFullPath(folder ?? Path.GetDirectoryName(Path.GetFullPath(recording))!);
        _sha256 = RecordedFile.Of(recording, "recording", "emu replay").Sha256;
    }

    /// <summary>Prepares to take the snapshots of a recording anew.</summary>
    /// <param name="begin">The count of instructions where the recording begins.</param>
    /// <param name="end">That where it ends.</param>
    /// <param name="parts">How many parts there are to be.</param>
    /// <returns>What is to be taken.</returns>
    /// <exception cref="UsageException">There cannot be so many parts, or the folder cannot be used.</exception>
    public SnapshotRequest Request(ulong begin, ulong end, ulong parts)
    {
        RequireParts(end - begin, parts);
        List<SnapshotMoment> moments = [];
        List<string> files = [];
        for (ulong i = 1; i < parts; i++)
        {
            ulong count = ReplayPart.EndOf(begin, end, i, parts);
            moments.Add(new SnapshotMoment(string.Create(CultureInfo.InvariantCulture, $"border {i} of {parts - 1}"), Instructions: count));
            files.Add(FileOf(count));
        }

        try
        {
            Directory.CreateDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new UsageException($"--cut-dir cannot use the folder '{_folder}': {UserFile.Reason(e)}", e);
        }

        Discard();
        return new SnapshotRequest(moments, files[0], EndsRun: false) { Files = files, Recording = _sha256, Option = null };
    }

    /// <summary>Removes all snapshots of a recording with this name.</summary>
    /// <exception cref="UsageException">One cannot be removed.</exception>
    public void Discard()
    {
        foreach ((string file, _) in Find())
        {
            try
            {
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"The snapshot '{file}' cannot be replaced: {UserFile.Reason(e)}", e);
            }
        }
    }

    /// <summary>Opens the nearest snapshot.</summary>
    /// <param name="count">The count of instructions at which something begins.</param>
    /// <returns>The last one that lies there or before; null where none does.</returns>
    /// <exception cref="UsageException">It is one of another recording, or the folder cannot be read.</exception>
    /// <exception cref="SnapshotException">It cannot be used.</exception>
    public Resumption? OpenNearest(ulong count)
    {
        (string File, ulong Count)[] before = [.. Find().Where(cut => cut.Count <= count)];
        if (before.Length == 0)
            return null;
        (string File, ulong Count) nearest = before.MaxBy(static cut => cut.Count);
        Resumption resumption = Resumption.Open(nearest.File);
        if (resumption.Recording == _sha256 && resumption.File.Snapshot.InstructionsRetired == nearest.Count)
            return resumption;
        resumption.Dispose();
        throw new UsageException(
            resumption.Recording == _sha256 ? $"The snapshot '{nearest.File}' is not of the place that its name says."
            : $"The snapshot '{nearest.File}' is not of the recording '{_recording}', but of another; 'emu replay FILE --cut N' takes new ones.");
    }

    /// <summary>Refuses parts that hold nothing.</summary>
    /// <param name="total">Instructions of the whole.</param>
    /// <param name="parts">How many parts there are to be.</param>
    /// <exception cref="UsageException">There cannot be so many.</exception>
    public void RequireParts(ulong total, ulong parts)
    {
        if (parts > total)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The run in '{_recording}' has {total} instructions, which cannot be cut into {parts} parts."));
    }

    private string FileOf(ulong count) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(_recording)}.{count:D12}{Suffix}"));

    private List<(string File, ulong Count)> Find()
    {
        string prefix = Path.GetFileName(_recording) + ".";
        List<(string File, ulong Count)> cuts = [];
        try
        {
            foreach (string file in Directory.EnumerateFiles(_folder))
            {
                string name = Path.GetFileName(file);
                if (name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
                    && name.Length > prefix.Length + Suffix.Length
                    && ulong.TryParse(name.AsSpan(prefix.Length..^Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
                    cuts.Add((file, count));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--cut-dir cannot use the folder '{_folder}': {UserFile.Reason(e)}", e);
        }

        return cuts;
    }
}
