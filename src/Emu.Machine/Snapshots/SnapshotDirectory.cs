using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>What a snapshot's file says about itself: what it is of, where its pieces lie, and what they hash to.</summary>
internal sealed class SnapshotDirectory : IStateful
{
    /// <summary>Bytes of SHA-256.</summary>
    public const int DigestLength = 32;

    private const int LongestName = 4096;
    private const int LongestDescription = 16 << 20;

    // 64 GiB, a ROM and spare pages.
    private const int MostFrames = 1 << 25;

    // No byte of RFC 1951 becomes more: so nothing is allocated for which there are no bytes in the file.
    private const long LargestRatio = 1032;

    private string _program = "";
    private byte[] _description = [];
    private byte[] _parent = [];
    private string _parentName = "";
    private ulong _instructionsRetired;
    private ulong _virtualTime;
    private int _frameCount;
    private int _stateLength;
    private Piece _state = new();

    /// <summary>The program that wrote it.</summary>
    public string Program { get => _program; init => _program = value; }

    /// <summary>What the host's program wants to know of the machine.</summary>
    public byte[] Description { get => _description; init => _description = value; }

    /// <summary>The identity of the file that has the pages which are not here; empty where all are.</summary>
    public byte[] Parent { get => _parent; init => _parent = value; }

    /// <summary>Its name, from this file's folder.</summary>
    public string ParentName { get => _parentName; init => _parentName = value; }

    /// <summary>Instructions retired.</summary>
    public ulong InstructionsRetired { get => _instructionsRetired; init => _instructionsRetired = value; }

    /// <summary>Virtual time, in nanoseconds.</summary>
    public ulong VirtualTime { get => _virtualTime; init => _virtualTime = value; }

    /// <summary>How many pages the machine has.</summary>
    public int FrameCount { get => _frameCount; init => _frameCount = value; }

    /// <summary>Bytes of everything but the pages.</summary>
    public int StateLength { get => _stateLength; init => _stateLength = value; }

    /// <summary>Where that is: the first piece.</summary>
    public Piece State { get => _state; init => _state = value; }

    /// <summary>Pages that are all zeros, and are not in the file named by <see cref="Parent"/>; ascending.</summary>
    public List<int> Zeros { get; } = [];

    /// <summary>The pages, in pieces that follow each other in the file.</summary>
    public List<ChunkEntry> Chunks { get; } = [];

    /// <summary>The pages of the state, in their order: how many from which one on of the file before, or of <see cref="StateChunks"/>.</summary>
    public List<PageRun> StatePages { get; } = [];

    /// <summary>The pages of the state that the file before has not, in pieces behind <see cref="Chunks"/>.</summary>
    public List<StateChunkEntry> StateChunks { get; } = [];

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Section("directory");
        stream.Transfer(ref _program, LongestName);
        stream.Transfer(ref _description, LongestDescription);
        stream.Transfer(ref _parent, DigestLength);
        stream.Require(_parent.Length is 0 or DigestLength, "the snapshot before it has no name");
        stream.Transfer(ref _parentName, LongestName);
        stream.Transfer(ref _instructionsRetired);
        stream.Transfer(ref _virtualTime);
        stream.Transfer(ref _frameCount);
        stream.Require(_frameCount is >= 0 and <= MostFrames, "no machine has so many pages");
        stream.Transfer(ref _stateLength);
        _state.Transfer(stream, _stateLength);
        TransferFrames(stream, Zeros, MostFrames);
        stream.Require(Zeros.Count == 0 || Parent.Length != 0, "pages are zeros in place of nothing");
        stream.Transfer(Chunks, MostFrames, chunk =>
        {
            chunk ??= new ChunkEntry();
            TransferFrames(stream, chunk.Frames, PageChunk.MostPages);
            stream.Require(chunk.Frames.Count != 0, "a piece holds no page");
            chunk.Piece.Transfer(stream, chunk.Frames.Count * Emu.Cpu.Memory.PhysicalMemory.PageSize);
            return chunk;
        });
        stream.Transfer(StateChunks, MostFrames, chunk =>
        {
            chunk ??= new StateChunkEntry();
            chunk.Count = stream.Transferred(chunk.Count);
            stream.Require(chunk.Count is > 0 and <= PageChunk.MostPages, "a piece holds no page");
            chunk.Piece.Transfer(stream, chunk.Count * SnapshotPage.Length);
            return chunk;
        });
        TransferStatePages(stream);
    }

    private void TransferStatePages(StateStream stream)
    {
        stream.Transfer(
            StatePages, MostFrames, run => new PageRun(stream.Transferred(run.IsFromParent), stream.Transferred(run.First), stream.Transferred(run.Count)));
        if (!stream.IsRestoring)
            return;
        // Each page of either is there once at most: so what they become is not longer than they are.
        int next = 0, nextOfParent = 0;
        foreach (var run in StatePages)
        {
            ref var expected = ref run.IsFromParent ? ref nextOfParent : ref next;
            stream.Require(run.First >= expected && run.Count > 0 && run.Count <= MostFrames - run.First, "the pages of the state are in no order");
            stream.Require(!run.IsFromParent || Parent.Length != 0, "pages of the state are those of nothing");
            expected = run.First + run.Count;
        }

        stream.Require(next <= StateChunks.Sum(static chunk => (long)chunk.Count), "pages of the state are nowhere");
    }

    // Pages that follow each other are one entry.
    private void TransferFrames(StateStream stream, List<int> frames, int most)
    {
        var runs = stream.IsRestoring ? [] : Runs(frames);
        stream.Transfer(runs, most, run => (stream.Transferred(run.First), stream.Transferred(run.Count)));
        if (!stream.IsRestoring)
            return;
        var next = 0;
        foreach (var (first, count) in runs)
        {
            stream.Require(first >= next && count > 0 && count <= _frameCount - first && count <= most - frames.Count, "its pages are in no order");
            for (next = first; next < first + count; next++)
                frames.Add(next);
        }
    }

    private static List<(int First, int Count)> Runs(List<int> frames)
    {
        List<(int First, int Count)> runs = [];
        foreach (var frame in frames)
        {
            if (runs.Count != 0 && runs[^1] is var (first, count) && first + count == frame)
                runs[^1] = (first, count + 1);
            else
                runs.Add((frame, 1));
        }

        return runs;
    }

    /// <summary>Pages of the state that follow each other where they are.</summary>
    /// <param name="IsFromParent">Whether they are among those of the file before.</param>
    /// <param name="First">The first.</param>
    /// <param name="Count">How many there are.</param>
    internal readonly record struct PageRun(bool IsFromParent, int First, int Count);

    /// <summary>A piece that holds pages of the state.</summary>
    internal sealed class StateChunkEntry
    {
        /// <summary>How many.</summary>
        public int Count { get; set; }

        /// <summary>Where they are.</summary>
        public Piece Piece { get; init; } = new();
    }

    /// <summary>A piece of the file.</summary>
    internal sealed class Piece
    {
        private int _length;
        private byte[] _digest = new byte[DigestLength];

        /// <summary>Its bytes in the file.</summary>
        public int Length { get => _length; init => _length = value; }

        /// <summary>Their SHA-256.</summary>
        public byte[] Digest { get => _digest; init => _digest = value; }

        /// <summary>Transfers it.</summary>
        /// <param name="stream">The directory.</param>
        /// <param name="plainLength">How many bytes it becomes.</param>
        public void Transfer(StateStream stream, int plainLength)
        {
            stream.Transfer(ref _length);
            stream.Require(_length > 0 && plainLength >= 0 && plainLength <= _length * LargestRatio, "a piece has a length that it cannot have");
            stream.Transfer(_digest.AsSpan());
        }
    }

    /// <summary>A piece that holds pages.</summary>
    internal sealed class ChunkEntry
    {
        /// <summary>Which, ascending.</summary>
        public List<int> Frames { get; init; } = [];

        /// <summary>Where they are.</summary>
        public Piece Piece { get; init; } = new();
    }
}
