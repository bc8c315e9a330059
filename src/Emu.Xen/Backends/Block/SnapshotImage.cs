using System.Globalization;
using System.Runtime.InteropServices;
using Emu.Cpu.Snapshots;

namespace Emu.Xen.Backends.Block;

/// <summary>A disk whose image stays as it is: what the guest writes is kept in memory, and forgotten at the end.</summary>
/// <remarks>
/// It takes no more memory than the guest writes, in pieces of 4 KiB, and never more than it may hold. A snapshot shares the pieces, each until it is
/// written next.
/// </remarks>
public sealed class SnapshotImage : IBlockImage
{
    /// <summary>Bytes that are held unless the maker says otherwise: 4 GiB.</summary>
    public const ulong StandardCapacity = 4UL << 30;

    private const int PieceSectors = 8;
    private const int PieceLength = SnapshotPage.Length;

    private readonly IBlockImage _base;
    private readonly ulong _capacity;
    private readonly Dictionary<ulong, Piece> _pieces = [];

    private ulong PieceCount => (SectorCount + PieceSectors - 1) / PieceSectors;

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
                piece.Bytes.AsSpan(offset, length).CopyTo(destination);
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

    /// <summary>Transfers what is in the image, and what the guest has written over it.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _base.TransferImage(stream);
        ulong[] indices = [.. _pieces.Keys.Order()];
        var runs = TransferRuns(stream, Runs(indices));
        if (!stream.IsRestoring)
        {
            foreach (var index in indices)
                stream.Transfer(_pieces[index].Keep());
            return;
        }

        Dictionary<ulong, Piece> before = new(_pieces);
        _pieces.Clear();
        ulong next = 0;
        foreach (var (first, count) in runs)
        {
            stream.Require(first >= next && count > 0 && first < PieceCount && count <= PieceCount - first, "what was written is nowhere");
            for (next = first; next < first + count; next++)
            {
                stream.Require((ulong)_pieces.Count < _capacity / PieceLength, "more was written than is held");
                var page = stream.Transfer((SnapshotPage?)null);
                _pieces.Add(next, before.TryGetValue(next, out var piece) && piece.Kept == page ? piece : new Piece(page));
            }
        }
    }

    /// <inheritdoc/>
    public void TransferImage(StateStream stream) => _base.TransferImage(stream);

    /// <summary>Transfers nothing, for a disk whose image takes what is written: what follows <see cref="TransferImage"/> then.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    /// <param name="name">The image, for the refusal.</param>
    /// <exception cref="SnapshotException">The snapshot has something that was written.</exception>
    public static void TransferNone(StateStream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (TransferRuns(stream, []).Count != 0)
            throw new SnapshotException($"The snapshot has in it what was written to a disk, as one with ',snapshot' or a replay keeps it; here '{name}' takes what is written itself.");
    }

    private static List<(ulong First, ulong Count)> TransferRuns(StateStream stream, List<(ulong First, ulong Count)> runs)
    {
        stream.Section("disk overlay");
        stream.Transfer(runs, int.MaxValue, run => (stream.Transferred(run.First), stream.Transferred(run.Count)));
        return runs;
    }

    // Pieces that follow each other are one entry.
    private static List<(ulong First, ulong Count)> Runs(ReadOnlySpan<ulong> indices)
    {
        List<(ulong First, ulong Count)> runs = [];
        foreach (var index in indices)
        {
            if (runs.Count != 0 && runs[^1] is var (first, count) && first + count == index)
                runs[^1] = (first, count + 1);
            else
                runs.Add((index, 1));
        }

        return runs;
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
        if (_pieces.TryGetValue(index, out var known))
            return known.ToWrite();
        Piece piece = new();
        var first = index * PieceSectors;
        if (!isWritten)
            _base.Read(first, piece.Bytes.AsSpan(0, (int)Math.Min(PieceSectors, SectorCount - first) * IBlockImage.SectorLength));
        _pieces.Add(index, piece);
        return piece.Bytes;
    }

    /// <summary>4 KiB of what was written.</summary>
    private sealed class Piece
    {
        private byte[] _bytes;

        /// <summary>Zeros.</summary>
        public Piece() => _bytes = new byte[PieceLength];

        /// <summary>What a snapshot has.</summary>
        public Piece(SnapshotPage page)
        {
            Kept = page;
            if (page is MemoryPage { Bytes: var shared } && MemoryMarshal.TryGetArray(shared, out var array) && array.Count == PieceLength)
            {
                _bytes = array.Array!;
                return;
            }

            _bytes = new byte[PieceLength];
            page.CopyTo(_bytes);
        }

        /// <summary>What it holds; to be written only where nothing is <see cref="Kept"/>.</summary>
        public byte[] Bytes => _bytes;

        /// <summary>The page of snapshots that holds the same; null where it was written since.</summary>
        public SnapshotPage? Kept { get; private set; }

        /// <summary>Shares it with a snapshot.</summary>
        public SnapshotPage Keep() => Kept ??= MemoryPage.Of(_bytes);

        /// <summary>What is then written is no snapshot's any more.</summary>
        public byte[] ToWrite()
        {
            if (Kept is not null)
            {
                _bytes = [.. _bytes];
                Kept = null;
            }

            return _bytes;
        }
    }
}
