namespace Emu.Pvh;

/// <summary>How a kernel is entered.</summary>
public enum BootProtocol
{
    /// <summary>By its PVH note where it has one, else by its Multiboot 2 header, else by its Multiboot 1 header.</summary>
    Auto,

    /// <summary>By its PVH note (x86/HVM direct boot ABI).</summary>
    Pvh,

    /// <summary>By its Multiboot 1 header (Multiboot specification 0.6.96).</summary>
    Multiboot,

    /// <summary>By its Multiboot 2 header (Multiboot2 specification 2.0).</summary>
    Multiboot2,
}
