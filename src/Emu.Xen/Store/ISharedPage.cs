namespace Emu.Xen.Store;

/// <summary>
/// A page of 4096 bytes that xenstored shares with a domain. The domain may move it or take it away between any two of its
/// instructions, so nothing that this gives is kept.
/// </summary>
public interface ISharedPage
{
    /// <summary>Whether there is memory where the page is to be. The other members are asked only then.</summary>
    bool IsPresent { get; }

    /// <summary>All 4096 bytes.</summary>
    ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Bytes that are about to be written.</summary>
    /// <param name="offset">The first one's place in the page.</param>
    /// <param name="length">How many, up to the page's end.</param>
    /// <returns>The bytes.</returns>
    Span<byte> Writable(int offset, int length);
}
