namespace Emu.Xen.Backends.Block;

/// <summary>A disk whose image stays as it is: what the guest writes is kept in memory, and forgotten at the end.</summary>
/// <remarks>It takes no more memory than the guest writes, in pieces of 4 KiB, and never more than the disk has.</remarks>
public sealed class SnapshotImage : IBlockImage
{
    private const int PieceSectors = 8;
    private const int PieceLength = PieceSectors * IBlockImage.SectorLength;

    private readonly IBlockImage _base;
    private readonly Dictionary<ulong, byte[]> _pieces = [];

    /// <summary>Makes a disk over an image.</summary>
    /// <param name="image">The image; it is disposed of with this.</param>
    public SnapshotImage(IBlockImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        _base = image;
    }

    /// <inheritdoc/>
    public ulong SectorCount => _base.SectorCount;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <inheritdoc/>
    public void Read(ulong sector, Span<byte> destination)
    {
        _base.Read(sector, destination);
        while (!destination.IsEmpty)
        {
            var offset = (int)(sector % PieceSectors) * IBlockImage.SectorLength;
            var length = Math.Min(destination.Length, PieceLength - offset);
            if (_pieces.TryGetValue(sector / PieceSectors, out var piece))
                piece.AsSpan(offset, length).CopyTo(destination);
            destination = destination[length..];
            sector += (ulong)(length / IBlockImage.SectorLength);
        }
    }

    /// <inheritdoc/>
    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var offset = (int)(sector % PieceSectors) * IBlockImage.SectorLength;
            var length = Math.Min(source.Length, PieceLength - offset);
            source[..length].CopyTo(PieceToWrite(sector / PieceSectors, length == PieceLength).AsSpan(offset));
            source = source[length..];
            sector += (ulong)(length / IBlockImage.SectorLength);
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void Dispose() => _base.Dispose();

    private byte[] PieceToWrite(ulong index, bool isWritten)
    {
        if (_pieces.TryGetValue(index, out var piece))
            return piece;
        piece = new byte[PieceLength];
        var first = index * PieceSectors;
        if (!isWritten)
            _base.Read(first, piece.AsSpan(0, (int)Math.Min(PieceSectors, SectorCount - first) * IBlockImage.SectorLength));
        _pieces.Add(index, piece);
        return piece;
    }
}
