namespace Emu.Pvh;

/// <summary>How a kernel is entered.</summary>
public enum BootProtocol
{
    /// <summary>By its PVH note where it has one, else by its Multiboot 1 header.</summary>
    Auto,

    /// <summary>By its PVH note (x86/HVM direct boot ABI).</summary>
    Pvh,

    /// <summary>By its Multiboot 1 header (Multiboot specification 0.6.96).</summary>
    Multiboot,
}
