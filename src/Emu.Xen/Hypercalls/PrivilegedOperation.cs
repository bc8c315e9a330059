using System.Buffers.Binary;
using Emu.Xen.Domains;

namespace Emu.Xen.Hypercalls;

/// <summary>
/// The hypercalls that a domain without privilege may make, but that do nothing for it. What such a call gives depends on its arguments:
/// Xen looks at some of them before it looks at the caller.
/// </summary>
internal static class PrivilegedOperation
{
    /// <summary>platform_op(op) (xen/include/public/platform.h).</summary>
    public const uint Platform = 7;

    /// <summary>mmuext_op(ops, count, done, domain): page tables of PV guests (xen/arch/x86/mm.c).</summary>
    public const uint MmuExtended = 26;

    /// <summary>xsm_op(op): this Xen has no security module with one.</summary>
    public const uint SecurityModule = 27;

    /// <summary>physdev_op(cmd, arg): a PVH domain without devices of its own has none of it (hvm_physdev_op).</summary>
    public const uint PhysicalDevice = 33;

    /// <summary>sysctl(op) (xen/include/public/sysctl.h).</summary>
    public const uint SystemControl = 35;

    /// <summary>domctl(op) (xen/include/public/domctl.h).</summary>
    public const uint DomainControl = 36;

    /// <summary>xenpmu_op(op, arg): not for domains with local APICs.</summary>
    public const uint PerformanceUnit = 40;

    /// <summary>dm_op(domain, count, buffers): device models, which run in other domains than those that they serve.</summary>
    public const uint DeviceModel = 41;

    /// <summary>hypfs_op(cmd, …): Xen's parameters.</summary>
    public const uint HypervisorFiles = 42;

    /// <summary>The second half of a domctl that took long (__HYPERVISOR_arch_1).</summary>
    public const uint DomainControlContinued = 49;

    private const uint PlatformVersion = 0x0300_0001, SystemControlVersion = 0x15, DomainControlVersion = 0x15;
    private const int OperationLength = 128, BufferLength = 8;
    private const uint MostBuffers = 2;

    public static long Execute(in GuestCall call)
    {
        switch (call.Number)
        {
            // cmd u32@0, interface_version u32@4, then 128 bytes; domctl has the domain u16@8 before those.
            case Platform:
                return Check(call, 8, PlatformVersion) is var platform and not 0 ? platform : XenError.NotPermitted;
            case SystemControl:
                return Check(call, 8, SystemControlVersion) is var system and not 0 ? system : XenError.NotPermitted;
            case DomainControl:
                return DoDomainControl(call);
            case DomainControlContinued:
                return Check(call, 16, DomainControlVersion) == XenError.BadAddress ? XenError.BadAddress : XenError.NotSupported;
            case MmuExtended:
                return DoMmuExtended(call);
            case PerformanceUnit:
                return XenError.NotSupported;
            case DeviceModel:
                return DoDeviceModel(call);
            case HypervisorFiles:
                return XenError.NotPermitted;
            default:
                return XenError.NotImplemented;
        }
    }

    private static long Check(in GuestCall call, int header, uint version)
    {
        Span<byte> bytes = stackalloc byte[16 + OperationLength];
        bytes = bytes[..(header + OperationLength)];
        if (!call.TryRead(call.Argument(0), bytes))
            return XenError.BadAddress;
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) == version ? 0 : XenError.NoAccess;
    }

    private static long DoDomainControl(in GuestCall call)
    {
        const uint create = 1, getInformation = 5;
        if (Check(call, 16, DomainControlVersion) is var error and not 0)
            return error;
        if (!call.TryReadUInt32(call.Argument(0), out var command) || !call.TryReadUInt32(call.Argument(0) + 8, out var domain))
            return XenError.BadAddress;
        var id = (ushort)domain;
        var exists = id == Domain.ControlDomain || id == call.Domain.Id;
        return exists || command is create or getInformation ? XenError.NotPermitted : XenError.NoDomain;
    }

    private static long DoMmuExtended(in GuestCall call)
    {
        // In the layout of 32-bit callers an empty list is done before anybody looks at the domain.
        if (!call.Is64Bit && (uint)call.Argument(1) == 0)
            return 0;
        return (ushort)call.Argument(3) switch
        {
            // An HVM container cannot name itself by its number here.
            Domain.Self => XenError.Invalid,
            var id when id == call.Domain.Id => XenError.NoDomain,
            Domain.ControlDomain => XenError.NotPermitted,
            _ => XenError.NoDomain,
        };
    }

    private static long DoDeviceModel(in GuestCall call)
    {
        var count = (uint)call.Argument(1);
        if (count == 0)
            return XenError.NoData;
        if (count > MostBuffers)
            return XenError.TooBig;
        Span<byte> bytes = stackalloc byte[(int)MostBuffers * 2 * BufferLength];
        if (!call.TryRead(call.Argument(2), bytes[..((int)count * 2 * call.WordLength)]))
            return XenError.BadAddress;
        var id = (ushort)call.Argument(0);
        if (id == call.Domain.Id)
            return XenError.NotPermitted;
        // The control domain is a PV guest, which no device model serves.
        return id == Domain.ControlDomain ? XenError.Invalid : XenError.NoDomain;
    }
}
