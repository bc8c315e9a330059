using Emu.Machine.Time;

namespace Emu.Machine.Tests.Support;

/// <summary>A vCPU that retires what a test says, and stops at every deadline as the run loop does.</summary>
internal sealed class ManualCounter : IInstructionCounter
{
    public ulong InstructionsRetired { get; set; }

    public ulong RunLimit { get; set; } = ulong.MaxValue;

    public void LimitRun(ulong untilRetired) => RunLimit = Math.Min(RunLimit, untilRetired);
}

internal static class ClockExtensions
{
    /// <summary>Lets time pass, stopping at every deadline on the way.</summary>
    public static void Advance(this VirtualClock clock, ulong nanoseconds)
    {
        var end = clock.Now + nanoseconds;
        while (clock.NextDeadline is { } deadline && deadline <= end)
        {
            if (deadline > clock.Now)
                clock.Warp(deadline - clock.Now);
            clock.FireDue();
        }

        clock.Warp(end - clock.Now);
    }
}
