using System.Security.Cryptography;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Xen.Disks;

/// <summary>SHA-256 of what is on a disk, brought up to date for the price of what was written since the last time.</summary>
/// <remarks>It is that of the digests of all pieces of 1 MiB, one after the other; the last piece may be shorter.</remarks>
/// <param name="image">The disk.</param>
internal sealed class ImageDigest(IBlockImage image)
{
    private const int PieceSectors = (1 << 20) / IBlockImage.SectorLength;

    private const int PieceLength = PieceSectors * IBlockImage.SectorLength;

    private static readonly byte[] EmptyPiece = SHA256.HashData(new byte[PieceLength]);

    private readonly bool[] _isKnown = new bool[(image.SectorCount + PieceSectors - 1) / PieceSectors];
    private byte[] _pieces = [];

    /// <summary>Something is about to be written.</summary>
    /// <param name="sector">The first sector.</param>
    /// <param name="length">Bytes: a multiple of 512.</param>
    public void Forget(ulong sector, int length)
    {
        // Nobody has asked yet, so nothing is known.
        if (length == 0 || _pieces.Length == 0)
            return;
        var last = (sector + ((ulong)length / IBlockImage.SectorLength) - 1) / PieceSectors;
        for (var piece = sector / PieceSectors; piece <= last; piece++)
            _isKnown[piece] = false;
    }

    /// <summary>The digest of what is on the disk now.</summary>
    /// <returns>32 bytes.</returns>
    /// <exception cref="IOException">The host cannot read it.</exception>
    public byte[] Compute()
    {
        if (_pieces.Length == 0)
            _pieces = new byte[_isKnown.Length * SHA256.HashSizeInBytes];
        var buffer = Array.Empty<byte>();
        for (var piece = 0; piece < _isKnown.Length; piece++)
        {
            if (_isKnown[piece])
                continue;
            if (buffer.Length == 0)
                buffer = new byte[PieceLength];
            var first = (ulong)piece * PieceSectors;
            var sectors = buffer.AsSpan(0, (int)Math.Min(PieceSectors, image.SectorCount - first) * IBlockImage.SectorLength);
            image.Read(first, sectors);
            var digest = _pieces.AsSpan(piece * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
            // Most of most disks is empty.
            if (sectors.Length == PieceLength && !sectors.ContainsAnyExcept((byte)0))
                EmptyPiece.CopyTo(digest);
            else
                SHA256.HashData(sectors, digest);
            _isKnown[piece] = true;
        }

        return SHA256.HashData(_pieces);
    }
}
