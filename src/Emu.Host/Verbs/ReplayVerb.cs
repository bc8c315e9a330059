using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Host.Snapshots;
using Emu.Machine;
using Emu.Machine.Recording;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu replay</c>: finds the files of a recorded run, and runs it again with what came from outside.</summary>
public static class ReplayVerb
{
    /// <summary>Replays a run.</summary>
    /// <param name="options">Which, and how.</param>
    /// <returns>The exit code of the recorded run; <see cref="ExitCode.Different"/> where the replay was another run.</returns>
    /// <exception cref="UsageException">A file cannot be used.</exception>
    /// <exception cref="RecordingException">The recording cannot be used.</exception>
    /// <exception cref="SnapshotException">The snapshot that an interval begins with cannot be used.</exception>
    /// <exception cref="MachineConfigurationException">The machine cannot be made.</exception>
    public static int Run(ReplayOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        InputLogReader log = Open(options.File);
        try
        {
            RecordedGuest guest = RecordedGuest.Read(log);
            if (options.Host.XenTraceFile is not null && guest.Machine != MachineProfile.Xen)
                throw new UsageException("--trace-xen is for a Xen domain; the recorded run was on the pc machine.");
            if (log.BeginsWithSnapshot != guest.Snapshot is not null)
                throw new RecordingException($"The recording '{log.Name}' is damaged: it does not know whether it begins with a snapshot.");
            RecordedFiles files = new(options.Files);
            using Resumption? begin = guest.Snapshot is { } snapshot ? Resumption.Open(files.Find(snapshot, "snapshot"), files) : null;
            RunOptions run = begin?.ToReplay(options.Host, guest) ?? guest.ToOptions(options.Host, files);
            ReplayCuts? cuts = options.Interval is null && options.Cut is null ? null : new ReplayCuts(options.File, options.CutFolder);
            using Replay replay = new(log, guest)
            {
                Cuts = options.Cut is null ? null : cuts,
            };
            if (options.Cut is { } parts)
                run = run with { Snapshots = cuts!.Request(log.FirstLifeBegin, log.FirstLifeInstructions, parts) };
            if (options.Interval is { } part)
            {
                replay.Interval = new ReplayInterval(part, log.FirstLifeBegin, log.FirstLifeInstructions, cuts!, replay.Input);
                run = replay.Interval.Apply(run);
            }

            return RunVerb.Run(run with { Replay = replay });
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new RecordingException($"The recording '{log.Name}' describes no run that this program knows ({e.Message}).", e);
        }
        finally
        {
            log.Dispose();
        }
    }

    private static InputLogReader Open(string path)
    {
        if (Directory.Exists(path))
            throw new UsageException($"The recording '{path}' is a folder, not a file.");
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);
            if (!file.CanSeek)
                throw new UsageException($"The recording '{path}' is no regular file.");
            return InputLogReader.Open(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            file?.Dispose();
            throw new UsageException($"The recording '{path}' cannot be read: {UserFile.Reason(e)}", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }
}
