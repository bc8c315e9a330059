using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>event_channel_op (EVTCHNOP_*, xen/include/public/event_channel.h).</summary>
internal static class EventChannelForms
{
    /// <summary>VIRQ_*.</summary>
    public static ValueNames VirtualInterrupts { get; } = new(
        0, "TIMER", "DEBUG", "CONSOLE", "DOM_EXC", "TBUF", null, "DEBUGGER", "XENOPROF", "CON_RING", "PCPU_STATE", "MEM_EVENT", "ARGO", "ENOMEM", "XENPMU",
        null, null, "ARCH_0", "ARCH_1", "ARCH_2", "ARCH_3", "ARCH_4", "ARCH_5", "ARCH_6", "ARCH_7");

    public static CallForm Call { get; } = new(EventChannelOperation.Number, "event_channel_op")
    {
        Operations =
        [
            new(0, "bind_interdomain", Domain("remote_dom"), Number("remote_port"), Number("local_port").Out()),
            new(1, "bind_virq", Named("virq", VirtualInterrupts), Number("vcpu"), Number("port").Out()),
            new(2, "bind_pirq", Number("pirq"), Hex("flags"), Number("port").Out()),
            new(3, "close", Number("port")),
            new(4, "send", Number("port")),
            new(5, "status", Domain("dom"), Number("port"), Named("status", new ValueNames(0, "closed", "unbound", "interdomain", "pirq", "virq", "ipi")).Out(),
                Number("vcpu").Out(), Number("bound").Out(), Number("bound_port").Out()),
            new(6, "alloc_unbound", Domain("dom"), Domain("remote_dom"), Number("port").Out()),
            new(7, "bind_ipi", Number("vcpu"), Number("port").Out()),
            new(8, "bind_vcpu", Number("port"), Number("vcpu")),
            new(9, "unmask", Number("port")),
            new(10, "reset", Domain("dom")),
            new(11, "init_control", Hex("control_gfn", FieldType.UInt64), Hex("offset"), Number("vcpu"), Number("link_bits", FieldType.UInt8).Out()),
            new(12, "expand_array", Hex("array_gfn", FieldType.UInt64)),
            new(13, "set_priority", Number("port"), Number("priority")),
        ],
    };
}
