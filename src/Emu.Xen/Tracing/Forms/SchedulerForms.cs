using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.SchedulerOperation;

namespace Emu.Xen.Tracing.Forms;

/// <summary>sched_op (SCHEDOP_*, xen/include/public/sched.h).</summary>
internal static class SchedulerForms
{
    /// <summary>SHUTDOWN_*.</summary>
    public static ValueNames Reasons { get; } = new(0, "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset");

    public static CallForm Call { get; } = new(Op.Number, "sched_op")
    {
        Operations =
        [
            new(Op.Yield, "yield"),
            new(Op.Block, "block"),
            new(Op.Shutdown, "shutdown", Named("reason", Reasons)),
            new(Op.Poll, "poll", List("ports", FieldType.UInt32, "nr_ports"), Number("nr_ports"), Time("timeout")),
            new(Op.RemoteShutdown, "remote_shutdown", Domain(), Named("reason", Reasons)),
            new(Op.ShutdownCode, "shutdown_code", Named("reason", Reasons)),
            new(Op.Watchdog, "watchdog", Number("id"), Number("seconds")),
            new(Op.PinOverride, "pin_override", Signed("pcpu", FieldType.UInt32)),
        ],
    };
}
