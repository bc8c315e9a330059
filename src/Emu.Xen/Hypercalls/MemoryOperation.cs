using System.Buffers.Binary;
using Emu.Xen.Domains;

namespace Emu.Xen.Hypercalls;

/// <summary>memory_op(cmd, arg): the domain's memory (xen/include/public/memory.h, xen/common/memory.c).</summary>
/// <remarks>
/// The upper bits of the command are Xen's own: where a long operation goes on after an interruption. Here none is interrupted, but a guest
/// may make such a command itself.
/// </remarks>
internal static class MemoryOperation
{
    public const uint Number = 12;

    public const uint CommandMask = 0x3F;
    private const int ContinuationShift = 6;

    public const uint IncreaseReservation = 0, DecreaseReservation = 1, MaximumRamPage = 2, CurrentReservation = 3, MaximumReservation = 4,
        PopulatePhysmap = 6, AddToPhysmap = 7, MemoryMap = 9, SetMemoryMap = 13, MaximumGpfn = 14, RemoveFromPhysmap = 15, SetPodTarget = 16,
        GetPodTarget = 17, GetSharingFreedPages = 18, GetSharingSharedPages = 19, AccessOperation = 21, AddToPhysmapBatch = 23, ClaimPages = 24,
        GetVnumaInformation = 26, ReservedDeviceMemoryMap = 27, AcquireResource = 28;

    /// <summary>Entries are those of INT 15h, E820: 20 bytes, not start_info's 24.</summary>
    private const int EntryLength = 20;

    /// <summary>Entries that a domain may have (E820MAX).</summary>
    internal const int MostEntries = 1024;

    /// <summary>Extents whose number a continued command has room for.</summary>
    private const ulong MostExtents = uint.MaxValue >> ContinuationShift;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0) & CommandMask;
        var start = call.Argument(0) >> ContinuationShift;
        switch (command)
        {
            // A translated domain gets pages at the frames that it names, with populate_physmap.
            case IncreaseReservation or DecreaseReservation or PopulatePhysmap:
                return DoReservation(call, command, start);
            case AddToPhysmap:
                return start > ushort.MaxValue ? XenError.OutOfDomain : DoAddToPhysmap(call, start);
            case AddToPhysmapBatch:
                return start > ushort.MaxValue ? XenError.OutOfDomain : DoAddToPhysmapBatch(call, start);
            // Neither device memory nor other domains' resources are there to be mapped.
            case AcquireResource:
                return XenError.NoAccess;
            case AccessOperation:
                return DoAccessOperation(call);
        }

        var isUsual = command is MaximumRamPage or CurrentReservation or MaximumReservation or MaximumGpfn or RemoveFromPhysmap or ClaimPages
            or GetVnumaInformation or ReservedDeviceMemoryMap;
        if (start != 0)
            return isUsual ? XenError.Invalid : call.Unsupported((uint)call.Argument(0));
        return command switch
        {
            MaximumRamPage => (long)call.Domain.Memory.MaximumRamPages,
            CurrentReservation or MaximumReservation or MaximumGpfn => DoCount(call, command),
            RemoveFromPhysmap => DoRemoveFromPhysmap(call),
            MemoryMap => WriteMemoryMap(call),
            SetMemoryMap => DoSetMemoryMap(call),
            SetPodTarget or GetPodTarget => DoPodTarget(call),
            // Pages that domains share: none.
            GetSharingFreedPages or GetSharingSharedPages => 0,
            ClaimPages when call.Is64Bit => DoClaimPages(call),
            GetVnumaInformation => DoGetVnumaInformation(call),
            ReservedDeviceMemoryMap => DoReservedDeviceMemoryMap(call),
            _ => call.Unsupported(command),
        };
    }

    /// <summary>xen_memory_reservation: extent_start pointer@0, nr_extents word@8 (4), extent_order u32@16 (8), mem_flags, domid u16@24 (16).</summary>
    private static long DoReservation(in GuestCall call, uint command, ulong start)
    {
        // PAGETABLE_ORDER, and XENMEMF_populate_on_demand.
        const uint largestOrder = 9, populateOnDemand = 1 << 16;
        Span<byte> bytes = stackalloc byte[32];
        bytes = bytes[..(call.Is64Bit ? 32 : 20)];
        // Xen gives the number of extents done for every mistake here.
        if (!call.TryRead(call.Argument(1), bytes))
            return (long)start;
        var width = call.WordLength;
        ulong list = Word(bytes, 0, width), count = Word(bytes, width, width);
        uint order = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 * width)..]),
            flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes[((2 * width) + 4)..]);
        var domain = BinaryPrimitives.ReadUInt16LittleEndian(bytes[((2 * width) + 8)..]);
        // Xen would find more pages for increase_reservation, which nothing shows and the domain cannot use: here there are none.
        if (count > MostExtents || !call.Domain.IsSelf(domain) || !IsPossible(flags) || order > largestOrder || command == IncreaseReservation
            || (command == PopulatePhysmap && (flags & populateOnDemand) != 0))
        {
            return (long)start;
        }

        var size = 1UL << (int)order;
        var done = start;
        for (; done < count; done++)
        {
            if (!call.TryReadWord(list + (done * (ulong)width), out var first))
                break;
            if (command == PopulatePhysmap ? !call.Domain.Memory.Populate(first, size) : !Free(call.Domain.Memory, first, size))
                break;
            if (!call.Work.Spend((long)size) && done + 1 < count)
                return call.Work.Interrupt(command | ((done + 1) << ContinuationShift), call.Argument(1));
        }

        return (long)done;
    }

    // XENMEMF_*: a width of addresses must leave room for more than a page; a domain without privilege cannot insist on a NUMA node.
    private static bool IsPossible(uint flags)
    {
        const uint widthMask = 0xFF, nodeMask = 0xFF00, exactNode = 1 << 17, virtualNode = 1 << 18;
        return (flags & widthMask) is 0 or > 12 && ((flags & nodeMask) == 0 || (flags & (exactNode | virtualNode)) != exactNode);
    }

    private static bool Free(Physmap memory, ulong first, ulong size)
    {
        for (ulong page = 0; page < size; page++)
        {
            if (memory.Free(first + page) != 0)
                return false;
        }

        return true;
    }

    /// <summary>domid u16: pages that the domain has, or may have; or its highest frame.</summary>
    private static long DoCount(in GuestCall call, uint command)
    {
        Span<byte> bytes = stackalloc byte[2];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (call.Domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        var memory = call.Domain.Memory;
        return command switch
        {
            CurrentReservation => (long)(memory.RamPages + Domain.SpecialPageCount),
            // The toolstack leaves some room for what it did not think of (libxl: LIBXL_MAXMEM_CONSTANT, 1 MiB).
            MaximumReservation => (long)memory.MaximumRamPages + 256,
            _ => (long)memory.HighestGfn,
        };
    }

    /// <summary>xen_add_to_physmap: domid u16@0, size u16@2, space u32@4, idx word@8, gpfn word@16 (12).</summary>
    private static long DoAddToPhysmap(in GuestCall call, ulong start)
    {
        Span<byte> bytes = stackalloc byte[24];
        bytes = bytes[..(8 + (2 * call.WordLength))];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var space = (MapSpace)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        // Only in a batch is there a place for the other domain.
        if (space == MapSpace.GfnForeign)
            return XenError.NotImplemented;
        if (CheckMapping(call.Domain, bytes, space) is var error and not 0)
            return error;
        ulong size = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        ulong index = Word(bytes, 8, call.WordLength), gfn = Word(bytes, 8 + call.WordLength, call.WordLength);
        if (gfn == ulong.MaxValue)
            return XenError.Invalid;
        if (space != MapSpace.GfnRange)
            return AddOne(call.Domain, space, index, gfn);
        if (size < start)
            return XenError.IllegalSequence;
        if (gfn + size < gfn || index + size < index)
            return XenError.Overflow;
        for (; start < size; start++)
        {
            if (AddOne(call.Domain, MapSpace.Gfn, index + start, gfn + start) is var result and not 0)
                return result;
        }

        return 0;
    }

    /// <summary>
    /// xen_add_to_physmap_batch: domid u16@0, space u16@2, size u16@4, foreign domid u16@6, then pointers: idxs@8, gpfns@16 (12), errs@24 (16).
    /// </summary>
    private static long DoAddToPhysmapBatch(in GuestCall call, ulong start)
    {
        Span<byte> bytes = stackalloc byte[32];
        var width = call.WordLength;
        bytes = bytes[..(8 + (3 * width))];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var space = (MapSpace)BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (space == MapSpace.GfnRange)
            return XenError.NotSupported;
        if (CheckMapping(call.Domain, bytes, space) is var error and not 0)
            return error;
        ulong size = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (start != 0 && start >= size)
            return XenError.IllegalSequence;
        ulong indices = Word(bytes, 8, width), gfns = Word(bytes, 8 + width, width), errors = Word(bytes, 8 + (2 * width), width);
        Span<byte> result = stackalloc byte[4];
        for (var i = start; i < size; i++)
        {
            if (!call.TryReadWord(indices + (i * (ulong)width), out var index) || !call.TryReadWord(gfns + (i * (ulong)width), out var gfn))
                return XenError.BadAddress;
            if (gfn == ulong.MaxValue)
                return XenError.Invalid;
            // Other domains have no memory that this one may map.
            var outcome = space == MapSpace.GfnForeign ? XenError.NotPermitted : AddOne(call.Domain, space, index, gfn);
            BinaryPrimitives.WriteInt32LittleEndian(result, (int)outcome);
            if (!call.TryWrite(errors + (4 * i), result))
                return XenError.BadAddress;
        }

        return 0;
    }

    // Registers of devices are for the domain that has the hardware.
    private static long CheckMapping(Domain domain, ReadOnlySpan<byte> bytes, MapSpace space)
    {
        var id = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        var error = domain.CheckTarget(id);
        return error != XenError.NoDomain && space == MapSpace.DeviceMemory ? XenError.NoAccess : error;
    }

    private static long AddOne(Domain domain, MapSpace space, ulong index, ulong gfn)
    {
        switch (space)
        {
            case MapSpace.SharedInfo:
                return index == 0 ? domain.Memory.Place(domain.SharedInfo.Page, gfn) : XenError.Invalid;
            // Xen takes the lower 32 bits of the index.
            case MapSpace.GrantTable:
                return domain.Grants.PlaceFrame((uint)index, gfn);
            case MapSpace.Gfn:
                return domain.Memory.Move(index, gfn);
            default:
                return XenError.Invalid;
        }
    }

    /// <summary>xen_remove_from_physmap: domid u16@0, gpfn word@8 (4).</summary>
    private static long DoRemoveFromPhysmap(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..(2 * call.WordLength)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (call.Domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        return call.Domain.Memory.Remove(Word(bytes, call.WordLength, call.WordLength));
    }

    /// <summary>xen_memory_map: nr_entries u32@0 in and out, buffer pointer@8 (4).</summary>
    private static long WriteMemoryMap(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..(2 * call.WordLength)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var map = call.Domain.MemoryMap;
        var count = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(bytes), (uint)map.Count);
        var entries = new byte[count * EntryLength];
        for (var i = 0; i < count; i++)
        {
            var entry = entries.AsSpan(i * EntryLength);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], map[i].Type);
        }

        return call.TryWrite(Word(bytes, call.WordLength, call.WordLength), entries) && call.TryWriteUInt32(call.Argument(1), (uint)count)
            ? 0
            : XenError.BadAddress;
    }

    /// <summary>xen_foreign_memory_map: domid u16@0, nr_entries u32@8 (4), buffer pointer@16 (8). A domain may tell itself what it likes.</summary>
    private static long DoSetMemoryMap(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[24];
        var width = call.WordLength;
        bytes = bytes[..(3 * width)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[width..]);
        if (count > MostEntries)
            return XenError.Invalid;
        if (call.Domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        var entries = new byte[count * EntryLength];
        if (!call.TryRead(Word(bytes, 2 * width, width), entries))
            return XenError.BadAddress;
        var map = new XenMemoryRange[count];
        for (var i = 0; i < map.Length; i++)
        {
            var entry = entries.AsSpan(i * EntryLength);
            map[i] = new XenMemoryRange(
                BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]));
        }

        call.Domain.MemoryMap = map;
        return 0;
    }

    /// <summary>xen_pod_target: four u64, domid u16@32: populate-on-demand is the toolstack's.</summary>
    private static long DoPodTarget(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[40];
        bytes = bytes[..(call.Is64Bit ? 40 : 36)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        return call.Domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes[32..])) == XenError.NoDomain
            ? XenError.NoDomain
            : XenError.NotPermitted;
    }

    /// <summary>xen_memory_reservation with nothing in it but a number and a domain, which cannot be named as "self".</summary>
    private static long DoClaimPages(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[32];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var id = BinaryPrimitives.ReadUInt16LittleEndian(bytes[24..]);
        var exists = id == Domain.ControlDomain || id == call.Domain.Id;
        return Word(bytes, 0, 8) != 0 || Word(bytes, 16, 8) != 0 || !exists ? XenError.Invalid : XenError.NotPermitted;
    }

    /// <summary>xen_vnuma_topology_info: domid u16@0, zero u16@2, three u32, three pointers of 8 bytes. This domain has one node and no word of it.</summary>
    private static long DoGetVnumaInformation(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[40];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]) != 0)
            return XenError.Invalid;
        return call.Domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0 ? error : XenError.NotSupported;
    }

    /// <summary>xen_reserved_device_memory_map: flags u32@0, nr_entries u32@4 out, buffer pointer@8, device u32@16 (12). None is reserved.</summary>
    private static long DoReservedDeviceMemoryMap(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[24];
        bytes = bytes[..(call.Is64Bit ? 24 : 16)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) > 1)
            return XenError.Invalid;
        return call.TryWriteUInt32(call.Argument(1) + 4, 0) ? 0 : XenError.BadAddress;
    }

    /// <summary>xen_mem_access_op: op u8@0, access u8@1, domid u16@2, …: for whoever watches another domain.</summary>
    private static long DoAccessOperation(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[32];
        bytes = bytes[..(call.Is64Bit ? 32 : 24)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var id = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (id == call.Domain.Id)
            return XenError.NotPermitted;
        // The control domain is a PV guest, which cannot be watched.
        return id == Domain.ControlDomain ? XenError.Invalid : XenError.NoDomain;
    }

    private static ulong Word(ReadOnlySpan<byte> bytes, int offset, int width) =>
        width == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}

/// <summary>What add_to_physmap can place in a domain's physical memory (XENMAPSPACE_*, xen/include/public/memory.h).</summary>
internal enum MapSpace : uint
{
    /// <summary>shared_info.</summary>
    SharedInfo = 0,

    /// <summary>Frames of the grant table, or of its status array.</summary>
    GrantTable = 1,

    /// <summary>A page of the domain itself.</summary>
    Gfn = 2,

    /// <summary>Pages of the domain itself, one after the other.</summary>
    GfnRange = 3,

    /// <summary>A page of another domain.</summary>
    GfnForeign = 4,

    /// <summary>A device's registers.</summary>
    DeviceMemory = 5,
}
