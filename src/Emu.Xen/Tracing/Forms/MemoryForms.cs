using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.MemoryOperation;

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

    public static CallForm Call { get; } = new(Op.Number, "memory_op")
    {
        CommandMask = Op.CommandMask,
        Operations =
        [
            new(Op.IncreaseReservation, "increase_reservation", Reservation),
            new(Op.DecreaseReservation, "decrease_reservation", Reservation),
            new(Op.MaximumRamPage, "maximum_ram_page"),
            new(Op.CurrentReservation, "current_reservation", Domain()),
            new(Op.MaximumReservation, "maximum_reservation", Domain()),
            new(5, "machphys_mfn_list"),
            new(Op.PopulatePhysmap, "populate_physmap", Reservation),
            new(Op.AddToPhysmap, "add_to_physmap", Domain(), Number("size", FieldType.UInt16), Named("space", Spaces), Hex("idx", FieldType.Word), Hex("gpfn", FieldType.Word)),
            new(Op.MemoryMap, "memory_map", Number("nr_entries").InOut(), Pointer("buffer")),
            new(10, "machine_memory_map"),
            new(11, "exchange"),
            new(12, "machphys_mapping"),
            new(Op.SetMemoryMap, "set_memory_map"),
            new(Op.MaximumGpfn, "maximum_gpfn", Domain()),
            new(Op.RemoveFromPhysmap, "remove_from_physmap", Domain(), Hex("gpfn", FieldType.Word)),
            new(Op.SetPodTarget, "set_pod_target"),
            new(Op.GetPodTarget, "get_pod_target"),
            new(Op.GetSharingFreedPages, "get_sharing_freed_pages"),
            new(Op.GetSharingSharedPages, "get_sharing_shared_pages"),
            new(Op.AccessOperation, "access_op"),
            new(Op.ClaimPages, "claim_pages", Reservation),
            new(Op.AddToPhysmapBatch, "add_to_physmap_batch", Domain(), Named("space", Spaces, FieldType.UInt16), Number("size", FieldType.UInt16), Domain("foreign_domid"),
                List("idxs", FieldType.Word, "size", ValueForm.Hexadecimal), List("gpfns", FieldType.Word, "size", ValueForm.Hexadecimal),
                List("errs", FieldType.UInt32, "size", ValueForm.Signed).Out()),
            new(Op.GetVnumaInformation, "get_vnumainfo"),
            new(Op.ReservedDeviceMemoryMap, "reserved_device_memory_map"),
            new(Op.AcquireResource, "acquire_resource", Domain(), Number("type", FieldType.UInt16), Number("id"), Number("nr_frames"), Padding(4), Number("frame", FieldType.UInt64)),
        ],
    };
}
