using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>sched_op (SCHEDOP_*, xen/include/public/sched.h).</summary>
internal static class SchedulerForms
{
    /// <summary>SHUTDOWN_*.</summary>
    public static ValueNames Reasons { get; } = new(0, "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset");

    public static CallForm Call { get; } = new(SchedulerOperation.Number, "sched_op")
    {
        Operations =
        [
            new(0, "yield"),
            new(1, "block"),
            new(2, "shutdown", Named("reason", Reasons)),
            new(3, "poll", List("ports", FieldType.UInt32, "nr_ports"), Number("nr_ports"), Time("timeout")),
            new(4, "remote_shutdown", Domain(), Named("reason", Reasons)),
            new(5, "shutdown_code", Named("reason", Reasons)),
            new(6, "watchdog", Number("id"), Number("seconds")),
            new(7, "pin_override", Signed("pcpu", FieldType.UInt32)),
        ],
    };
}
