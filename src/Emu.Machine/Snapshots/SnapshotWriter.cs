using System.Security.Cryptography;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>Writes what is in a snapshot's file.</summary>
internal static class SnapshotWriter
{
    /// <summary>Writes a file.</summary>
    /// <param name="to">It: empty, and can be sought in.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="program">The program that writes it.</param>
    /// <param name="description">What is to be remembered of the machine.</param>
    /// <param name="parent">The file with the pages that are to be left out; null for none.</param>
    /// <param name="folder">Where the file is.</param>
    /// <returns>The file's identity, and its directory.</returns>
    public static (byte[] Identity, SnapshotDirectory Directory) Write(
        Stream to, MachineSnapshot snapshot, string program, ReadOnlyMemory<byte> description, SnapshotFile? parent, string folder)
    {
        // Where the header will be.
        to.Write(SnapshotFile.MakeHeader(0, default));
        var state = PageChunk.Compress(snapshot.State.Span);
        to.Write(state);
        SnapshotDirectory directory = new()
        {
            Program = program,
            Description = description.ToArray(),
            Parent = parent?.Identity.ToArray() ?? [],
            ParentName = parent is null ? "" : Path.GetRelativePath(folder, parent.FilePath),
            InstructionsRetired = snapshot.InstructionsRetired,
            VirtualTime = snapshot.VirtualTime,
            FrameCount = snapshot.Pages.Count,
            StateLength = snapshot.State.Length,
            State = PieceOf(state),
        };
        List<(int Frame, SnapshotPage Page)> pages = [];
        foreach (var (frame, page) in snapshot.Pages.DifferentFrom(parent?.Snapshot.Pages ?? PageTable.Zeros(snapshot.Pages.Count)))
        {
            if (page is null)
                directory.Zeros.Add(frame);
            else
                pages.Add((frame, page));
        }

        WriteChunks(to, pages.ConvertAll(static page => page.Page), (first, count, piece) => directory.Chunks.Add(new SnapshotDirectory.ChunkEntry
        {
            Frames = [.. pages.GetRange(first, count).Select(static page => page.Frame)],
            Piece = piece,
        }));
        WriteChunks(
            to,
            AddStatePages(directory.StatePages, snapshot.StatePages, parent?.Snapshot.StatePages ?? []),
            (_, count, piece) => directory.StateChunks.Add(new SnapshotDirectory.StateChunkEntry { Count = count, Piece = piece }));
        var at = to.Position;
        var bytes = StateStream.Save(directory);
        to.Write(bytes);
        var header = SnapshotFile.MakeHeader(at, bytes);
        to.Position = 0;
        to.Write(header);
        return (header[^SnapshotDirectory.DigestLength..], directory);
    }

    // Which pages of the state the parent has, and which not: these are returned.
    private static List<SnapshotPage> AddStatePages(List<SnapshotDirectory.PageRun> runs, IReadOnlyList<SnapshotPage> pages, IReadOnlyList<SnapshotPage> parents)
    {
        Dictionary<SnapshotPage, int> known = new(parents.Count, ReferenceEqualityComparer.Instance);
        for (var i = 0; i < parents.Count; i++)
            known.TryAdd(parents[i], i);
        List<SnapshotPage> own = [];
        // A page that stands elsewhere than it did is written again: the order is what keeps a reader from being led in circles.
        var nextOfParent = 0;
        foreach (var page in pages)
        {
            var isFromParent = known.TryGetValue(page, out var at) && at >= nextOfParent;
            if (isFromParent)
            {
                nextOfParent = at + 1;
            }
            else
            {
                at = own.Count;
                own.Add(page);
            }

            if (runs.Count != 0 && runs[^1] is var last && last.IsFromParent == isFromParent && last.First + last.Count == at)
                runs[^1] = last with { Count = last.Count + 1 };
            else
                runs.Add(new SnapshotDirectory.PageRun(isFromParent, at, 1));
        }

        return own;
    }

    // So many at a time as are compressed at once, in their order.
    private static void WriteChunks(Stream to, List<SnapshotPage> pages, Action<int, int, SnapshotDirectory.Piece> add)
    {
        var batch = new byte[Environment.ProcessorCount * 2][];
        var count = (pages.Count + PageChunk.MostPages - 1) / PageChunk.MostPages;
        for (var first = 0; first < count; first += batch.Length)
        {
            var chunks = Math.Min(batch.Length, count - first);
            try
            {
                Parallel.For(0, chunks, i => batch[i] = Compress(pages, first + i));
            }
            catch (AggregateException e) when (e.InnerException is SnapshotException cause)
            {
                throw new SnapshotException(cause.Message, e);
            }

            for (var i = 0; i < chunks; i++)
            {
                to.Write(batch[i]);
                var from = (first + i) * PageChunk.MostPages;
                add(from, Math.Min(PageChunk.MostPages, pages.Count - from), PieceOf(batch[i]));
            }
        }
    }

    private static byte[] Compress(List<SnapshotPage> pages, int chunk)
    {
        var first = chunk * PageChunk.MostPages;
        var bytes = new byte[Math.Min(PageChunk.MostPages, pages.Count - first) * PhysicalMemory.PageSize];
        for (var at = 0; at < bytes.Length; at += PhysicalMemory.PageSize)
            pages[first + (at / PhysicalMemory.PageSize)].CopyTo(bytes.AsSpan(at, PhysicalMemory.PageSize));
        return PageChunk.Compress(bytes);
    }

    private static SnapshotDirectory.Piece PieceOf(byte[] bytes) => new() { Length = bytes.Length, Digest = SHA256.HashData(bytes) };
}
