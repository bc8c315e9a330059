namespace Emu.Machine.Snapshots;

/// <summary>The contents of a page that is not all zeros, as one or more snapshots have it. Immutable.</summary>
internal abstract class SnapshotPage
{
    /// <summary>Copies it.</summary>
    /// <param name="to">4096 bytes.</param>
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
