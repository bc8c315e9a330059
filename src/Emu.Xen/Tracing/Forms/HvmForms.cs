using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.HvmOperation;

namespace Emu.Xen.Tracing.Forms;

/// <summary>hvm_op (HVMOP_*, xen/include/public/hvm/hvm_op.h; HVM_PARAM_*, hvm/params.h).</summary>
internal static class HvmForms
{
    private static readonly ValueNames Parameters = new(
        0, "CALLBACK_IRQ", "STORE_PFN", "STORE_EVTCHN", null, "PAE_ENABLED", "IOREQ_PFN", "BUFIOREQ_PFN", null, null, "VIRIDIAN", "TIMER_MODE", "HPET_ENABLED",
        "IDENT_PT", "DM_DOMAIN", "ACPI_S_STATE", "VM86_TSS", "VPT_ALIGN", "CONSOLE_PFN", "CONSOLE_EVTCHN", "ACPI_IOPORTS_LOCATION",
        "MEMORY_EVENT_CR0", "MEMORY_EVENT_CR3", "MEMORY_EVENT_CR4", "MEMORY_EVENT_INT3", "NESTEDHVM", "MEMORY_EVENT_SINGLE_STEP", "BUFIOREQ_EVTCHN",
        "PAGING_RING_PFN", "MONITOR_RING_PFN", "SHARING_RING_PFN", "MEMORY_EVENT_MSR", "TRIPLE_FAULT_REASON", "IOREQ_SERVER_PFN", "NR_IOREQ_SERVER_PAGES",
        "VM_GENERATION_ID_ADDR", "ALTP2M", "X87_FIP_WIDTH", "VM86_TSS_SIZED", "MCA_CAP");

    private static readonly ValueNames MemoryTypes = new(0, "ram_rw", "ram_ro", "mmio_dm");

    public static CallForm Call { get; } = new(Op.Number, "hvm_op")
    {
        Operations =
        [
            new(Op.SetParameter, "set_param", Domain(), Named("index", Parameters), Hex("value", FieldType.UInt64)),
            new(Op.GetParameter, "get_param", Domain(), Named("index", Parameters), Hex("value", FieldType.UInt64).Out()),
            new(Op.FlushTlbs, "flush_tlbs") { Arguments = [(1, Pointer("arg"))] },
            new(Op.PagetableDying, "pagetable_dying", Domain(), Padding(6), Hex("gpa", FieldType.UInt64)),
            new(Op.GetTime, "get_time", Time("now").Out()),
            new(Op.TraceEvent, "xentrace", Number("event", FieldType.UInt16), Number("extra_bytes", FieldType.UInt16)),
            new(Op.GetMemoryType, "get_mem_type", Domain(), Named("mem_type", MemoryTypes, FieldType.UInt16).Out(), Padding(4), Hex("pfn", FieldType.UInt64)),
            new(Op.SetUpcallVector, "set_evtchn_upcall_vector", Number("vcpu"), Hex("vector", FieldType.UInt8)),
            new(Op.RequestVmEvent, "guest_request_vm_event"),
            new(Op.AlternateP2m, "altp2m"),
        ],
    };
}
