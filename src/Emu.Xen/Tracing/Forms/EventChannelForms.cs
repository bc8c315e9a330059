using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.EventChannelOperation;

namespace Emu.Xen.Tracing.Forms;

/// <summary>event_channel_op (EVTCHNOP_*, xen/include/public/event_channel.h).</summary>
internal static class EventChannelForms
{
    /// <summary>VIRQ_*.</summary>
    public static ValueNames VirtualInterrupts { get; } = new(
        0, "TIMER", "DEBUG", "CONSOLE", "DOM_EXC", "TBUF", null, "DEBUGGER", "XENOPROF", "CON_RING", "PCPU_STATE", "MEM_EVENT", "ARGO", "ENOMEM", "XENPMU",
        null, null, "ARCH_0", "ARCH_1", "ARCH_2", "ARCH_3", "ARCH_4", "ARCH_5", "ARCH_6", "ARCH_7");

    public static CallForm Call { get; } = new(Op.Number, "event_channel_op")
    {
        Operations =
        [
            new(Op.BindInterdomain, "bind_interdomain", Domain("remote_dom"), Number("remote_port"), Number("local_port").Out()),
            new(Op.BindVirtual, "bind_virq", Named("virq", VirtualInterrupts), Number("vcpu"), Number("port").Out()),
            new(Op.BindPhysical, "bind_pirq", Number("pirq"), Hex("flags"), Number("port").Out()),
            new(Op.Close, "close", Number("port")),
            new(Op.Send, "send", Number("port")),
            new(Op.Status, "status", Domain("dom"), Number("port"), Named("status", new ValueNames(0, "closed", "unbound", "interdomain", "pirq", "virq", "ipi")).Out(),
                Number("vcpu").Out(), Number("bound").Out(), Number("bound_port").Out()),
            new(Op.AllocateUnbound, "alloc_unbound", Domain("dom"), Domain("remote_dom"), Number("port").Out()),
            new(Op.BindInterprocessor, "bind_ipi", Number("vcpu"), Number("port").Out()),
            new(Op.BindVcpu, "bind_vcpu", Number("port"), Number("vcpu")),
            new(Op.Unmask, "unmask", Number("port")),
            new(Op.Reset, "reset", Domain("dom")),
            new(Op.ResetContinued, "reset_cont", Domain("dom")),
            new(Op.InitControl, "init_control", Pointer("control_gfn", FieldType.UInt64), Hex("offset"), Number("vcpu"), Number("link_bits", FieldType.UInt8).Out()),
            new(Op.ExpandArray, "expand_array", Pointer("array_gfn", FieldType.UInt64)),
            new(Op.SetPriority, "set_priority", Number("port"), Number("priority")),
        ],
    };
}
