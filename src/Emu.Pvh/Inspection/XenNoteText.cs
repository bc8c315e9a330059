using System.Globalization;

namespace Emu.Pvh;

/// <summary>Xen notes in words.</summary>
public static class XenNoteText
{
    // Bits of XENFEAT_* (xen/include/public/features.h).
    private static readonly string[] FeatureNames =
    [
        "writable_page_tables", "writable_descriptor_tables", "auto_translated_physmap", "supervisor_mode_kernel", "pae_pgdir_above_4gb",
        "mmu_pt_update_preserve_ad", "highmem_assist", "gnttab_map_avail_bits", "hvm_callback_vector", "hvm_safe_pvclock", "hvm_pirqs",
        "dom0", "grant_map_identity", "memory_op_vnode_supported", "ARM_SMCCC_supported", "linux_rsdp_unrestricted", "not_direct_mapped",
        "direct_mapped",
    ];

    /// <summary>A note as "NAME = value", with what the value means where that is not obvious.</summary>
    /// <param name="note">A note named "Xen".</param>
    /// <returns>One line.</returns>
    public static string Describe(ElfNote note)
    {
        ArgumentNullException.ThrowIfNull(note);
        XenNoteType type = (XenNoteType)note.Type;
        ReadOnlySpan<byte> bytes = note.Descriptor.Span;
        return $"{Name(type)} = {Value(type, bytes)}{Remark(type, bytes)}";
    }

    /// <summary>The name of a type as Xen's header has it, without XEN_ELFNOTE_.</summary>
    /// <param name="type">A type.</param>
    /// <returns>For instance "PHYS32_ENTRY"; "type 0x1000001" for an unknown one.</returns>
    public static string Name(XenNoteType type) => type switch
    {
        XenNoteType.Info => "INFO",
        XenNoteType.Entry => "ENTRY",
        XenNoteType.HypercallPage => "HYPERCALL_PAGE",
        XenNoteType.VirtBase => "VIRT_BASE",
        XenNoteType.PaddrOffset => "PADDR_OFFSET",
        XenNoteType.XenVersion => "XEN_VERSION",
        XenNoteType.GuestOs => "GUEST_OS",
        XenNoteType.GuestVersion => "GUEST_VERSION",
        XenNoteType.Loader => "LOADER",
        XenNoteType.PaeMode => "PAE_MODE",
        XenNoteType.Features => "FEATURES",
        XenNoteType.BsdSymtab => "BSD_SYMTAB",
        XenNoteType.HvStartLow => "HV_START_LOW",
        XenNoteType.L1MfnValid => "L1_MFN_VALID",
        XenNoteType.SuspendCancel => "SUSPEND_CANCEL",
        XenNoteType.InitP2m => "INIT_P2M",
        XenNoteType.ModStartPfn => "MOD_START_PFN",
        XenNoteType.SupportedFeatures => "SUPPORTED_FEATURES",
        XenNoteType.Phys32Entry => "PHYS32_ENTRY",
        XenNoteType.Phys32Reloc => "PHYS32_RELOC",
        _ => string.Create(CultureInfo.InvariantCulture, $"type 0x{(uint)type:x}"),
    };

    private static bool IsText(XenNoteType type) => type is XenNoteType.Info
        or (>= XenNoteType.XenVersion and <= XenNoteType.BsdSymtab);

    private static string Value(XenNoteType type, ReadOnlySpan<byte> bytes)
    {
        if (IsText(type))
            return $"\"{XenNotes.Text(bytes)}\"";
        if (type == XenNoteType.Phys32Reloc)
            return Words(bytes);
        return XenNotes.Number(bytes) is { } number ? $"0x{number:x}" : Words(bytes);
    }

    private static string Words(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "(empty)";
        string hex = Convert.ToHexString(bytes[..Math.Min(bytes.Length, 32)]);
        return bytes.Length > 32 ? $"bytes {hex}…" : $"bytes {hex}";
    }

    private static string Remark(XenNoteType type, ReadOnlySpan<byte> bytes) => type switch
    {
        XenNoteType.Entry or XenNoteType.HypercallPage or XenNoteType.VirtBase or XenNoteType.PaddrOffset or XenNoteType.HvStartLow
            or XenNoteType.L1MfnValid or XenNoteType.InitP2m => " (PV only)",
        XenNoteType.Phys32Entry => $" ({bytes.Length}-byte descriptor)",
        XenNoteType.Phys32Reloc => " (alignment, minimum, maximum)",
        XenNoteType.SupportedFeatures when XenNotes.Number(bytes) is { } mask => $" ({string.Join(", ", Features(mask))})",
        _ => "",
    };

    private static IEnumerable<string> Features(ulong mask)
    {
        for (int bit = 0; bit < 64; bit++)
        {
            if ((mask >> bit & 1) != 0)
                yield return bit < FeatureNames.Length ? FeatureNames[bit] : string.Create(CultureInfo.InvariantCulture, $"bit {bit}");
        }
    }
}
