using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>memory_op (XENMEM_*, xen/include/public/memory.h).</summary>
internal static class MemoryForms
{
    private static readonly ValueNames Spaces = new(0, "shared_info", "grant_table", "gmfn", "gmfn_range", "gmfn_foreign", "dev_mmio");

    private static readonly Field[] Reservation =
    [
        List("extents", FieldType.Word, "nr_extents", ValueForm.Hexadecimal), Number("nr_extents", FieldType.Word), Number("order"),
        Hex("mem_flags"), Domain(),
    ];

    public static CallForm Call { get; } = new(MemoryOperation.Number, "memory_op")
    {
        CommandMask = 0x3F,
        Operations =
        [
            new(0, "increase_reservation", Reservation),
            new(1, "decrease_reservation", Reservation),
            new(2, "maximum_ram_page"),
            new(3, "current_reservation", Domain()),
            new(4, "maximum_reservation", Domain()),
            new(5, "machphys_mfn_list"),
            new(6, "populate_physmap", Reservation),
            new(7, "add_to_physmap", Domain(), Number("size", FieldType.UInt16), Named("space", Spaces), Hex("idx", FieldType.Word), Hex("gpfn", FieldType.Word)),
            new(9, "memory_map", Number("nr_entries").InOut(), Pointer("buffer")),
            new(10, "machine_memory_map"),
            new(11, "exchange"),
            new(12, "machphys_mapping"),
            new(13, "set_memory_map"),
            new(14, "maximum_gpfn", Domain()),
            new(15, "remove_from_physmap", Domain(), Hex("gpfn", FieldType.Word)),
            new(16, "set_pod_target"),
            new(17, "get_pod_target"),
            new(23, "add_to_physmap_batch", Domain(), Named("space", Spaces, FieldType.UInt16), Number("size", FieldType.UInt16), Domain("foreign_domid"),
                List("idxs", FieldType.Word, "size", ValueForm.Hexadecimal), List("gpfns", FieldType.Word, "size", ValueForm.Hexadecimal),
                List("errs", FieldType.UInt32, "size", ValueForm.Signed).Out()),
            new(26, "get_vnumainfo"),
            new(27, "reserved_device_memory_map"),
            new(28, "acquire_resource", Domain(), Number("type", FieldType.UInt16), Number("id"), Number("nr_frames"), Padding(4), Number("frame", FieldType.UInt64)),
        ],
    };
}
