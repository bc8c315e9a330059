using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>All hypercalls by number (xen/include/public/xen.h). A new operation is one line in the list of its hypercall.</summary>
internal static class CallForms
{
    /// <summary>What a PVH domain cannot call, or nobody implements here, but a trace should name.</summary>
    private static readonly (uint Number, string Name, bool HasCommand)[] Named =
    [
        (0, "set_trap_table", false), (1, "mmu_update", false), (2, "set_gdt", false), (3, "stack_switch", false), (4, "set_callbacks", false),
        (5, "fpu_taskswitch", false), (6, "sched_op_compat", true), (7, "platform_op", false), (8, "set_debugreg", false),
        (9, "get_debugreg", false), (10, "update_descriptor", false), (14, "update_va_mapping", false), (16, "event_channel_op_compat", false),
        (19, "physdev_op_compat", false), (22, "update_va_mapping_otherdomain", false), (23, "iret", false), (25, "set_segment_base", true),
        (26, "mmuext_op", false), (27, "xsm_op", false), (28, "nmi_op", true), (30, "callback_op", true), (31, "xenoprof_op", true),
        (33, "physdev_op", true), (35, "sysctl", false), (36, "domctl", false), (37, "kexec_op", true), (38, "tmem_op", false),
        (39, "argo_op", true), (40, "xenpmu_op", true), (41, "dm_op", false), (42, "hypfs_op", true),
    ];

    /// <summary>VMASST_TYPE_*.</summary>
    private static readonly ValueNames AssistTypes = new(
        0, "4gb_segments", "4gb_segments_notify", "writable_pagetables", "pae_extended_cr3", "architectural_iopl", "runstate_update_flag");

    private static readonly Dictionary<uint, CallForm> ByNumber = Make();

    public static CallForm? Find(ulong number) => number <= uint.MaxValue ? ByNumber.GetValueOrDefault((uint)number) : null;

    /// <summary>Finds a hypercall, and the number of one of its operations, by their names.</summary>
    public static (CallForm Form, uint Command)? Find(string name, string operation)
    {
        foreach (var form in ByNumber.Values)
        {
            if (form.Name == name && Array.Find(form.Operations, candidate => candidate.Name == operation) is { } known)
                return (form, known.Command);
        }

        return null;
    }

    private static Dictionary<uint, CallForm> Make()
    {
        CallForm[] decoded =
        [
            MemoryForms.Call, VersionForms.Call, VcpuForms.Call, SchedulerForms.Call, EventChannelForms.Call, HvmForms.Call, GrantForms.Call,
            new(Multicall.Number, "multicall")
            {
                HasCommand = false,
                Operations = [new(0, "") { Arguments = [(1, Number("nr_calls"))] }],
            },
            new(TimerOperation.Number, "set_timer_op")
            {
                HasCommand = false,
                Operations = [new(0, "") { Arguments = [(0, Time("timeout"))] }],
            },
            new(ConsoleTransfer.Number, "console_io")
            {
                Operations =
                [
                    new(ConsoleTransfer.WriteCommand, "write") { Arguments = [(1, Number("count")), (2, List("buffer", FieldType.Text, "count"))] },
                    new(1, "read") { Arguments = [(1, Number("count"))] },
                ],
            },
            new(VmAssist.Number, "vm_assist")
            {
                Operations =
                [
                    new(VmAssist.Enable, "enable") { Arguments = [(1, Named("type", AssistTypes))] },
                    new(VmAssist.Disable, "disable") { Arguments = [(1, Named("type", AssistTypes))] },
                ],
            },
        ];
        var all = decoded.ToDictionary(form => form.Number);
        foreach (var (number, name, hasCommand) in Named)
            all.Add(number, new CallForm(number, name) { HasCommand = hasCommand });
        return all;
    }
}
