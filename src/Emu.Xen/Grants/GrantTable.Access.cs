using System.Diagnostics.CodeAnalysis;
using Emu.Cpu.Memory;
using Emu.Xen.Domains;
using Emu.Xen.Tracing;

namespace Emu.Xen.Grants;

/// <content>The uses of entries: mapping, copying, and what the control domain's back ends call for both.</content>
public sealed partial class GrantTable
{
    /// <summary>Maps a granted page for a back end, as a mapping by the control domain.</summary>
    /// <param name="reference">The entry; anything.</param>
    /// <param name="isWrite">Whether the page is to be written; a read-only grant does not allow that.</param>
    /// <param name="mapping">The page; give it to <see cref="Unmap"/> once.</param>
    /// <returns>False where the entry does not grant that to the control domain.</returns>
    public bool TryMap(uint reference, bool isWrite, [NotNullWhen(true)] out GrantMapping? mapping)
    {
        var status = Acquire(reference, Domain.ControlDomain, isWrite, out var frame);
        _domain.Observer?.GrantUsed(new GrantNotice(GrantUse.Map, reference, isWrite, 0, PhysicalMemory.PageSize, status));
        mapping = status == GrantStatus.Okay ? new GrantMapping(reference, new MappedBytes(_domain.Host.Memory, frame), isWrite) : null;
        return mapping != null;
    }

    /// <summary>Ends a mapping of the control domain.</summary>
    /// <param name="mapping">What <see cref="TryMap"/> gave; nothing happens the second time.</param>
    public void Unmap(GrantMapping mapping)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        if (!mapping.IsMapped)
            return;
        mapping.IsMapped = false;
        _domain.Observer?.GrantUsed(new GrantNotice(GrantUse.Unmap, mapping.Reference, mapping.IsWritable, 0, PhysicalMemory.PageSize, GrantStatus.Okay));
        Release(mapping.Reference, mapping.IsWritable);
    }

    /// <summary>Copies from a granted page, as GNTTABOP_copy by the control domain.</summary>
    /// <param name="reference">The entry; anything.</param>
    /// <param name="offset">Where in the page; anything.</param>
    /// <param name="destination">Takes the bytes.</param>
    /// <returns><see cref="GrantStatus.Okay"/>, or why nothing was copied.</returns>
    public GrantStatus CopyFrom(uint reference, uint offset, Span<byte> destination)
    {
        var status = DoCopyFrom(reference, offset, destination);
        _domain.Observer?.GrantUsed(new GrantNotice(GrantUse.CopyFrom, reference, false, offset, destination.Length, status));
        return status;
    }

    private GrantStatus DoCopyFrom(uint reference, uint offset, Span<byte> destination)
    {
        var status = AcquireForCopy(reference, Domain.ControlDomain, isWrite: false, out var part);
        if (status != GrantStatus.Okay)
            return status;
        status = part.Check(offset, (uint)destination.Length);
        if (status == GrantStatus.Okay)
            _domain.Host.Memory.Frame(part.Frame).Slice((int)offset, destination.Length).CopyTo(destination);
        Release(reference, isWrite: false);
        return status;
    }

    /// <summary>Copies to a granted page, as GNTTABOP_copy by the control domain.</summary>
    /// <param name="reference">The entry; anything.</param>
    /// <param name="offset">Where in the page; anything.</param>
    /// <param name="source">The bytes.</param>
    /// <returns><see cref="GrantStatus.Okay"/>, or why nothing was copied.</returns>
    public GrantStatus CopyTo(uint reference, uint offset, ReadOnlySpan<byte> source)
    {
        var status = DoCopyTo(reference, offset, source);
        _domain.Observer?.GrantUsed(new GrantNotice(GrantUse.CopyTo, reference, true, offset, source.Length, status));
        return status;
    }

    private GrantStatus DoCopyTo(uint reference, uint offset, ReadOnlySpan<byte> source)
    {
        var status = AcquireForCopy(reference, Domain.ControlDomain, isWrite: true, out var part);
        if (status != GrantStatus.Okay)
            return status;
        status = part.Check(offset, (uint)source.Length);
        if (status == GrantStatus.Okay)
            source.CopyTo(_domain.Host.Memory.WritableFrame(part.Frame, (int)offset, source.Length));
        Release(reference, isWrite: true);
        return status;
    }

    /// <summary>Pins a page for a mapping. <see cref="Release"/> undoes it.</summary>
    internal GrantStatus Acquire(uint reference, ushort user, bool isWrite, out int frame)
    {
        frame = -1;
        if (reference >= EntryCount)
            return GrantStatus.BadReference;
        ref var active = ref _active[reference];
        if (active.IsPinned && (active.User != user || active.IsFull(isWrite) || active.IsSubPage))
            return GrantStatus.GeneralError;
        if (!active.IsPinned || (isWrite && active.Writers == 0))
        {
            if (!TrySetStatus(reference, active.IsPinned, user, isWrite, isMapping: true))
                return GrantStatus.GeneralError;
            if (!active.IsPinned)
            {
                if (FrameOf(reference) is not (>= 0 and var granted))
                    return Fail(reference, isWrite, GrantStatus.BadPage);
                active = new ActiveGrant { User = user, Frame = granted, Length = PhysicalMemory.PageSize };
            }
        }

        frame = active.Frame;
        Pin(ref active, isWrite);
        return GrantStatus.Okay;
    }

    /// <summary>Pins a page, or a part of one, for a copy. <see cref="Release"/> undoes it.</summary>
    internal GrantStatus AcquireForCopy(uint reference, ushort user, bool isWrite, out CopyPart part)
    {
        part = default;
        if (reference >= EntryCount)
            return GrantStatus.BadReference;
        ref var active = ref _active[reference];
        if (active.IsPinned && (active.User != user || active.IsFull(isWrite)))
            return GrantStatus.GeneralError;
        var entry = Entry(reference);
        var flags = FlagsOf(entry.ReadUInt32(0));
        var isNew = !active.IsPinned || (isWrite && active.Writers == 0);
        if (isNew && !TrySetStatus(reference, active.IsPinned, user, isWrite, isMapping: false))
            return GrantStatus.GeneralError;
        if (Version > 1 && (flags & GrantFlags.TypeMask) == GrantFlags.Transitive)
        {
            // To itself is not allowed, and the only other domain grants nothing.
            var other = (ushort)entry.ReadUInt32(4);
            return Fail(reference, isWrite, other == Domain.ControlDomain ? ByControlDomain(entry.ReadUInt32(8)) : GrantStatus.GeneralError);
        }

        if (isNew)
        {
            if (FrameOf(reference) is not (>= 0 and var granted))
                return Fail(reference, isWrite, GrantStatus.BadPage);
            if (!active.IsPinned)
            {
                var isSubPage = Version > 1 && (flags & GrantFlags.SubPage) != 0;
                var range = isSubPage ? entry.ReadUInt32(4) : (uint)PhysicalMemory.PageSize << 16;
                active = new ActiveGrant
                {
                    User = user,
                    Frame = granted,
                    IsSubPage = isSubPage,
                    // 15 bits in Xen.
                    Start = (ushort)(range & 0x7FFF),
                    Length = (ushort)(range >> 16),
                };
            }
        }

        part = new CopyPart(active.Frame, active.Start, active.Length);
        Pin(ref active, isWrite);
        return GrantStatus.Okay;
    }

    /// <summary>What the control domain's table answers: it grants nothing to anybody, and has one frame of version 1.</summary>
    internal static GrantStatus ByControlDomain(uint reference) =>
        reference < PhysicalMemory.PageSize / EntryLength1 ? GrantStatus.GeneralError : GrantStatus.BadReference;

    /// <summary>Ends a use of an entry.</summary>
    internal void Release(uint reference, bool isWrite)
    {
        ref var active = ref _active[reference];
        active.Unpin(isWrite);
        _domain.Memory.Unpin(active.Frame);
        if (!active.IsPinned)
            active = default;
        ReduceStatus(reference, isWrite);
    }

    private void Pin(ref ActiveGrant active, bool isWrite)
    {
        active.Pin(isWrite);
        _domain.Memory.Pin(active.Frame);
    }

    private GrantStatus Fail(uint reference, bool isWrite, GrantStatus status)
    {
        ReduceStatus(reference, isWrite);
        return status;
    }

    // Tells the guest of a new use, if its entry allows it. Who has a page pinned already is not asked for type and domain again.
    private bool TrySetStatus(uint reference, bool isPinned, ushort user, bool isWrite, bool isMapping)
    {
        var header = Entry(reference).ReadUInt32(0);
        var flags = FlagsOf(header);
        var type = flags & (isMapping ? GrantFlags.TypeMask | GrantFlags.SubPage : GrantFlags.TypeMask);
        var allows = type == GrantFlags.PermitAccess || (type == GrantFlags.Transitive && Version > 1 && !isMapping);
        if (!isPinned && (!allows || DomainOf(header) != user))
            return false;
        if (isWrite && (flags & GrantFlags.ReadOnly) != 0)
            return false;
        ChangeStatus(reference, isWrite ? GrantFlags.Reading | GrantFlags.Writing : GrantFlags.Reading, 0);
        return true;
    }

    private void ReduceStatus(uint reference, bool isWrite)
    {
        ref readonly var active = ref _active[reference];
        var clear = active.IsPinned ? 0 : GrantFlags.Reading;
        if (isWrite && active.Writers == 0)
            clear |= GrantFlags.Writing;
        if (clear != 0)
            ChangeStatus(reference, 0, clear);
    }

    private int FrameOf(uint reference) =>
        _domain.Memory.FrameAt(Version == 1 ? Entry(reference).ReadUInt32(4) : Entry(reference).ReadUInt64(8));

    /// <summary>The part of a page that may be copied.</summary>
    internal readonly record struct CopyPart(int Frame, ushort Start, ushort Length)
    {
        /// <summary>Whether it holds a range, none of whose numbers exceeds 32 bits.</summary>
        public GrantStatus Check(uint offset, uint length)
        {
            if ((ulong)offset + length > PhysicalMemory.PageSize)
                return GrantStatus.BadCopyArgument;
            return offset < Start || offset + length > (uint)Start + Length ? GrantStatus.GeneralError : GrantStatus.Okay;
        }
    }
}
