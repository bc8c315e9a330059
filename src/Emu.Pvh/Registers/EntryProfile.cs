namespace Emu.Pvh;

/// <summary>Which loader's entry state a guest sees. All of them keep to the ABI; they differ in what it leaves open.</summary>
public enum EntryProfile
{
    /// <summary>Xen's toolstack: everything open is zero, selectors are null while their caches are live.</summary>
    Xen,

    /// <summary>QEMU's microvm machine: a Multiboot magic in EAX, a stack pointer into low memory, TR with its reset limit.</summary>
    Qemu,

    /// <summary>Firecracker: a GDT at 0x500 and an empty IDT at 0x520 in guest memory.</summary>
    Firecracker,

    /// <summary>Cloud Hypervisor: as Firecracker, but CR0.ET reads as clear.</summary>
    CloudHypervisor,

    /// <summary>Everything that the ABI leaves open holds a value that makes reliance on it fail visibly.</summary>
    Poison,
}
