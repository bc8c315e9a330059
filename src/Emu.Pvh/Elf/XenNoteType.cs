namespace Emu.Pvh;

/// <summary>The types of notes named "Xen" (xen/include/public/elfnote.h).</summary>
public enum XenNoteType : uint
{
    /// <summary>XEN_ELFNOTE_INFO: a string about the build.</summary>
    Info = 0,

    /// <summary>XEN_ELFNOTE_ENTRY: the virtual entry point of a PV kernel.</summary>
    Entry = 1,

    /// <summary>XEN_ELFNOTE_HYPERCALL_PAGE: the virtual address of a PV kernel's hypercall page.</summary>
    HypercallPage = 2,

    /// <summary>XEN_ELFNOTE_VIRT_BASE: where a PV kernel's physical memory is mapped.</summary>
    VirtBase = 3,

    /// <summary>XEN_ELFNOTE_PADDR_OFFSET: what a PV loader subtracts from p_paddr.</summary>
    PaddrOffset = 4,

    /// <summary>XEN_ELFNOTE_XEN_VERSION: "xen-3.0".</summary>
    XenVersion = 5,

    /// <summary>XEN_ELFNOTE_GUEST_OS: for instance "linux"; decides where Xen's tools put the RSDP.</summary>
    GuestOs = 6,

    /// <summary>XEN_ELFNOTE_GUEST_VERSION.</summary>
    GuestVersion = 7,

    /// <summary>XEN_ELFNOTE_LOADER: "generic".</summary>
    Loader = 8,

    /// <summary>XEN_ELFNOTE_PAE_MODE: "yes", "no" or "bimodal".</summary>
    PaeMode = 9,

    /// <summary>XEN_ELFNOTE_FEATURES: names joined by '|', a required one with '!' in front.</summary>
    Features = 10,

    /// <summary>XEN_ELFNOTE_BSD_SYMTAB: "yes" asks the loader to append the symbol table.</summary>
    BsdSymtab = 11,

    /// <summary>XEN_ELFNOTE_HV_START_LOW: the lowest address that the hypervisor may use.</summary>
    HvStartLow = 12,

    /// <summary>XEN_ELFNOTE_L1_MFN_VALID: pairs of mask and value for present page table entries.</summary>
    L1MfnValid = 13,

    /// <summary>XEN_ELFNOTE_SUSPEND_CANCEL: the kernel understands a cancelled suspend.</summary>
    SuspendCancel = 14,

    /// <summary>XEN_ELFNOTE_INIT_P2M: where a PV kernel wants its p2m table.</summary>
    InitP2m = 15,

    /// <summary>XEN_ELFNOTE_MOD_START_PFN: the first module need not be mapped.</summary>
    ModStartPfn = 16,

    /// <summary>XEN_ELFNOTE_SUPPORTED_FEATURES: bit masks of supported features.</summary>
    SupportedFeatures = 17,

    /// <summary>XEN_ELFNOTE_PHYS32_ENTRY: the PVH entry point, a 32-bit physical address.</summary>
    Phys32Entry = 18,

    /// <summary>XEN_ELFNOTE_PHYS32_RELOC: alignment, lowest and highest address of a relocatable PVH kernel.</summary>
    Phys32Reloc = 19,
}
