using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>Keeps the pages of a machine's memory, and brings them back: each time only those that differ.</summary>
internal sealed unsafe class PageKeeper
{
    private readonly PhysicalMemory _memory;

    // What the pages hold that have not been written since (PhysicalMemory.NextWritten).
    private PageTable _last;

    /// <summary>Watches over memory.</summary>
    /// <param name="memory">It, as it was made.</param>
    public PageKeeper(PhysicalMemory memory)
    {
        _memory = memory;
        _last = PageTable.Zeros(memory.PageCount);
    }

    /// <summary>Keeps all pages as they are.</summary>
    /// <returns>The pages.</returns>
    public PageTable Keep()
    {
        var changed = _last.Change();
        for (var frame = _memory.NextWritten(0); frame >= 0; frame = _memory.NextWritten(frame + 1))
        {
            var bytes = _memory.Frame(frame);
            if (!bytes.ContainsAnyExcept((byte)0))
                changed.Set(frame, null);
            else if (_last[frame]?.IsKnownToEqual(bytes) != true)
                changed.Set(frame, new MemoryPage(bytes));
        }

        _last = changed.Build();
        _memory.KeepAll();
        return _last;
    }

    /// <summary>Brings all pages back. Code translated from those that change is forgotten, other code is not.</summary>
    /// <param name="pages">What is to be in them.</param>
    /// <exception cref="SnapshotException">They are of another machine, or lie in a file that cannot be used.</exception>
    public void Restore(PageTable pages)
    {
        if (pages.Count != _memory.PageCount)
            throw new SnapshotException("The snapshot is of a machine with more memory or less.");
        Dictionary<PageChunk, List<(int Frame, int Index)>> chunks = [];
        for (var frame = _memory.NextWritten(0); frame >= 0; frame = _memory.NextWritten(frame + 1))
            Restore(frame, pages[frame], chunks);
        foreach (var (frame, page) in pages.DifferentFrom(_last))
            Restore(frame, page, chunks);
        Fill(chunks);
        _last = pages;
        _memory.KeepAll();
    }

    private void Restore(int frame, SnapshotPage? page, Dictionary<PageChunk, List<(int Frame, int Index)>> chunks)
    {
        var present = _memory.Frame(frame);
        if (page is null)
        {
            if (present.ContainsAnyExcept((byte)0))
                _memory.WritableFrame(frame, 0, PhysicalMemory.PageSize).Clear();
        }
        else if (page is FilePage part)
        {
            // The page is ready to be written from here on; who writes it need not be on this thread.
            _ = _memory.WritableFrame(frame, 0, PhysicalMemory.PageSize);
            if (!chunks.TryGetValue(part.Chunk, out var frames))
                chunks.Add(part.Chunk, frames = new List<(int, int)>(part.Chunk.Pages));
            frames.Add((frame, part.Index));
        }
        else if (!page.IsKnownToEqual(present))
        {
            page.CopyTo(_memory.WritableFrame(frame, 0, PhysicalMemory.PageSize));
        }
    }

    // Decompression takes most of the time, and one piece knows nothing of another.
    private void Fill(Dictionary<PageChunk, List<(int Frame, int Index)>> chunks)
    {
        try
        {
            // Each thread has room of its own: a fresh page of the host's costs as much as the decompression of half of one.
            Parallel.ForEach(
                chunks,
                static () => (Compressed: Array.Empty<byte>(), Plain: GC.AllocateUninitializedArray<byte>(PageChunk.MostPages * PhysicalMemory.PageSize)),
                (chunk, _, room) =>
                {
                    chunk.Key.DecompressInto(ref room.Compressed, room.Plain);
                    foreach (var (frame, index) in chunk.Value)
                        PageChunk.PageOf(room.Plain, index).CopyTo(new Span<byte>(_memory.Host + ((nuint)frame * PhysicalMemory.PageSize), PhysicalMemory.PageSize));
                    return room;
                },
                static _ => { });
        }
        catch (AggregateException e) when (e.InnerException is SnapshotException cause)
        {
            throw new SnapshotException(cause.Message, e);
        }
    }
}
