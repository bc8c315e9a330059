using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.VcpuOperation;

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

    public static CallForm Call { get; } = new(Op.Number, "vcpu_op")
    {
        Arguments = [(1, Number("vcpu"))],
        StructureAt = 2,
        Operations =
        [
            new(Op.Initialise, "initialise", Named("mode", new ValueNames(0, "32b", "64b")))
            {
                Variant = static mode => mode switch { 0 => Context32, 1 => Context64, _ => null },
            },
            new(Op.Up, "up"),
            new(Op.Down, "down"),
            new(Op.IsUp, "is_up"),
            new(Op.GetRunstate, "get_runstate", Named("state", new ValueNames(0, "running", "runnable", "blocked", "offline")).Out(), Time("state_entry_time").Out(),
                Time("running").Out(), Time("runnable").Out(), Time("blocked").Out(), Time("offline").Out()),
            new(Op.RegisterRunstate, "register_runstate", Pointer("addr", FieldType.UInt64)),
            new(Op.SetPeriodic, "set_periodic", Time("period")),
            new(Op.StopPeriodic, "stop_periodic"),
            new(Op.SetSingleshot, "set_singleshot", Time("timeout"), Hex("flags")),
            new(Op.StopSingleshot, "stop_singleshot"),
            new(Op.RegisterInfo, "register_vcpu_info", Pointer("mfn", FieldType.UInt64), Hex("offset"), Padding(4)),
            new(Op.SendNmi, "send_nmi"),
            new(Op.GetPhysicalId, "get_physid", Hex("phys_id", FieldType.UInt64).Out()),
            new(Op.RegisterTime, "register_vcpu_time", Pointer("addr", FieldType.UInt64)),
            new(14, "register_runstate_phys", Hex("addr", FieldType.UInt64)),
            new(15, "register_vcpu_time_phys", Hex("addr", FieldType.UInt64)),
        ],
    };
}
