using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>vcpu_op (VCPUOP_*, xen/include/public/vcpu.h; the state of initialise: xen/include/public/hvm/hvm_vcpu.h).</summary>
internal static class VcpuForms
{
    private static readonly Structure Context32 = new(
        Padding(8), Hex("eax"), Hex("ecx"), Hex("edx"), Hex("ebx"), Hex("esp"), Hex("ebp"), Hex("esi"), Hex("edi"), Hex("eip"), Hex("eflags"),
        Hex("cr0"), Hex("cr3"), Hex("cr4"), Padding(4), Hex("efer", FieldType.UInt64), Hex("cs_base"), Hex("ds_base"), Hex("ss_base"), Hex("es_base"),
        Hex("tr_base"), Hex("cs_limit"), Hex("ds_limit"), Hex("ss_limit"), Hex("es_limit"), Hex("tr_limit"), Hex("cs_ar", FieldType.UInt16),
        Hex("ds_ar", FieldType.UInt16), Hex("ss_ar", FieldType.UInt16), Hex("es_ar", FieldType.UInt16), Hex("tr_ar", FieldType.UInt16));

    private static readonly Structure Context64 = new(
        Padding(8), Hex("rax", FieldType.UInt64), Hex("rcx", FieldType.UInt64), Hex("rdx", FieldType.UInt64), Hex("rbx", FieldType.UInt64),
        Hex("rsp", FieldType.UInt64), Hex("rbp", FieldType.UInt64), Hex("rsi", FieldType.UInt64), Hex("rdi", FieldType.UInt64), Hex("rip", FieldType.UInt64),
        Hex("rflags", FieldType.UInt64), Hex("cr0", FieldType.UInt64), Hex("cr3", FieldType.UInt64), Hex("cr4", FieldType.UInt64),
        Hex("efer", FieldType.UInt64));

    public static CallForm Call { get; } = new(VcpuOperation.Number, "vcpu_op")
    {
        Arguments = [(1, Number("vcpu"))],
        StructureAt = 2,
        Operations =
        [
            new(0, "initialise", Named("mode", new ValueNames(0, "32b", "64b")))
            {
                Variant = static mode => mode switch { 0 => Context32, 1 => Context64, _ => null },
            },
            new(1, "up"),
            new(2, "down"),
            new(3, "is_up"),
            new(4, "get_runstate", Named("state", new ValueNames(0, "running", "runnable", "blocked", "offline")).Out(), Time("state_entry_time").Out(),
                Time("running").Out(), Time("runnable").Out(), Time("blocked").Out(), Time("offline").Out()),
            new(5, "register_runstate", Pointer("addr", FieldType.UInt64)),
            new(6, "set_periodic", Time("period")),
            new(7, "stop_periodic"),
            new(8, "set_singleshot", Time("timeout"), Hex("flags")),
            new(9, "stop_singleshot"),
            new(10, "register_vcpu_info", Hex("mfn", FieldType.UInt64), Hex("offset")),
            new(11, "send_nmi"),
            new(12, "get_physid", Hex("phys_id", FieldType.UInt64).Out()),
            new(13, "register_vcpu_time", Pointer("addr", FieldType.UInt64)),
            new(14, "register_runstate_phys", Hex("addr", FieldType.UInt64)),
            new(15, "register_vcpu_time_phys", Hex("addr", FieldType.UInt64)),
        ],
    };
}
