using System.Globalization;
using Emu.Cpu.Snapshots;

namespace Emu.Xen.Backends.Block;

/// <summary>A disk whose image stays as it is: what the guest writes is kept in memory, and forgotten at the end.</summary>
/// <remarks>It takes no more memory than the guest writes, in pieces of 4 KiB, and never more than it may hold.</remarks>
public sealed class SnapshotImage : IBlockImage
{
    /// <summary>Bytes that are held unless the maker says otherwise: 4 GiB.</summary>
    public const ulong StandardCapacity = 4UL << 30;

    /// <summary>Bytes of what is written that a machine's snapshot takes: 1 GiB.</summary>
    public const int LargestSaved = 1 << 30;

    private const int PieceSectors = 8;
    private const int PieceLength = PieceSectors * IBlockImage.SectorLength;

    private readonly IBlockImage _base;
    private readonly ulong _capacity;
    private readonly Dictionary<ulong, byte[]> _pieces = [];

    /// <summary>Makes a disk over an image.</summary>
    /// <param name="image">The image; it is disposed of with this.</param>
    /// <param name="capacity">How many bytes of what is written it may hold; beyond that only what is held already can be written anew.</param>
    public SnapshotImage(IBlockImage image, ulong capacity = StandardCapacity)
    {
        ArgumentNullException.ThrowIfNull(image);
        _base = image;
        _capacity = capacity;
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
    /// <exception cref="IOException">It may not hold so much; nothing was written then.</exception>
    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        MakeSureOfRoom(sector, source.Length);
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

    /// <summary>Transfers what the guest has written, and what the image transfers.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    /// <exception cref="SnapshotException">The guest has written more than <see cref="LargestSaved"/>.</exception>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _base.Transfer(stream);
        if (!stream.TrySection("disk overlay"))
        {
            // The other machine wrote to the image itself, which holds what it held then.
            _pieces.Clear();
            return;
        }

        if (!stream.IsRestoring && (long)_pieces.Count * PieceLength > LargestSaved)
        {
            throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture,
                $"A snapshot takes {LargestSaved >> 20} MiB at most of what the guest has written to a disk that is kept in memory; it has written {((long)_pieces.Count * PieceLength) >> 20} MiB."));
        }

        List<ulong> indices = [.. _pieces.Keys.Order()];
        stream.Transfer(indices, int.MaxValue, index => stream.Transferred(index));
        if (stream.IsRestoring)
            _pieces.Clear();
        foreach (var index in indices)
        {
            if (stream.IsRestoring)
                stream.Require(index <= (SectorCount - 1) / PieceSectors && _pieces.TryAdd(index, new byte[PieceLength]), "what was written is nowhere");

            stream.Transfer(_pieces[index].AsSpan());
        }
    }

    // An image's length is no bound: a sparse file can be longer than the host's memory.
    private void MakeSureOfRoom(ulong sector, int length)
    {
        if (length == 0)
            return;
        var last = (sector + (ulong)(length / IBlockImage.SectorLength) - 1) / PieceSectors;
        var held = (ulong)_pieces.Count;
        for (var index = sector / PieceSectors; index <= last; index++)
            held += _pieces.ContainsKey(index) ? 0U : 1;
        if (held > (ulong)_pieces.Count && held * PieceLength > _capacity)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"more than {_capacity} bytes of what is written are not kept in memory"));
    }

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
