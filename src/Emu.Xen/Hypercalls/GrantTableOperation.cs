using System.Buffers.Binary;
using Emu.Cpu.Memory;
using Emu.Xen.Domains;
using Emu.Xen.Grants;

namespace Emu.Xen.Hypercalls;

/// <summary>
/// grant_table_op(cmd, list, count) (xen/include/public/grant_table.h, xen/common/grant_table.c). The call returns 0 for what it could
/// look at; each element of the list has a status of its own.
/// </summary>
/// <remarks>
/// Xen lets a domain without physical addresses of its own, PVH or HVM, make no more than these (hvm_grant_table_op): there is no
/// transfer, unmap_and_replace, get_status_frames or cache_flush for it.
/// </remarks>
internal static class GrantTableOperation
{
    public const uint Number = 20;

    public const uint MapGrantRef = 0, UnmapGrantRef = 1, SetupTable = 2, Copy = 5, QuerySize = 6, SetVersion = 8, GetVersion = 10,
        SwapGrantRef = 11;

    /// <summary>
    /// The longest list. Xen would do a longer one in pieces and take interrupts in between; no guest has such a list, and one that makes
    /// it up must not keep the host busy.
    /// </summary>
    private const uint LongestList = 1 << 16;

    private const ushort SourceIsReference = 1, DestinationIsReference = 2;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0);
        var count = (uint)call.Argument(2);
        switch (command)
        {
            case MapGrantRef or UnmapGrantRef or Copy or SwapGrantRef:
                return count > LongestList ? XenError.Invalid : DoList(call, command, count);
            // In the 32-bit ABI an empty list is no mistake here.
            case SetupTable when !call.Is64Bit && count == 0:
                return 0;
            case SetupTable:
                return count == 1 ? DoSetupTable(call) : XenError.Invalid;
            case QuerySize:
                return count == 1 ? DoQuerySize(call) : XenError.Invalid;
            case SetVersion:
                return (int)count >= 0 ? DoSetVersion(call) : XenError.Invalid;
            case GetVersion:
                return (int)count >= 0 ? DoGetVersion(call) : XenError.Invalid;
            default:
                return call.Unsupported(command);
        }
    }

    private static long DoList(in GuestCall call, uint command, uint count)
    {
        const int longest = 40;
        Span<byte> bytes = stackalloc byte[longest];
        // Of a copy with 32-bit frame numbers: 24.
        var (length, status) = command switch
        {
            MapGrantRef => (32, 18),
            UnmapGrantRef => (24, 20),
            SwapGrantRef => (12, 8),
            _ => call.Is64Bit ? (40, 36) : (24, 20),
        };
        bytes = bytes[..length];
        for (uint i = 0; i < count; i++)
        {
            var element = call.Argument(1) + (i * (ulong)length);
            if (!call.TryRead(element, bytes))
                return XenError.BadAddress;
            var result = command switch
            {
                MapGrantRef => Map(call.Domain, bytes),
                UnmapGrantRef => Unmap(call.Domain, bytes),
                SwapGrantRef => call.Domain.Grants.Swap(UInt32(bytes, 0), UInt32(bytes, 4)),
                _ => CopyOne(call.Domain, bytes, call.WordLength),
            };
            BinaryPrimitives.WriteInt16LittleEndian(bytes[status..], (short)result);
            // map_grant_ref answers with the whole element, the others with the status.
            var written = command == MapGrantRef ? call.TryWrite(element, bytes) : call.TryWrite(element + (ulong)status, bytes.Slice(status, 2));
            if (!written)
                return XenError.BadAddress;
        }

        return 0;
    }

    /// <summary>host_addr u64@0, flags u32@8, ref u32@12, dom u16@16; out: status s16@18, handle u32@20, dev_bus_addr u64@24.</summary>
    /// <remarks>
    /// The domain's own id is the only one whose grants it can have; DOMID_SELF is not known here. The page shows at both places then,
    /// while Xen takes it away from where it was.
    /// </remarks>
    private static GrantStatus Map(Domain domain, Span<byte> bytes)
    {
        var address = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var flags = (GrantMapFlags)UInt32(bytes, 8);
        var reference = UInt32(bytes, 12);
        var granter = UInt16(bytes, 16);
        if ((flags & (GrantMapFlags.DeviceMap | GrantMapFlags.HostMap)) == 0)
            return GrantStatus.BadReference;
        if ((flags & (GrantMapFlags.DeviceMap | GrantMapFlags.ApplicationMap | GrantMapFlags.ContainsPageTableEntry)) != 0)
            return GrantStatus.GeneralError;
        if (granter != domain.Id)
            return granter == Domain.ControlDomain ? GrantTable.ByControlDomain(reference) : GrantStatus.BadDomain;
        if (!domain.Grants.Handles.TryAllocate(out var handle))
            return GrantStatus.NoSpace;
        var isReadOnly = (flags & GrantMapFlags.ReadOnly) != 0;
        var status = domain.Grants.Acquire(reference, domain.Id, !isReadOnly, out var frame);
        if (status == GrantStatus.Okay)
        {
            var isPlain = (flags & ~GrantMapFlags.ReadOnly) == GrantMapFlags.HostMap;
            if (!isPlain || domain.Memory.PlaceForeign(address / PhysicalMemory.PageSize, frame, isReadOnly) != 0)
            {
                domain.Grants.Release(reference, !isReadOnly);
                status = GrantStatus.GeneralError;
            }
        }

        if (status != GrantStatus.Okay)
        {
            domain.Grants.Handles.Free(handle);
            return status;
        }

        domain.Grants.Handles.Set(handle, new GrantHandles.Mapping(reference, flags, frame));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], handle);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], (ulong)frame * PhysicalMemory.PageSize);
        return GrantStatus.Okay;
    }

    /// <summary>host_addr u64@0, dev_bus_addr u64@8, handle u32@16; out: status s16@20. Nothing happens without an address.</summary>
    private static GrantStatus Unmap(Domain domain, ReadOnlySpan<byte> bytes)
    {
        var address = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var handle = UInt32(bytes, 16);
        if (domain.Grants.Handles.Find(handle) is not { } mapping)
            return GrantStatus.BadHandle;
        if (address == 0)
            return GrantStatus.Okay;
        if (!domain.Memory.RemoveForeign(address / PhysicalMemory.PageSize, mapping.Frame))
            return GrantStatus.GeneralError;
        domain.Grants.Handles.Free(handle);
        domain.Grants.Release(mapping.Reference, (mapping.Flags & GrantMapFlags.ReadOnly) == 0);
        return GrantStatus.Okay;
    }

    /// <summary>
    /// Source and destination of ref u32 or frame word@0, domid u16@8 (4), offset u16@10 (6) each, then len u16@32 (16), flags u16@34 (18);
    /// out: status s16@36 (20).
    /// </summary>
    private static GrantStatus CopyOne(Domain domain, ReadOnlySpan<byte> bytes, int width)
    {
        var endLength = width * 2;
        uint length = UInt16(bytes, 2 * endLength), flags = UInt16(bytes, (2 * endLength) + 2);
        CopyEnd source = new(bytes[..endLength], width, (flags & SourceIsReference) != 0, isWrite: false);
        CopyEnd destination = new(bytes[endLength..], width, (flags & DestinationIsReference) != 0, isWrite: true);
        var status = source.CheckDomain(domain);
        if (status == GrantStatus.Okay)
            status = destination.CheckDomain(domain);
        if (status != GrantStatus.Okay)
            return status;
        status = source.Acquire(domain, out var from);
        if (status != GrantStatus.Okay)
            return status;
        status = destination.Acquire(domain, out var to);
        if (status == GrantStatus.Okay)
        {
            status = CheckRanges(from, source.Offset, to, destination.Offset, length);
            if (status == GrantStatus.Okay)
            {
                var memory = domain.Host.Memory;
                var copied = memory.Frame(from.Frame).Slice((int)source.Offset, (int)length);
                copied.CopyTo(memory.WritableFrame(to.Frame, (int)destination.Offset, (int)length));
            }

            destination.Release(domain);
        }

        source.Release(domain);
        return status;
    }

    // Xen looks at the ends of both pages before it looks at what is granted of either.
    private static GrantStatus CheckRanges(GrantTable.CopyPart from, uint fromOffset, GrantTable.CopyPart to, uint toOffset, uint length)
    {
        var source = from.Check(fromOffset, length);
        var destination = to.Check(toOffset, length);
        return destination == GrantStatus.BadCopyArgument || source == GrantStatus.Okay ? destination : source;
    }

    /// <summary>dom u16@0, nr_frames u32@4, frame_list@16 (12); out: status s16@8.</summary>
    private static long DoSetupTable(in GuestCall call)
    {
        var width = call.WordLength;
        Span<byte> bytes = stackalloc byte[24];
        bytes = bytes[..(8 + (2 * width))];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var frames = UInt32(bytes, 4);
        var list = width == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]) : UInt32(bytes, 12);
        var grants = call.Domain.Grants;
        var status = CheckTarget(call.Domain, UInt16(bytes, 0));
        if (status == GrantStatus.Okay && !grants.Grow(frames))
            status = GrantStatus.GeneralError;
        if (status == GrantStatus.Okay)
        {
            Span<byte> entry = stackalloc byte[8];
            for (var i = 0; i < (int)frames; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(entry, grants.GfnOf(i) ?? ulong.MaxValue);
                if (!call.TryWrite(list + (ulong)(i * width), entry[..width]))
                    status = GrantStatus.BadVirtualAddress;
            }
        }

        BinaryPrimitives.WriteInt16LittleEndian(bytes[8..], (short)status);
        return call.TryWrite(call.Argument(1) + 8, bytes.Slice(8, 2)) ? 0 : XenError.BadAddress;
    }

    /// <summary>dom u16@0; out: nr_frames u32@4, max_nr_frames u32@8, status s16@12.</summary>
    private static long DoQuerySize(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var status = CheckTarget(call.Domain, UInt16(bytes, 0));
        if (status == GrantStatus.Okay)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], call.Domain.Grants.FrameCount);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], GrantTable.MaximumFrames);
        }

        BinaryPrimitives.WriteInt16LittleEndian(bytes[12..], (short)status);
        return call.TryWrite(call.Argument(1), bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>version u32@0, in and out: the one that holds now, even after an error.</summary>
    private static long DoSetVersion(in GuestCall call)
    {
        if (!call.TryReadUInt32(call.Argument(1), out var version))
            return XenError.BadAddress;
        var result = call.Domain.Grants.SetVersion(version);
        return call.TryWriteUInt32(call.Argument(1), (uint)call.Domain.Grants.Version) ? result : XenError.BadAddress;
    }

    /// <summary>dom u16@0; out: version u32@4.</summary>
    private static long DoGetVersion(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var error = CheckTarget(call.Domain, UInt16(bytes, 0)) switch
        {
            GrantStatus.BadDomain => XenError.NoDomain,
            GrantStatus.PermissionDenied => XenError.NotPermitted,
            _ => 0,
        };
        if (error != 0)
            return error;
        return call.TryWriteUInt32(call.Argument(1) + 4, (uint)call.Domain.Grants.Version) ? 0 : XenError.BadAddress;
    }

    // Only the control domain may look at another's table.
    private static GrantStatus CheckTarget(Domain domain, ushort id)
    {
        if (domain.IsSelf(id))
            return GrantStatus.Okay;
        return id == Domain.ControlDomain ? GrantStatus.PermissionDenied : GrantStatus.BadDomain;
    }

    private static uint UInt32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    /// <summary>Source or destination of a copy, as the guest names it.</summary>
    private readonly struct CopyEnd
    {
        private readonly ulong _place;
        private readonly ushort _domain;
        private readonly bool _isReference;
        private readonly bool _isWrite;

        public CopyEnd(ReadOnlySpan<byte> bytes, int width, bool isReference, bool isWrite)
        {
            // A reference has 32 bits in both widths.
            _place = width == 8 && !isReference ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : UInt32(bytes, 0);
            _domain = UInt16(bytes, width);
            Offset = UInt16(bytes, width + 2);
            _isReference = isReference;
            _isWrite = isWrite;
        }

        public uint Offset { get; }

        /// <summary>A domain names pages without grants only where it calls itself DOMID_SELF.</summary>
        public GrantStatus CheckDomain(Domain domain)
        {
            if (!_isReference && _domain != Domain.Self)
                return GrantStatus.PermissionDenied;
            return domain.IsSelf(_domain) || _domain == Domain.ControlDomain ? GrantStatus.Okay : GrantStatus.BadDomain;
        }

        public GrantStatus Acquire(Domain domain, out GrantTable.CopyPart part)
        {
            part = default;
            if (_isReference)
            {
                return domain.IsSelf(_domain)
                    ? domain.Grants.AcquireForCopy((uint)_place, domain.Id, _isWrite, out part)
                    : GrantTable.ByControlDomain((uint)_place);
            }

            if (domain.Memory.FrameAt(_place) is not (>= 0 and var frame))
                return GrantStatus.BadPage;
            part = new GrantTable.CopyPart(frame, 0, PhysicalMemory.PageSize);
            return GrantStatus.Okay;
        }

        public void Release(Domain domain)
        {
            if (_isReference)
                domain.Grants.Release((uint)_place, _isWrite);
        }
    }
}
