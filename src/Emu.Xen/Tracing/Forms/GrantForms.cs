using static Emu.Xen.Tracing.Field;
using Op = Emu.Xen.Hypercalls.GrantTableOperation;

namespace Emu.Xen.Tracing.Forms;

/// <summary>grant_table_op (GNTTABOP_*, xen/include/public/grant_table.h).</summary>
internal static class GrantForms
{
    /// <summary>GNTST_*, from the lowest on.</summary>
    public static string Status(long status) => status switch
    {
        0 => "okay",
        -1 => "general_error",
        -2 => "bad_domain",
        -3 => "bad_gntref",
        -4 => "bad_handle",
        -5 => "bad_virt_addr",
        -6 => "bad_dev_addr",
        -7 => "no_device_space",
        -8 => "permission_denied",
        -9 => "bad_page",
        -10 => "bad_copy_arg",
        -11 => "address_too_big",
        -12 => "eagain",
        -13 => "no_space",
        _ => status.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    private static Field StatusField { get; } = new Field("status", FieldType.UInt16, ValueForm.GrantStatus).Out();

    public static CallForm Call { get; } = new(Op.Number, "grant_table_op")
    {
        CountAt = 2,
        Operations =
        [
            new(Op.MapGrantRef, "map_grant_ref", Hex("host_addr", FieldType.UInt64), Hex("flags"), Number("ref"), Domain("dom"), StatusField, Number("handle").Out(),
                Hex("dev_bus_addr", FieldType.UInt64).Out()),
            new(Op.UnmapGrantRef, "unmap_grant_ref", Hex("host_addr", FieldType.UInt64), Hex("dev_bus_addr", FieldType.UInt64), Number("handle"), StatusField),
            new(Op.SetupTable, "setup_table", Domain("dom"), Number("nr_frames"), StatusField,
                List("frames", FieldType.Word, "nr_frames", ValueForm.Hexadecimal).Out()),
            new(3, "dump_table", Domain("dom"), StatusField),
            new(4, "transfer"),
            new(Op.Copy, "copy", Hex("source", FieldType.Word), Domain("source_dom"), Number("source_offset", FieldType.UInt16), Hex("dest", FieldType.Word),
                Domain("dest_dom"), Number("dest_offset", FieldType.UInt16), WordBoundary, Number("len", FieldType.UInt16), Hex("flags", FieldType.UInt16), StatusField),
            new(Op.QuerySize, "query_size", Domain("dom"), Number("nr_frames").Out(), Number("max_nr_frames").Out(), StatusField),
            new(7, "unmap_and_replace"),
            new(Op.SetVersion, "set_version", Number("version").InOut()),
            new(9, "get_status_frames", Number("nr_frames"), Domain("dom"), StatusField),
            new(Op.GetVersion, "get_version", Domain("dom"), Number("version").Out()),
            new(Op.SwapGrantRef, "swap_grant_ref", Number("ref_a"), Number("ref_b"), StatusField),
            new(12, "cache_flush"),
        ],
    };
}
