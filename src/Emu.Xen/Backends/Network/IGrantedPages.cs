using Emu.Xen.Domains;

namespace Emu.Xen.Backends.Network;

/// <summary>The pages that a domain has granted to the control domain, for a back end.</summary>
/// <remarks>References are the guest's: any number may come. What is not granted is refused, and nothing else happens.</remarks>
public interface IGrantedPages
{
    /// <summary>Maps a whole page, to read and write, until <see cref="Unmap"/>; it stays what it is whatever the domain does with it meanwhile.</summary>
    /// <param name="reference">The grant.</param>
    /// <param name="page">The page.</param>
    /// <returns>False where it is not granted so.</returns>
    bool TryMap(uint reference, out MappedBytes page);

    /// <summary>Gives a mapped page back.</summary>
    /// <param name="reference">The grant.</param>
    void Unmap(uint reference);

    /// <summary>Copies out of a page.</summary>
    /// <param name="reference">The grant.</param>
    /// <param name="offset">Where in the page, 0–4095; with the length at most 4096.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <returns>False where it is not granted so.</returns>
    bool TryRead(uint reference, int offset, Span<byte> destination);

    /// <summary>Copies into a page.</summary>
    /// <param name="reference">The grant.</param>
    /// <param name="offset">Where in the page, 0–4095; with the length at most 4096.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>False where it is not granted so.</returns>
    bool TryWrite(uint reference, int offset, ReadOnlySpan<byte> source);
}
