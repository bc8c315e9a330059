namespace Emu.Xen.Hypercalls;

/// <summary>set_timer_op(timeout): the vCPU's single-shot timer, in absolute nanoseconds; 0 stops it (xen/include/public/xen.h).</summary>
internal static class TimerOperation
{
    public const uint Number = 15;

    public static long Execute(in GuestCall call)
    {
        var deadline = call.Is64Bit ? call.Argument(0) : call.Argument(0) | (call.Argument(1) << 32);
        if (deadline == 0)
            call.Caller.Timers.StopSingleshot();
        else
            call.Caller.Timers.StartSingleshot(deadline);
        return 0;
    }
}
