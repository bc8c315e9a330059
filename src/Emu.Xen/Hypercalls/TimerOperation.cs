namespace Emu.Xen.Hypercalls;

/// <summary>set_timer_op(timeout): the vCPU's single-shot timer, in absolute nanoseconds; 0 stops it (xen/include/public/xen.h).</summary>
internal static class TimerOperation
{
    public const uint Number = 15;

    /// <summary>
    /// How far in the future a deadline may be: about 13 days. Old Linux kernels give later ones where they mean none, or have let their
    /// time wrap; Xen lets those come after <see cref="Grace"/>.
    /// </summary>
    private const int FarthestBits = 50;

    private const ulong Grace = 100_000_000;

    public static long Execute(in GuestCall call)
    {
        var deadline = call.Is64Bit ? call.Argument(0) : call.Argument(0) | (call.Argument(1) << 32);
        var timers = call.Caller.Timers;
        var now = call.Domain.Host.Now;
        if (deadline == 0)
            timers.StopSingleshot();
        else if ((long)deadline < 0 || (deadline > now && (deadline - now) >> FarthestBits != 0))
            timers.StartSingleshot(now + Grace);
        else
            timers.StartSingleshot(deadline);
        return 0;
    }
}
