using System.Buffers.Binary;
using Emu.Xen.Domains;

namespace Emu.Xen.Hypercalls;

/// <summary>hvm_op(cmd, arg) (xen/include/public/hvm/hvm_op.h, xen/arch/x86/hvm/hvm.c). Its structures are the same in both widths.</summary>
internal static class HvmOperation
{
    public const uint Number = 34;

    public const uint SetParameter = 0, GetParameter = 1, FlushTlbs = 5, PagetableDying = 9, GetTime = 10, TraceEvent = 11, GetMemoryType = 15,
        SetUpcallVector = 23, RequestVmEvent = 24, AlternateP2m = 25;

    private const byte FirstVector = 0x10;

    // HVMMEM_*: RAM, and what nothing is behind.
    private const ushort MemoryRam = 0, MemoryMmio = 2;

    private const uint LongestTraceExtra = 28, TraceEvents = 0xFFF;

    public static long Execute(in GuestCall call)
    {
        if (call.Argument(0) > uint.MaxValue)
            return XenError.NotImplemented;
        var command = (uint)call.Argument(0);
        switch (command)
        {
            case SetParameter or GetParameter:
                return DoParameter(call, command);
            case FlushTlbs:
                return DoFlushTlbs(call);
            case PagetableDying:
                return DoPagetableDying(call);
            case GetTime:
                return DoGetTime(call);
            case TraceEvent:
                return DoTraceEvent(call);
            case GetMemoryType:
                return DoGetMemoryType(call);
            case SetUpcallVector:
                return DoSetUpcallVector(call);
            // Nobody listens, which the guest is not told.
            case RequestVmEvent:
                return call.Argument(1) == 0 ? 0 : XenError.Invalid;
            // For processors that can change the view of memory.
            case AlternateP2m:
                return XenError.NotSupported;
            default:
                return call.Unsupported(command);
        }
    }

    /// <summary>domid u16@0, index u32@4, value u64@8.</summary>
    private static long DoParameter(in GuestCall call, uint command)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var index = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (index >= HvmParameters.Count)
            return XenError.Invalid;
        if (CheckDomain(call.Domain, bytes) is var error and not 0)
            return error;
        if (command == SetParameter)
            return DoSetParameter(call, index, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
        var result = call.Domain.Parameters.Get(index, out var value);
        if (result != 0)
            return result;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], value);
        return call.TryWrite(call.Argument(1), bytes) ? 0 : XenError.BadAddress;
    }

    private static long DoSetParameter(in GuestCall call, uint index, ulong value)
    {
        var result = call.Domain.Parameters.Set(index, value);
        if (HvmParameters.IsFatal(index, value))
            call.Domain.End(ShutdownReason.Crash);
        if (result != 0 || index != HvmParameters.CallbackInterrupt)
            return result;
        // Xen looks at nothing here: even those without an upcall are told of one. A way that needs interrupt lines changes nothing.
        if (HvmParameters.IsVector(value))
        {
            foreach (var vcpu in call.Domain.Vcpus)
            {
                if (vcpu.Processor.IsUp)
                    vcpu.AssertUpcall();
            }
        }

        call.Domain.SharedInfo.LatchWidth(call.Is64Bit);
        return 0;
    }

    private static long DoFlushTlbs(in GuestCall call)
    {
        // The argument is reserved for a set of vCPUs.
        if (call.Argument(1) != 0)
            return XenError.Invalid;
        foreach (var vcpu in call.Domain.Vcpus)
            vcpu.Vcpu.ForgetTranslations();
        return 0;
    }

    /// <summary>domid u16@0, gpa u64@8: for shadow paging, but this is nested paging.</summary>
    private static long DoPagetableDying(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var error = CheckDomain(call.Domain, bytes);
        return error == XenError.NotPermitted ? XenError.NotSupported : error != 0 ? error : XenError.Invalid;
    }

    /// <summary>event u16@0, extra_bytes u16@2, extra u8[28]@4: for Xen's trace buffers, which are off.</summary>
    private static long DoTraceEvent(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[32];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        uint what = BinaryPrimitives.ReadUInt16LittleEndian(bytes), extra = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        return extra > LongestTraceExtra || what > TraceEvents ? XenError.Invalid : 0;
    }

    /// <summary>now u64@0 out: nanoseconds.</summary>
    private static long DoGetTime(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, call.Domain.Host.Now);
        return call.TryWrite(call.Argument(1), bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>domid u16@0, mem_type u16@2 out, pfn u64@8.</summary>
    private static long DoGetMemoryType(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        if (CheckDomain(call.Domain, bytes) is var error and not 0)
            return error;
        var gfn = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], call.Domain.Memory.FrameAt(gfn) >= 0 ? MemoryRam : MemoryMmio);
        return call.TryWrite(call.Argument(1), bytes) ? 0 : XenError.BadAddress;
    }

    /// <summary>vcpu u32@0, vector u8@4.</summary>
    private static long DoSetUpcallVector(in GuestCall call)
    {
        Span<byte> bytes = stackalloc byte[8];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var number = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (bytes[4] < FirstVector)
            return XenError.Invalid;
        if (number >= call.Domain.Vcpus.Count)
            return XenError.NoEntry;
        var vcpu = call.Domain.Vcpus[(int)number];
        vcpu.UpcallVector = bytes[4];
        // Whether or not an upcall is pending.
        vcpu.AssertUpcall();
        return 0;
    }

    private static long CheckDomain(Domain domain, ReadOnlySpan<byte> bytes) =>
        domain.CheckTarget(BinaryPrimitives.ReadUInt16LittleEndian(bytes));
}
