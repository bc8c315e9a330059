namespace Emu.Xen.Hypercalls;

/// <summary>The hypercalls that a PVH domain has (xen/include/public/xen.h, xen/include/hypercall-defs.c), by number.</summary>
internal static class HypercallTable
{
    /// <summary>Makes a call.</summary>
    /// <returns>Its result; -EPERM where it is not the guest's kernel that calls; -ENOSYS, and a line in the log, where there is none of its number.</returns>
    public static long Execute(in GuestCall call)
    {
        var observer = call.Domain.Observer;
        var hook = call.Domain.HypercallHook;
        observer?.Calling(call);
        if (hook is null || !hook.TryAnswer(call, out var result))
            result = call.IsPrivileged ? Dispatch(call) : XenError.NotPermitted;
        observer?.Called(call, result);
        hook?.Called(call, result);
        return result;
    }

    private static long Dispatch(in GuestCall call)
    {
        switch (call.Number)
        {
            case MemoryOperation.Number:
                return MemoryOperation.Execute(call);
            case Multicall.Number:
                return Multicall.Execute(call);
            case TimerOperation.Number:
                return TimerOperation.Execute(call);
            case VersionQuery.Number:
                return VersionQuery.Execute(call);
            case ConsoleTransfer.Number:
                return ConsoleTransfer.Execute(call);
            case GrantTableOperation.Number:
                return GrantTableOperation.Execute(call);
            case VmAssist.Number:
                return VmAssist.Execute(call);
            case VcpuOperation.Number:
                return VcpuOperation.Execute(call);
            case SchedulerOperation.Number:
                return SchedulerOperation.Execute(call);
            case EventChannelOperation.Number:
                return EventChannelOperation.Execute(call);
            case HvmOperation.Number:
                return HvmOperation.Execute(call);
            case PrivilegedOperation.Platform or PrivilegedOperation.MmuExtended or PrivilegedOperation.SecurityModule
                or PrivilegedOperation.PhysicalDevice or PrivilegedOperation.SystemControl or PrivilegedOperation.DomainControl
                or PrivilegedOperation.PerformanceUnit or PrivilegedOperation.DeviceModel or PrivilegedOperation.HypervisorFiles
                or PrivilegedOperation.DomainControlContinued:
                return PrivilegedOperation.Execute(call);
            default:
                call.Domain.Host.Unsupported(call.Caller.Vcpu, $"hypercall {call.Number}");
                return XenError.NotImplemented;
        }
    }
}
