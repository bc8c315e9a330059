using Emu.Xen.Hypercalls;
using static Emu.Xen.Tracing.Field;

namespace Emu.Xen.Tracing.Forms;

/// <summary>xen_version (XENVER_*, xen/include/public/version.h).</summary>
internal static class VersionForms
{
    public static CallForm Call { get; } = new(VersionQuery.Number, "xen_version")
    {
        Operations =
        [
            new(0, "version"),
            new(1, "extraversion", Text("extraversion", 16)),
            new(2, "compile_info", Text("compiler", 64), Text("compile_by", 16), Text("compile_domain", 32), Text("compile_date", 32)),
            new(3, "capabilities", Text("capabilities", 1024)),
            new(4, "changeset", Text("changeset", 64)),
            new(5, "platform_parameters", Hex("virt_start", FieldType.Word).Out()),
            new(6, "get_features", Number("submap_idx"), Hex("submap").Out()),
            new(7, "pagesize"),
            new(8, "guest_handle", Hex("low", FieldType.UInt64).Out(), Hex("high", FieldType.UInt64).Out()),
            new(9, "commandline", Text("commandline", 1024)),
            new(10, "build_id"),
        ],
    };
}
