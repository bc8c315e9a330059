using System.Buffers.Binary;
using System.Security.Cryptography;
using Emu.Cpu.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Emu.Machine.Snapshots;

/// <summary>A snapshot in a file, or in a chain of files each of which holds what has changed since the one before. docs/snapshots.md has the format.</summary>
public sealed class SnapshotFile : IDisposable
{
    /// <summary>Files in a chain at most.</summary>
    public const int LongestChain = 1000;

    private const int HeaderLength = 64;
    private const int DigestAt = 32;
    private const int Version = 2;

    // A directory has some bytes for each page.
    private const long LongestDirectory = 1 << 30;

    private static int _written;

    private static readonly byte[] Magic = [0x89, .. "EMUSNAP"u8];

    private readonly List<SafeFileHandle> _files = [];
    private readonly byte[] _identity;

    private SnapshotFile(IReadOnlyList<string> chain, byte[] identity, SnapshotDirectory directory, MachineSnapshot snapshot)
    {
        Chain = chain;
        _identity = identity;
        Program = directory.Program;
        Description = directory.Description;
        Snapshot = snapshot;
    }

    /// <summary>Where it is.</summary>
    public string FilePath => Chain[0];

    /// <summary>The files that it is in: itself, the one that has the pages which it leaves out, and so on.</summary>
    public IReadOnlyList<string> Chain { get; }

    /// <summary>SHA-256 of all that it holds: what a file names that holds what has changed since.</summary>
    public ReadOnlyMemory<byte> Identity => _identity;

    /// <summary>The program that wrote it.</summary>
    public string Program { get; }

    /// <summary>What who wrote it wanted to remember of the machine.</summary>
    public ReadOnlyMemory<byte> Description { get; }

    /// <summary>The snapshot: its pages are read when they are needed, and checked then. Good until this is disposed of.</summary>
    public MachineSnapshot Snapshot { get; }

    /// <summary>Whether bytes are those that a snapshot begins with.</summary>
    /// <param name="bytes">The first eight of a file.</param>
    /// <returns>Whether they are.</returns>
    public static bool IsSignature(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic);

    /// <summary>Writes a snapshot. What has the name before is replaced at the end, all at once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="program">The program that writes it.</param>
    /// <param name="description">What is to be remembered of the machine.</param>
    /// <param name="parent">A file with an earlier snapshot of the same run, without which this one then is nothing; null to hold everything here.</param>
    /// <returns>What a later snapshot can have as its parent; it keeps no file open.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    /// <exception cref="SnapshotException">A page of the snapshot lies in a file that cannot be used any more.</exception>
    public static SnapshotFile Write(string path, MachineSnapshot snapshot, string program, ReadOnlyMemory<byte> description, SnapshotFile? parent = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(snapshot);
        path = Path.GetFullPath(path);
        // Others may be writing the same.
        var temporary = $"{path}.{Environment.ProcessId}.{Interlocked.Increment(ref _written)}.part";
        try
        {
            byte[] identity;
            SnapshotDirectory directory;
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
                (identity, directory) = SnapshotWriter.Write(file, snapshot, program, description, parent, Path.GetDirectoryName(path)!);
            File.Move(temporary, path, overwrite: true);
            return new SnapshotFile([path, .. parent?.Chain ?? []], identity, directory, snapshot);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Opens a snapshot, and those that it needs.</summary>
    /// <param name="path">The file.</param>
    /// <returns>It.</returns>
    /// <exception cref="SnapshotException">It cannot be read, is damaged or something else, or one that it needs is not what it was.</exception>
    public static SnapshotFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        path = Path.GetFullPath(path);
        List<SafeFileHandle> files = [];
        try
        {
            List<(string Path, SafeFileHandle File, SnapshotDirectory Directory)> chain = [];
            byte[] identity = [], expected = [];
            for (var next = path; ;)
            {
                if (chain.Count == LongestChain)
                    throw new SnapshotException($"The snapshot '{path}' needs more than {LongestChain} others.");
                var file = OpenFile(next, chain.Count == 0 ? null : path);
                files.Add(file);
                var directory = ReadDirectory(file, next, out var digest);
                if (chain.Count == 0)
                    identity = digest;
                else if (!digest.AsSpan().SequenceEqual(expected))
                    throw new SnapshotException($"The snapshot '{path}' needs another than what is now called '{next}'.");
                chain.Add((next, file, directory));
                if (directory.Parent.Length == 0)
                    break;
                expected = directory.Parent;
                next = Path.GetFullPath(directory.ParentName, Path.GetDirectoryName(next)!);
            }

            var pages = PageTable.Zeros(chain[^1].Directory.FrameCount);
            IReadOnlyList<SnapshotPage> statePages = [];
            for (var i = chain.Count - 1; i >= 0; i--)
            {
                pages = Apply(pages, chain[i].Path, chain[i].File, chain[i].Directory);
                statePages = Apply(statePages, chain[i].Path, chain[i].File, chain[i].Directory);
            }

            var last = chain[0].Directory;
            var state = PageChunk.Read(files[0], path, HeaderLength, last.State.Length, last.State.Digest, last.StateLength);
            var opened = new SnapshotFile([.. chain.Select(static part => part.Path)], identity, last, new MachineSnapshot(pages, state, statePages, last.InstructionsRetired, last.VirtualTime));
            opened._files.AddRange(files);
            return opened;
        }
        catch
        {
            foreach (var file in files)
                file.Dispose();
            throw;
        }
    }

    /// <summary>Reads everything once, so that nothing is found to be damaged later.</summary>
    /// <exception cref="SnapshotException">Something is.</exception>
    public void Verify()
    {
        var pages = Snapshot.Pages.NonZero().Select(static page => page.Page).Concat(Snapshot.StatePages);
        foreach (var chunk in pages.OfType<FilePage>().Select(static page => page.Chunk).Distinct())
            chunk.Check();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
        _files.Clear();
    }

    /// <summary>The header of a file.</summary>
    /// <param name="directoryAt">Where the directory begins.</param>
    /// <param name="directory">The directory.</param>
    /// <returns>64 bytes, the last 32 of which are the file's identity.</returns>
    internal static byte[] MakeHeader(long directoryAt, ReadOnlySpan<byte> directory)
    {
        var header = new byte[HeaderLength];
        Magic.CopyTo(header, 0);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), directoryAt);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), directory.Length);
        Digest(header, directory).CopyTo(header, DigestAt);
        return header;
    }

    private static byte[] Digest(ReadOnlySpan<byte> header, ReadOnlySpan<byte> directory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header[..DigestAt]);
        hash.AppendData(directory);
        return hash.GetHashAndReset();
    }

    private static SafeFileHandle OpenFile(string path, string? needed)
    {
        var by = needed is null ? "" : $", which '{needed}' needs,";
        try
        {
            if (Directory.Exists(path))
                throw new SnapshotException($"The snapshot '{path}'{by} is a folder.");
            // A pipe would be waited for.
            if (File.Exists(path) && new FileInfo(path).Length == 0)
                throw new SnapshotException($"The snapshot '{path}'{by} is empty, or no regular file.");
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            var reason = e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file." : e.Message;
            throw new SnapshotException($"The snapshot '{path}'{by} cannot be read: {reason}", e);
        }
    }

    private static SnapshotDirectory ReadDirectory(SafeFileHandle file, string path, out byte[] digest)
    {
        try
        {
            var header = new byte[HeaderLength];
            var length = RandomAccess.GetLength(file);
            if (!IsSignature(header.AsSpan(0, RandomAccess.Read(file, header, 0))))
                throw new SnapshotException($"'{path}' is no snapshot of a machine.");
            var version = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
            if (version != Version)
                throw new SnapshotException($"The snapshot '{path}' has version {version} of the format; this program knows version {Version}.");
            var at = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(16));
            var size = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(24));
            if (at < HeaderLength || size < 0 || size > LongestDirectory || at > length || size != length - at)
                throw new SnapshotException($"The snapshot '{path}' is damaged or cut off: its length is wrong.");
            var bytes = new byte[size];
            for (var done = 0; done < bytes.Length;)
            {
                var count = RandomAccess.Read(file, bytes.AsSpan(done), at + done);
                if (count == 0)
                    throw new SnapshotException($"The snapshot '{path}' is damaged or cut off: its length is wrong.");
                done += count;
            }

            digest = Digest(header, bytes);
            if (!digest.AsSpan().SequenceEqual(header.AsSpan(DigestAt)))
                throw new SnapshotException($"The snapshot '{path}' is damaged: its checksum is wrong.");
            var directory = new SnapshotDirectory();
            StateStream.Restore(directory, bytes);
            if (directory.State.Length + directory.Chunks.Select(static chunk => chunk.Piece).Concat(directory.StateChunks.Select(static chunk => chunk.Piece)).Sum(static piece => (long)piece.Length) != at - HeaderLength)
                throw new SnapshotException($"The snapshot '{path}' is damaged: its length is wrong.");
            return directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new SnapshotException($"The snapshot '{path}' cannot be read: {e.Message}", e);
        }
    }

    private static PageTable Apply(PageTable before, string path, SafeFileHandle file, SnapshotDirectory directory)
    {
        if (before.Count != directory.FrameCount)
            throw new SnapshotException($"The snapshot '{path}' is of another machine than the one before it.");
        var pages = before.Change();
        foreach (var frame in directory.Zeros)
            pages.Set(frame, null);
        var offset = (long)HeaderLength + directory.State.Length;
        foreach (var entry in directory.Chunks)
        {
            var chunk = new PageChunk(file, path, offset, entry.Piece.Length, entry.Piece.Digest, entry.Frames.Count);
            for (var i = 0; i < entry.Frames.Count; i++)
                pages.Set(entry.Frames[i], new FilePage(chunk, i));
            offset += entry.Piece.Length;
        }

        return pages.Build();
    }

    private static List<SnapshotPage> Apply(IReadOnlyList<SnapshotPage> before, string path, SafeFileHandle file, SnapshotDirectory directory)
    {
        List<SnapshotPage> own = [];
        var offset = HeaderLength + directory.State.Length + directory.Chunks.Sum(static chunk => (long)chunk.Piece.Length);
        foreach (var entry in directory.StateChunks)
        {
            var chunk = new PageChunk(file, path, offset, entry.Piece.Length, entry.Piece.Digest, entry.Count);
            for (var i = 0; i < entry.Count; i++)
                own.Add(new FilePage(chunk, i));
            offset += entry.Piece.Length;
        }

        List<SnapshotPage> pages = [];
        foreach (var run in directory.StatePages)
        {
            var from = run.IsFromParent ? before : own;
            if (run.First + run.Count > from.Count)
                throw new SnapshotException($"The snapshot '{path}' has pages that the one before it has not.");
            for (var i = 0; i < run.Count; i++)
                pages.Add(from[run.First + i]);
        }

        return pages;
    }
}
