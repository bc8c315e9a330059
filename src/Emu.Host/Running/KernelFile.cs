using Emu.Host.Terminals;
using Emu.Machine.Recording;
using Emu.Machine.Snapshots;
using Emu.Machine.Tracing;
using Emu.Pvh;

namespace Emu.Host.Running;

/// <summary>Opens kernel files for the verbs, with progress for a person who waits.</summary>
internal static class KernelFile
{
    public static KernelImage Open(string path)
    {
        if (Directory.Exists(path))
            throw new UsageException($"'{path}' is a folder, not a kernel file.");
        try
        {
            if (!Terminal.ErrorIsTerminal)
                return KernelImage.Open(path);
            using StreamWriter error = new(StandardStreams.OpenError());
            using UnpackProgressLine line = new(error);
            return KernelImage.Open(path, new KernelImageOptions { Progress = line.Report });
        }
        catch (UnrecognizedImageException e) when (OwnKind(path) is { } hint)
        {
            throw new UsageException($"'{path}' is not a kernel, but {hint}", e);
        }
    }

    // Easily mistaken: the other files that this program writes and reads.
    private static string? OwnKind(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[8];
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        return SnapshotFile.IsSignature(start) ? "a snapshot: 'emu run --resume FILE' goes on from it."
            : InputLogReader.IsSignature(start) ? "a recording: 'emu replay FILE' runs it again."
            : TraceReader.IsSignature(start) ? "a trace: 'emu trace show FILE' shows it."
            : null;
    }
}
