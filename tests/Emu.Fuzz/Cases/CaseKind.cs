namespace Emu.Fuzz.Cases;

/// <summary>What a case lets loose on the boundary.</summary>
public enum CaseKind
{
    /// <summary>Instructions: random bytes, valid encodings, pieces of real code, code that changes itself.</summary>
    Code,

    /// <summary>Page tables: loops, reserved bits, entries that lead to devices, beyond RAM, to themselves and to code.</summary>
    Paging,

    /// <summary>Segment, gate and task descriptors, and control, debug and model-specific registers.</summary>
    Descriptors,

    /// <summary>Ports, memory-mapped registers and x2APIC registers of every device, with timers firing.</summary>
    Devices,

    /// <summary>Hypercalls of a Xen domain with arbitrary arguments and structures at the edges of pages.</summary>
    Hypercalls,

    /// <summary>Kernel images with arbitrary changes, given to the loader.</summary>
    Images,

    /// <summary>Snapshots of the test kernels at work, with arbitrary changes, given to a machine that goes on from them.</summary>
    Snapshots,
}

/// <summary>The mode in which a case's code begins to execute.</summary>
public enum GuestMode
{
    Real,
    Virtual8086,
    Protected16,
    Protected32,
    Paged32,
    Pae,
    Long64,
    Compatibility32,
    Compatibility16,
}

/// <summary>What follows from a mode.</summary>
public static class GuestModes
{
    public static bool IsLong(this GuestMode mode) => mode >= GuestMode.Long64;

    public static bool IsPaged(this GuestMode mode) => mode >= GuestMode.Paged32;

    public static bool IsRealStyle(this GuestMode mode) => mode is GuestMode.Real or GuestMode.Virtual8086;

    /// <summary>Bits of operands and addresses by default.</summary>
    public static int Bitness(this GuestMode mode) => mode switch
    {
        GuestMode.Long64 => 64,
        GuestMode.Protected32 or GuestMode.Paged32 or GuestMode.Pae or GuestMode.Compatibility32 => 32,
        _ => 16,
    };
}
