using System.Buffers.Binary;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;

namespace Emu.Xen.Hypercalls;

/// <summary>sched_op(cmd, arg): wait, poll and shut down (xen/include/public/sched.h, xen/common/sched/core.c).</summary>
internal static class SchedulerOperation
{
    public const uint Number = 29;

    public const uint Yield = 0, Block = 1, Shutdown = 2, Poll = 3, RemoteShutdown = 4, ShutdownCode = 5, Watchdog = 6, PinOverride = 7;
    private const uint MostPolled = 128;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0);
        switch (command)
        {
            case Yield:
                call.Caller.Processor.Yield();
                return 0;
            case Block:
                call.Caller.Block();
                return 0;
            case Shutdown:
                return DoShutdown(call, ends: true);
            case Poll:
                return DoPoll(call);
            case RemoteShutdown:
                return DoRemoteShutdown(call);
            case ShutdownCode:
                return DoShutdown(call, ends: false);
            case Watchdog:
                return DoWatchdog(call);
            // For the domain with the hardware.
            case PinOverride:
                return XenError.NotPermitted;
            default:
                return call.Unsupported(command);
        }
    }

    /// <summary>
    /// reason u32, of which eight bits count, with any meaning or none. Its code alone is what the toolstack reads should the domain die
    /// without saying more.
    /// </summary>
    private static long DoShutdown(in GuestCall call, bool ends)
    {
        if (!call.TryReadUInt32(call.Argument(1), out var bits))
            return XenError.BadAddress;
        var reason = (ShutdownReason)(byte)bits;
        if (ends)
            return call.Domain.Shutdown(reason);
        call.Domain.ShutdownCode ??= reason;
        return 0;
    }

    /// <summary>domain_id u16@0, reason u32@4. Only what controls other domains may, and not even itself may a domain call so.</summary>
    private static long DoRemoteShutdown(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var id = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return id == Domain.ControlDomain || id == call.Domain.Id ? XenError.NotPermitted : XenError.NoDomain;
    }

    /// <summary>ports pointer@0, nr_ports u32@8 (4), timeout u64@16 (8).</summary>
    private static long DoPoll(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[24];
        bytes = bytes[..(call.Is64Bit ? 24 : 16)];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var list = call.Is64Bit ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[call.WordLength..]);
        var timeout = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(call.WordLength * 2)..]);
        if (count > MostPolled)
            return XenError.Invalid;
        if (call.Caller.HasDeliverableEvent)
            return 0;
        var number = DomainVcpu.AnyPort;
        for (ulong i = 0; i < count; i++)
        {
            if (!call.TryReadUInt32(list + (4 * i), out number))
                return XenError.BadAddress;
            if (call.Domain.Events.Find(number) is not { } port || port.State == PortState.Closed)
                return XenError.Invalid;
            if (call.Domain.Events.IsPending(port))
                return 0;
        }

        call.Caller.Poll(count == 1 ? number : DomainVcpu.AnyPort, timeout);
        return 0;
    }

    /// <summary>id u32@0, timeout u32@4 in seconds: id 0 makes a watchdog and gives its id; timeout 0 ends it.</summary>
    private static long DoWatchdog(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        return call.Domain.Watchdogs.Set(BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
    }
}
