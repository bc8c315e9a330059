namespace Emu.Machine.Snapshots;

/// <summary>The contents of a page that is not all zeros, as one or more snapshots have it. Immutable.</summary>
internal abstract class SnapshotPage
{
    /// <summary>Copies it.</summary>
    /// <param name="to">4096 bytes.</param>
    /// <exception cref="Emu.Cpu.Snapshots.SnapshotException">It lies in a file that cannot be used any more.</exception>
    public abstract void CopyTo(Span<byte> to);

    /// <summary>Whether it is known, without much ado, to be the same.</summary>
    /// <param name="bytes">4096 bytes.</param>
    /// <returns>False where they differ, and where finding out would be more work than keeping them twice.</returns>
    public abstract bool IsKnownToEqual(ReadOnlySpan<byte> bytes);
}

/// <summary>A page in the host's memory.</summary>
internal sealed class MemoryPage : SnapshotPage
{
    private readonly byte[] _bytes;

    /// <summary>Copies a page.</summary>
    /// <param name="bytes">It.</param>
    public MemoryPage(ReadOnlySpan<byte> bytes)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(bytes.Length);
        bytes.CopyTo(_bytes);
    }

    /// <inheritdoc/>
    public override void CopyTo(Span<byte> to) => _bytes.CopyTo(to);

    /// <inheritdoc/>
    public override bool IsKnownToEqual(ReadOnlySpan<byte> bytes) => bytes.SequenceEqual(_bytes);
}

/// <summary>A page in a snapshot's file.</summary>
/// <param name="chunk">What it is compressed together with.</param>
/// <param name="index">Which page of that it is.</param>
internal sealed class FilePage(PageChunk chunk, int index) : SnapshotPage
{
    /// <summary>What it is compressed together with.</summary>
    public PageChunk Chunk => chunk;

    /// <summary>Which page of <see cref="Chunk"/> it is.</summary>
    public int Index => index;

    /// <inheritdoc/>
    public override void CopyTo(Span<byte> to) => PageChunk.PageOf(chunk.Decompress(), index).CopyTo(to);

    /// <inheritdoc/>
    public override bool IsKnownToEqual(ReadOnlySpan<byte> bytes) => false;
}
