using System.Buffers.Binary;
using Emu.Cpu.Memory;
using Emu.Xen.Domains;

namespace Emu.Xen.Grants;

/// <summary>A domain's grant table (xen/common/grant_table.c, xen/include/public/grant_table.h): what other domains may do with its pages.</summary>
/// <remarks>
/// <code>
/// version 1, 8 bytes     flags u16@0, domid u16@2, frame u32@4
/// version 2, 16 bytes    flags u16@0, domid u16@2, then
///   a page               frame u64@8
///   a part of a page     page_off u16@4, length u16@6, frame u64@8
///   transitive           trans_domid u16@4, gref u32@8
///   status, 2 bytes      in frames of its own: GTF_reading and GTF_writing, which are in the flags in version 1
/// </code>
/// The frames are pages of the hypervisor that the domain places in its physical memory. It can write them at any time.
/// </remarks>
public sealed partial class GrantTable
{
    /// <summary>Frames that the table may have (libxl's default for <c>max_grant_frames</c>).</summary>
    public const int MaximumFrames = 64;

    /// <summary>Entries that the toolstack fills (GNTTAB_NR_RESERVED_ENTRIES).</summary>
    public const int ReservedEntries = 8;

    /// <summary>Set in an index of XENMAPSPACE_grant_table that means a status frame (XENMAPIDX_grant_table_status).</summary>
    private const uint StatusIndex = 0x8000_0000;

    private const uint ConsoleEntry = 0, StoreEntry = 1;
    private const int EntryLength1 = 8, EntryLength2 = 16, StatusLength = 2;
    private const int FramesForStatusFrame = PhysicalMemory.PageSize / StatusLength / (PhysicalMemory.PageSize / EntryLength2);

    private readonly Domain _domain;
    private readonly List<XenPage> _frames = [];

    // A page that was a status frame once stays one: version 2 may come back.
    private readonly List<XenPage> _statusFrames = [];
    private ActiveGrant[] _active = [];

    internal GrantTable(Domain domain)
    {
        _domain = domain;
        Grow(1);
        Fill(ConsoleEntry, domain.Parameters[HvmParameters.ConsoleFrame]);
        Fill(StoreEntry, domain.Parameters[HvmParameters.StoreFrame]);
    }

    /// <summary>1 or 2.</summary>
    public int Version { get; private set; } = 1;

    /// <summary>Frames of entries, 1–<see cref="MaximumFrames"/>.</summary>
    public int FrameCount => _frames.Count;

    /// <summary>Frames of status words: none in version 1.</summary>
    public int StatusFrameCount { get; private set; }

    /// <summary>How many entries there are.</summary>
    public uint EntryCount => (uint)(_frames.Count * (PhysicalMemory.PageSize / EntryLength));

    private int EntryLength => Version == 1 ? EntryLength1 : EntryLength2;

    /// <summary>The mappings that the domain has made.</summary>
    internal GrantHandles Handles { get; } = new();

    /// <summary>Where the domain sees a frame.</summary>
    internal ulong? GfnOf(int frame) => _frames[frame].Gfn;

    /// <summary>Lets the table have more frames.</summary>
    /// <returns>False where it may not have so many; nothing has changed then.</returns>
    internal bool Grow(uint frames)
    {
        if (frames > MaximumFrames)
            return false;
        while (_frames.Count < (int)frames)
            _frames.Add(_domain.Memory.AllocatePage());
        if (_active.Length < _frames.Count * (PhysicalMemory.PageSize / EntryLength1))
            Array.Resize(ref _active, _frames.Count * (PhysicalMemory.PageSize / EntryLength1));
        if (Version > 1)
            AddStatusFrames();
        return true;
    }

    /// <summary>Places a frame in the domain's physical memory (XENMAPSPACE_grant_table), and lets the table grow for it.</summary>
    /// <returns>0; -EINVAL where there cannot be such a frame, or such a GFN.</returns>
    internal long PlaceFrame(uint index, ulong gfn)
    {
        if (Version > 1 && (index & StatusIndex) != 0)
        {
            index &= ~StatusIndex;
            if (index >= (uint)StatusFrameCount && (index >= MaximumFrames / FramesForStatusFrame || !Grow((index + 1) * FramesForStatusFrame)))
                return XenError.Invalid;
            return _domain.Memory.Place(_statusFrames[(int)index], gfn);
        }

        if (index >= (uint)_frames.Count && (index >= MaximumFrames || !Grow(index + 1)))
            return XenError.Invalid;
        return _domain.Memory.Place(_frames[(int)index], gfn);
    }

    /// <summary>Changes the layout. All entries but the reserved ones are lost.</summary>
    /// <returns>0; -EINVAL for a version that there is not, -EBUSY while an entry is in use, -ERANGE where a reserved one has no place in version 1.</returns>
    internal long SetVersion(uint version)
    {
        if (version is not (1 or 2))
            return XenError.Invalid;
        if (version == Version)
            return 0;
        for (var reference = ReservedEntries; reference < EntryCount; reference++)
        {
            if (_active[reference].IsPinned)
                return XenError.Busy;
        }

        Span<(uint Header, ulong Frame)> kept = stackalloc (uint, ulong)[ReservedEntries];
        for (uint reference = 0; reference < ReservedEntries; reference++)
        {
            if (!TryKeep(reference, out kept[(int)reference]))
                return XenError.Range;
        }

        if (version == 1)
            RemoveStatusFrames();
        foreach (var frame in _frames)
            Bytes(frame).Writable(0, PhysicalMemory.PageSize).Clear();
        Version = (int)version;
        if (version == 2)
            AddStatusFrames();
        for (uint reference = 0; reference < ReservedEntries; reference++)
            Restore(reference, kept[(int)reference].Header, kept[(int)reference].Frame);
        return 0;
    }

    /// <summary>Exchanges two entries that nobody uses.</summary>
    internal GrantStatus Swap(uint first, uint second)
    {
        if (first >= EntryCount || second >= EntryCount)
            return GrantStatus.BadReference;
        if (first == second)
            return GrantStatus.Okay;
        if (_active[first].IsPinned || _active[second].IsPinned)
            return GrantStatus.Again;
        Swap(Entry(first), Entry(second), EntryLength);
        if (Version > 1)
            Swap(StatusPlace(first), StatusPlace(second), StatusLength);
        return GrantStatus.Okay;
    }

    private static void Swap(MappedBytes first, MappedBytes second, int length)
    {
        Span<byte> kept = stackalloc byte[EntryLength2];
        kept = kept[..length];
        first.Bytes[..length].CopyTo(kept);
        second.Bytes[..length].CopyTo(first.Writable(0, length));
        kept.CopyTo(second.Writable(0, length));
    }

    private static GrantFlags FlagsOf(uint header) => (GrantFlags)header;

    private static ushort DomainOf(uint header) => (ushort)(header >> 16);

    private MappedBytes Bytes(XenPage page) => new(_domain.Host.Memory, page.Frame);

    private MappedBytes Entry(uint reference)
    {
        var offset = (int)reference * EntryLength;
        return Bytes(_frames[offset / PhysicalMemory.PageSize]).From(offset % PhysicalMemory.PageSize);
    }

    // The 16 bits in which Xen says how an entry is in use.
    private MappedBytes StatusPlace(uint reference)
    {
        if (Version == 1)
            return Entry(reference);
        var offset = (int)reference * StatusLength;
        return Bytes(_statusFrames[offset / PhysicalMemory.PageSize]).From(offset % PhysicalMemory.PageSize);
    }

    private void ChangeStatus(uint reference, GrantFlags set, GrantFlags clear)
    {
        var place = StatusPlace(reference).Writable(0, StatusLength);
        var value = (GrantFlags)BinaryPrimitives.ReadUInt16LittleEndian(place);
        BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)((value & ~clear) | set));
    }

    private void Fill(uint reference, ulong gfn) =>
        Restore(reference, (uint)GrantFlags.PermitAccess | ((uint)Domain.ControlDomain << 16), gfn);

    // A reserved entry as version 1 would have it; false where version 1 cannot.
    private bool TryKeep(uint reference, out (uint Header, ulong Frame) kept)
    {
        var entry = Entry(reference);
        var header = entry.ReadUInt32(0);
        if (Version == 1)
        {
            kept = (header, entry.ReadUInt32(4));
            return true;
        }

        var type = FlagsOf(header) & GrantFlags.TypeMask;
        var frame = entry.ReadUInt64(8);
        kept = type == GrantFlags.PermitAccess
            ? (header | BinaryPrimitives.ReadUInt16LittleEndian(StatusPlace(reference).Bytes), frame)
            : default;
        return type != GrantFlags.Transitive && (type != GrantFlags.PermitAccess || frame >> 32 == 0);
    }

    private void Restore(uint reference, uint header, ulong frame)
    {
        const GrantFlags inUse = GrantFlags.Reading | GrantFlags.Writing;
        var entry = Entry(reference);
        if (Version == 1)
        {
            entry.WriteUInt32(0, header);
            entry.WriteUInt32(4, (uint)frame);
            return;
        }

        entry.WriteUInt32(0, header & ~(uint)inUse);
        entry.WriteUInt64(8, frame);
        ChangeStatus(reference, FlagsOf(header) & inUse, (GrantFlags)ushort.MaxValue);
    }

    private void AddStatusFrames()
    {
        for (var count = StatusFramesOf(_frames.Count); StatusFrameCount < count; StatusFrameCount++)
        {
            if (StatusFrameCount == _statusFrames.Count)
                _statusFrames.Add(_domain.Memory.AllocatePage());
            Bytes(_statusFrames[StatusFrameCount]).Writable(0, PhysicalMemory.PageSize).Clear();
        }
    }

    private void RemoveStatusFrames()
    {
        for (; StatusFrameCount > 0; StatusFrameCount--)
        {
            if (_statusFrames[StatusFrameCount - 1].Gfn is { } gfn)
                _domain.Memory.Remove(gfn);
        }
    }
}
