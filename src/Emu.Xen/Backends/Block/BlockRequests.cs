using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Xen.Grants;

namespace Emu.Xen.Backends.Block;

/// <summary>Does what requests ask for, between granted pages and an image.</summary>
internal sealed class BlockRequests : IStateful
{
    /// <summary>Segments of an indirect request at most: as many as Linux's blkback takes.</summary>
    public const int MaximumIndirectSegments = 256;

    /// <summary>Grants kept mapped at most (Linux: max_persistent_grants); further ones are mapped for each request.</summary>
    private const int MaximumPersistentGrants = 1056;

    private readonly GrantTable _grants;
    private readonly IBlockImage _image;
    private readonly bool _isReadOnly;
    private readonly Action<string> _report;
    private readonly BlockSegment[] _segments = new BlockSegment[MaximumIndirectSegments];
    private readonly GrantMapping[] _mappings = new GrantMapping[MaximumIndirectSegments];
    private readonly byte[] _segmentBytes = new byte[MaximumIndirectSegments * BlockSegment.Length];
    private readonly byte[] _buffer = new byte[MaximumIndirectSegments * PhysicalMemory.PageSize];

    // What a front end with persistent grants uses again and again.
    private readonly Dictionary<uint, GrantMapping> _kept = [];
    private uint _mostKept;
    private string? _lastTrouble;

    public BlockRequests(GrantTable grants, IBlockImage image, bool isReadOnly, Action<string> report)
    {
        _grants = grants;
        _image = image;
        _isReadOnly = isReadOnly;
        _report = report;
    }

    /// <summary>A front end has connected.</summary>
    /// <param name="ringLength">Entries of its ring.</param>
    /// <param name="isPersistent">Whether it will use the same grants again, and lets them be written whatever they are used for.</param>
    public void Begin(uint ringLength, bool isPersistent) =>
        _mostKept = isPersistent ? Math.Min(ringLength * BlockRequest.MaximumDirectSegments, MaximumPersistentGrants) : 0;

    /// <summary>The front end has gone.</summary>
    public void End()
    {
        foreach (var mapping in _kept.Values)
            _grants.Unmap(mapping);
        _kept.Clear();
        _mostKept = 0;
        if (!_isReadOnly)
            TryUseImage(static (image, _, _) => image.Flush(), 0, 0);
    }

    /// <summary>Does what a request asks for.</summary>
    /// <param name="request">The request.</param>
    /// <param name="operation">What it asks for, as the response says.</param>
    /// <returns>What became of it.</returns>
    public short Execute(in BlockRequest request, out byte operation)
    {
        var isIndirect = request.Operation == BlockOperation.Indirect;
        operation = isIndirect ? request.IndirectOperation : request.Operation;
        if (isIndirect && operation is not (BlockOperation.Read or BlockOperation.Write))
            return BlockStatus.Error;
        var isFlush = operation is BlockOperation.FlushDiskCache or BlockOperation.WriteBarrier;
        if (!isFlush && operation is not (BlockOperation.Read or BlockOperation.Write))
            return BlockStatus.NotSupported;
        if (_isReadOnly && operation != BlockOperation.Read)
            return BlockStatus.Error;
        if (!TryParseSegments(request, isIndirect, out var count, out var length) || (count == 0 && !isFlush))
            return BlockStatus.Error;
        if (count != 0 && !IsInDisk(request.Sector, (ulong)length / IBlockImage.SectorLength))
            return BlockStatus.Error;
        if (isFlush && !TryUseImage(static (image, _, _) => image.Flush(), 0, 0))
            return BlockStatus.Error;
        if (count != 0 && !TryTransfer(operation == BlockOperation.Read, request.Sector, count, length))
            return BlockStatus.Error;
        // What comes after a barrier must not be kept where the barrier's own sectors are lost.
        var isLate = operation == BlockOperation.WriteBarrier && count != 0;
        return isLate && !TryUseImage(static (image, _, _) => image.Flush(), 0, 0) ? BlockStatus.Error : BlockStatus.Okay;
    }

    /// <summary>Transfers the grants that are kept: between two requests there is nothing else.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _mostKept);
        stream.Require(_mostKept <= MaximumPersistentGrants, "it keeps too many grants");
        List<GrantMapping> kept = [.. _kept.Values];
        _grants.Transfer(stream, kept, MaximumPersistentGrants);
        if (!stream.IsRestoring)
            return;
        // In their order, which is that of their end.
        _kept.Clear();
        foreach (var mapping in kept)
            stream.Require(_kept.TryAdd(mapping.Reference, mapping), "it keeps a grant twice");
    }

    private bool TryParseSegments(in BlockRequest request, bool isIndirect, out int count, out int length)
    {
        count = isIndirect ? request.IndirectSegmentCount : request.DirectSegmentCount;
        length = 0;
        if (count > (isIndirect ? MaximumIndirectSegments : BlockRequest.MaximumDirectSegments))
            return false;
        var bytes = request.DirectSegments;
        if (isIndirect)
        {
            var page = _segmentBytes.AsSpan(0, count * BlockSegment.Length);
            if (_grants.CopyFrom(request.FirstIndirectReference, 0, page) != GrantStatus.Okay)
                return false;
            bytes = page;
        }

        for (var i = 0; i < count; i++)
        {
            var segment = _segments[i] = BlockSegment.Parse(bytes.Slice(i * BlockSegment.Length, BlockSegment.Length));
            if (!segment.IsValid)
                return false;
            length += segment.ByteCount;
        }

        return true;
    }

    private bool IsInDisk(ulong sector, ulong count) => sector <= _image.SectorCount && count <= _image.SectorCount - sector;

    private bool TryTransfer(bool isRead, ulong sector, int count, int length)
    {
        var mapped = 0;
        while (mapped < count && TryMap(_segments[mapped].Reference, isRead, out _mappings[mapped]))
            mapped++;
        var done = mapped == count && (isRead ? TryRead(sector, count, length) : TryWrite(sector, count, length));
        for (var i = 0; i < mapped; i++)
        {
            if (!_kept.TryGetValue(_mappings[i].Reference, out var kept) || kept != _mappings[i])
                _grants.Unmap(_mappings[i]);
        }

        return done;
    }

    private bool TryRead(ulong sector, int count, int length)
    {
        if (!TryUseImage((image, sector, length) => image.Read(sector, _buffer.AsSpan(0, length)), sector, length))
            return false;
        ReadOnlySpan<byte> rest = _buffer.AsSpan(0, length);
        for (var i = 0; i < count; i++)
        {
            var segment = _segments[i];
            rest[..segment.ByteCount].CopyTo(_mappings[i].Page.Writable(segment.Offset, segment.ByteCount));
            rest = rest[segment.ByteCount..];
        }

        return true;
    }

    private bool TryWrite(ulong sector, int count, int length)
    {
        var rest = _buffer.AsSpan(0, length);
        for (var i = 0; i < count; i++)
        {
            var segment = _segments[i];
            _mappings[i].Page.Bytes.Slice(segment.Offset, segment.ByteCount).CopyTo(rest);
            rest = rest[segment.ByteCount..];
        }

        return TryUseImage((image, sector, length) => image.Write(sector, _buffer.AsSpan(0, length)), sector, length);
    }

    private bool TryMap(uint reference, bool isWrite, out GrantMapping mapping)
    {
        if (_kept.TryGetValue(reference, out mapping!))
            return true;
        // With persistent grants the next request may need to write to it.
        var isKept = _kept.Count < _mostKept;
        if (!_grants.TryMap(reference, isWrite || isKept, out mapping!))
            return false;
        if (isKept)
            _kept.Add(reference, mapping);
        return true;
    }

    private bool TryUseImage(Action<IBlockImage, ulong, int> use, ulong sector, int length)
    {
        try
        {
            use(_image, sector, length);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A disk that is full is so at every request.
            if (_lastTrouble != error.Message)
                _report($"the host's disk image fails: {error.Message}");
            _lastTrouble = error.Message;
            return false;
        }
    }
}
