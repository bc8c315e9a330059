using Emu.Cpu.Snapshots;

namespace Emu.Xen.Backends.Block;

/// <summary>What is on a virtual disk. Sectors have 512 bytes; callers keep within <see cref="SectorCount"/>.</summary>
/// <remarks>
/// Its state is what the guest has written where that is kept in memory. Of an image that is kept on the host, it is a digest: one with other
/// contents refuses to be restored.
/// </remarks>
public interface IBlockImage : IDisposable, IStateful
{
    /// <summary>Bytes in a sector, the unit of block rings whatever the disk's own may be.</summary>
    const int SectorLength = 512;

    /// <summary>The disk's length, in sectors; it stays the same.</summary>
    ulong SectorCount { get; }

    /// <summary>Whether it cannot be written.</summary>
    bool IsReadOnly { get; }

    /// <summary>Reads sectors.</summary>
    /// <param name="sector">The first.</param>
    /// <param name="destination">Takes them: a multiple of 512 bytes.</param>
    /// <exception cref="IOException">The host cannot.</exception>
    void Read(ulong sector, Span<byte> destination);

    /// <summary>Writes sectors. They are kept even if the emulator is killed, but perhaps not if the host crashes.</summary>
    /// <param name="sector">The first.</param>
    /// <param name="source">They: a multiple of 512 bytes.</param>
    /// <exception cref="IOException">The host cannot.</exception>
    void Write(ulong sector, ReadOnlySpan<byte> source);

    /// <summary>Lets what was written survive a crash of the host, too.</summary>
    /// <exception cref="IOException">The host cannot.</exception>
    void Flush();

    /// <summary>Transfers what is in the image itself, but nothing that is kept in memory over it.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    void TransferImage(StateStream stream);
}
