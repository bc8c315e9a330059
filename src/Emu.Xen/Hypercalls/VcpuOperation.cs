using System.Buffers.Binary;
using Emu.Xen.Domains;

namespace Emu.Xen.Hypercalls;

/// <summary>vcpu_op(cmd, vcpu, arg) (xen/include/public/vcpu.h, xen/common/domain.c, xen/arch/x86/hvm/hvm.c).</summary>
internal static class VcpuOperation
{
    public const uint Number = 24;

    public const uint Initialise = 0, Up = 1, Down = 2, IsUp = 3, GetRunstate = 4, RegisterRunstate = 5, SetPeriodic = 6, StopPeriodic = 7,
        SetSingleshot = 8, StopSingleshot = 9, RegisterInfo = 10, SendNmi = 11, GetPhysicalId = 12, RegisterTime = 13;

    private const int PageSize = 4096;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0);
        var number = (uint)call.Argument(1);
        if (number >= call.Domain.Vcpus.Count)
            return XenError.NoEntry;
        var vcpu = call.Domain.Vcpus[(int)number];
        switch (command)
        {
            case Initialise:
                return DoInitialise(call, vcpu);
            case Up:
                if (!vcpu.Processor.IsInitialised)
                    return XenError.Invalid;
                if (!vcpu.Processor.IsUp)
                    vcpu.Processor.BringUp();
                return 0;
            case Down:
                call.Domain.TakeDown(vcpu);
                return 0;
            case IsUp:
                return vcpu.Processor.IsUp ? 1 : 0;
            case GetRunstate:
                Span<byte> runstate = stackalloc byte[48];
                var length = vcpu.Runstate.Write(runstate, call.Is64Bit, isCurrent: true);
                return call.TryWrite(call.Argument(2), runstate[..length]) ? 0 : XenError.BadAddress;
            case RegisterRunstate:
                if (!call.TryReadWord(call.Argument(2), out var runstateArea))
                    return XenError.BadAddress;
                vcpu.Runstate.RegisterArea(runstateArea, call.Is64Bit, vcpu == call.Caller);
                return 0;
            case RegisterTime:
                if (!call.TryReadWord(call.Argument(2), out var timeArea))
                    return XenError.BadAddress;
                vcpu.Runstate.RegisterTimeArea(timeArea);
                return 0;
            case SetPeriodic:
                return DoSetPeriodic(call, vcpu);
            case StopPeriodic:
                vcpu.Timers.StopPeriodic();
                return 0;
            case SetSingleshot:
                return DoSetSingleshot(call, vcpu);
            case StopSingleshot:
                if (vcpu != call.Caller)
                    return XenError.Invalid;
                vcpu.Timers.StopSingleshot();
                return 0;
            case RegisterInfo:
                return DoRegisterInfo(call, vcpu);
            case SendNmi:
                if (call.Argument(2) != 0)
                    return XenError.Invalid;
                vcpu.Processor.RequestNmi();
                return 0;
            // Only domains that are pinned to physical processors may know them.
            case GetPhysicalId:
                return XenError.Invalid;
            default:
                return call.Unsupported(command);
        }
    }

    private static long DoInitialise(in GuestCall call, DomainVcpu vcpu)
    {
        Span<byte> bytes = stackalloc byte[VcpuContext.Length];
        if (!call.TryRead(call.Argument(2), bytes))
            return XenError.BadAddress;
        if (vcpu.Processor.IsInitialised)
            return XenError.Exists;
        if (!VcpuContext.TryLoad(vcpu.Vcpu, bytes))
            return XenError.Invalid;
        vcpu.TakeTimeStamp();
        vcpu.Processor.Initialise();
        return 0;
    }

    /// <summary>period_ns u64.</summary>
    private static long DoSetPeriodic(in GuestCall call, DomainVcpu vcpu)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(call.Argument(2), bytes))
            return XenError.BadAddress;
        var period = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (period is < VcpuTimers.ShortestPeriod or > VcpuTimers.LongestPeriod)
            return XenError.Invalid;
        vcpu.Timers.StartPeriodic(period);
        return 0;
    }

    /// <summary>timeout_abs_ns u64@0, flags u32@8. The flag for deadlines in the past (bit 0) has no effect since Xen 4.17: they fire.</summary>
    private static long DoSetSingleshot(in GuestCall call, DomainVcpu vcpu)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..(call.Is64Bit ? 16 : 12)];
        // The layout of 32-bit callers is translated before anything is checked.
        if (call.Is64Bit && vcpu != call.Caller)
            return XenError.Invalid;
        if (!call.TryRead(call.Argument(2), bytes))
            return XenError.BadAddress;
        if (vcpu != call.Caller)
            return XenError.Invalid;
        vcpu.Timers.StartSingleshot(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        return 0;
    }

    /// <summary>mfn u64@0, offset u32@8, reserved u32@12.</summary>
    private static long DoRegisterInfo(in GuestCall call, DomainVcpu vcpu)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!call.TryRead(call.Argument(2), bytes))
            return XenError.BadAddress;
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        var alignment = call.Domain.SharedInfo.Is64Bit ? 8U : 4U;
        if (offset > PageSize - DomainVcpu.InfoLength || offset % alignment != 0)
            return XenError.NoAddress;
        if (vcpu.HasRegisteredInfo)
            return XenError.Invalid;
        // Somebody else's vCPU must not run while its place is being changed.
        if (vcpu != call.Caller && vcpu.Processor.IsUp)
            return XenError.Invalid;
        if (call.Domain.Hold(BinaryPrimitives.ReadUInt64LittleEndian(bytes), (int)offset) is not { } place)
            return XenError.Invalid;
        vcpu.RegisterInfo(place);
        return 0;
    }
}
