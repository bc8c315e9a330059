using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

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
