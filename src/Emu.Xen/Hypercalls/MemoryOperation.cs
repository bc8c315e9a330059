using System.Buffers.Binary;
using Emu.Xen.Domains;

namespace Emu.Xen.Hypercalls;

/// <summary>memory_op(cmd, arg): the domain's memory (xen/include/public/memory.h, xen/common/memory.c).</summary>
/// <remarks>The upper bits of the command are Xen's own: where a long operation goes on after an interruption. Here none is interrupted.</remarks>
internal static class MemoryOperation
{
    public const uint Number = 12;

    private const uint CommandMask = 0x3F;
    private const int ContinuationShift = 6;

    private const uint IncreaseReservation = 0, DecreaseReservation = 1, MaximumRamPage = 2, CurrentReservation = 3, MaximumReservation = 4,
        PopulatePhysmap = 6, AddToPhysmap = 7, MemoryMap = 9, Exchange = 11, SetMemoryMap = 13, MaximumGpfn = 14, RemoveFromPhysmap = 15,
        AddToPhysmapBatch = 23, GetVnumaInformation = 26, AcquireResource = 28;

    /// <summary>Entries are those of INT 15h, E820: 20 bytes, not start_info's 24.</summary>
    private const int EntryLength = 20;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0) & CommandMask;
        switch (command)
        {
            // A translated domain gets pages at the frames that it names, with populate_physmap.
            case IncreaseReservation or DecreaseReservation or PopulatePhysmap:
                return DoReservation(call, command);
            case MaximumRamPage:
                return (long)call.Domain.Memory.MaximumRamPages;
            case CurrentReservation or MaximumReservation or MaximumGpfn:
                return DoCount(call, command);
            case AddToPhysmap:
                return DoAddToPhysmap(call);
            case AddToPhysmapBatch:
                return DoAddToPhysmapBatch(call);
            case RemoveFromPhysmap:
                return DoRemoveFromPhysmap(call);
            case MemoryMap:
                return WriteMemoryMap(call);
            // Only for domains that know machine addresses.
            case Exchange:
                return XenError.NotImplemented;
            // The toolstack's.
            case SetMemoryMap:
                return XenError.NotPermitted;
            case GetVnumaInformation:
                return XenError.NotSupported;
            case AcquireResource:
                return XenError.NotSupported;
            default:
                return call.Unsupported(command);
        }
    }

    /// <summary>xen_memory_reservation: extent_start pointer@0, nr_extents word@8 (4), extent_order u32@16 (8), mem_flags, domid u16@24 (16).</summary>
    private static long DoReservation(in GuestCall call, uint command)
    {
        const uint largestOrder = 9;
        Span<byte> bytes = stackalloc byte[32];
        bytes = bytes[..(call.Is64Bit ? 32 : 20)];
        // Xen gives the number of extents done for every mistake here.
        if (!call.TryRead(call.Argument(1), bytes))
            return (long)(call.Argument(0) >> ContinuationShift);
        var width = call.WordLength;
        ulong list = Word(bytes, 0, width), count = Word(bytes, width, width);
        var order = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 * width)..]);
        var domain = BinaryPrimitives.ReadUInt16LittleEndian(bytes[((2 * width) + 8)..]);
        if (!call.Domain.IsSelf(domain) || order > largestOrder || command == IncreaseReservation)
            return 0;
        var size = 1UL << (int)order;
        ulong done = 0;
        for (; done < count; done++)
        {
            if (!call.TryReadWord(list + (done * (ulong)width), out var first) || !DoExtent(call.Domain.Memory, command, first, size))
                break;
        }

        return (long)done;
    }

    private static bool DoExtent(Physmap memory, uint command, ulong first, ulong size)
    {
        for (ulong page = 0; page < size; page++)
        {
            var gfn = first + page;
            if (gfn < first)
                return false;
            if (command == PopulatePhysmap ? !memory.Populate(gfn) : memory.Remove(gfn) != 0)
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
        if (CheckDomain(call.Domain, BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
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
    private static long DoAddToPhysmap(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[24];
        bytes = bytes[..(8 + (2 * call.WordLength))];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (CheckDomain(call.Domain, BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        var size = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        var space = (MapSpace)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        ulong index = Word(bytes, 8, call.WordLength), gfn = Word(bytes, 8 + call.WordLength, call.WordLength);
        if (space is MapSpace.GfnForeign)
            return XenError.NotImplemented;
        if (space != MapSpace.GfnRange)
            return AddOne(call.Domain, space, index, gfn);
        for (ulong i = 0; i < size; i++)
        {
            if (AddOne(call.Domain, MapSpace.Gfn, index + i, gfn + i) is var result and not 0)
                return result;
        }

        return 0;
    }

    /// <summary>
    /// xen_add_to_physmap_batch: domid u16@0, space u16@2, size u16@4, foreign domid u16@6, then pointers: idxs@8, gpfns@16 (12), errs@24 (16).
    /// </summary>
    private static long DoAddToPhysmapBatch(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[32];
        var width = call.WordLength;
        bytes = bytes[..(8 + (3 * width))];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (CheckDomain(call.Domain, BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        var space = (MapSpace)BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (space == MapSpace.GfnRange)
            return XenError.Invalid;
        var size = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        ulong indices = Word(bytes, 8, width), gfns = Word(bytes, 8 + width, width), errors = Word(bytes, 8 + (2 * width), width);
        Span<byte> result = stackalloc byte[4];
        for (ulong i = 0; i < size; i++)
        {
            if (!call.TryReadWord(indices + (i * (ulong)width), out var index) || !call.TryReadWord(gfns + (i * (ulong)width), out var gfn))
                return XenError.BadAddress;
            // Other domains have no memory that this one may map.
            var outcome = space == MapSpace.GfnForeign ? XenError.NotPermitted : AddOne(call.Domain, space, index, gfn);
            BinaryPrimitives.WriteInt32LittleEndian(result, (int)outcome);
            if (!call.TryWrite(errors + (4 * i), result))
                return XenError.BadAddress;
        }

        return 0;
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
        if (CheckDomain(call.Domain, BinaryPrimitives.ReadUInt16LittleEndian(bytes)) is var error and not 0)
            return error;
        return call.Domain.Memory.Remove(Word(bytes, call.WordLength, call.WordLength));
    }

    /// <summary>xen_memory_map: nr_entries u32 in and out, then the buffer's address.</summary>
    private static long WriteMemoryMap(in GuestCall call)
    {
        var argument = call.Argument(1);
        if (!call.TryReadUInt32(argument, out var capacity) || !call.TryReadWord(argument + (ulong)call.WordLength, out var buffer))
            return XenError.BadAddress;
        var map = call.Domain.Host.MemoryMap;
        var count = (int)Math.Min(capacity, (uint)map.Count);
        var bytes = new byte[count * EntryLength];
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.AsSpan(i * EntryLength);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Size);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], map[i].Type);
        }

        return call.TryWrite(buffer, bytes) && call.TryWriteUInt32(argument, (uint)count) ? 0 : XenError.BadAddress;
    }

    private static ulong Word(ReadOnlySpan<byte> bytes, int offset, int width) =>
        width == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static long CheckDomain(Domain domain, ushort id)
    {
        if (domain.IsSelf(id))
            return 0;
        return id == Domain.ControlDomain ? XenError.NotPermitted : XenError.NoDomain;
    }
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
}
