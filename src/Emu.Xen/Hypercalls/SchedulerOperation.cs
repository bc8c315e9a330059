namespace Emu.Xen.Hypercalls;

/// <summary>sched_op(cmd, arg): yield, block and shut down (xen/include/public/sched.h).</summary>
internal static class SchedulerOperation
{
    public const uint Number = 29;

    private const uint Yield = 0;
    private const uint Block = 1;
    private const uint Shutdown = 2;

    public static long Execute(in GuestCall call, IXenHost host)
    {
        var command = (uint)call.Argument(0);
        switch (command)
        {
            case Yield:
                return 0;
            case Block:
                call.Halt();
                return 0;
            case Shutdown:
                if (!call.TryReadUInt32(call.Argument(1), out var reason))
                    return XenError.BadAddress;
                if (reason > (uint)ShutdownReason.SoftReset)
                    return XenError.Invalid;
                host.Shutdown((ShutdownReason)reason);
                return 0;
            default:
                host.Unsupported(Number, command);
                return XenError.NotImplemented;
        }
    }
}
