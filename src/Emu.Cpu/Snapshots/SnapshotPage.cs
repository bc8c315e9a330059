namespace Emu.Cpu.Snapshots;

/// <summary>4096 bytes as one or more snapshots have them. Immutable: who has the page may share it.</summary>
public abstract class SnapshotPage
{
    /// <summary>Bytes of a page.</summary>
    public const int Length = 4096;

    /// <summary>Copies it.</summary>
    /// <param name="to">4096 bytes.</param>
    /// <exception cref="SnapshotException">It lies in a file that cannot be used any more.</exception>
    public abstract void CopyTo(Span<byte> to);

    /// <summary>Whether it is known, without much ado, to be the same.</summary>
    /// <param name="bytes">4096 bytes.</param>
    /// <returns>False where they differ, and where finding out would be more work than keeping them twice.</returns>
    public abstract bool IsKnownToEqual(ReadOnlySpan<byte> bytes);
}

/// <summary>A page in the host's memory.</summary>
public sealed class MemoryPage : SnapshotPage
{
    private readonly byte[] _bytes;

    /// <summary>Copies a page.</summary>
    /// <param name="bytes">It: 4096 bytes.</param>
    public MemoryPage(ReadOnlySpan<byte> bytes)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(bytes.Length);
        bytes.CopyTo(_bytes);
    }

    private MemoryPage(byte[] bytes) => _bytes = bytes;

    /// <summary>What it holds; not to be written.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Makes a page of bytes that nobody writes any more.</summary>
    /// <param name="bytes">They: 4096 bytes.</param>
    /// <returns>A page that holds them, not a copy.</returns>
    public static MemoryPage Of(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, Length, nameof(bytes));
        return new MemoryPage(bytes);
    }

    /// <inheritdoc/>
    public override void CopyTo(Span<byte> to) => _bytes.CopyTo(to);

    /// <inheritdoc/>
    public override bool IsKnownToEqual(ReadOnlySpan<byte> bytes) => bytes.SequenceEqual(_bytes);
}
