namespace Emu.Pvh;

/// <summary>The three vintages of the boot ABI's start_info.</summary>
public enum StartInfoVersion
{
    /// <summary>The 20-byte structure of the 2016 draft, with 8-byte module entries. No shipped kernel reads it.</summary>
    Draft,

    /// <summary>40 bytes, no memory map (Xen up to 4.10, and Xen's own dom0 builder).</summary>
    V0,

    /// <summary>56 bytes with a memory map (Xen 4.11 and later, QEMU, Firecracker, Cloud Hypervisor).</summary>
    V1,
}

/// <summary>The flags of start_info (SIF_*, xen/include/public/xen.h).</summary>
[Flags]
public enum StartInfoFlags : uint
{
    /// <summary>An unprivileged guest.</summary>
    None = 0,

    /// <summary>SIF_PRIVILEGED: the domain is privileged.</summary>
    Privileged = 1,

    /// <summary>SIF_INITDOMAIN: the domain is the initial control domain.</summary>
    InitialDomain = 2,

    /// <summary>SIF_MULTIBOOT_MOD: modules are a Multiboot list (PV only).</summary>
    MultibootModules = 4,

    /// <summary>SIF_MOD_START_PFN: the module's address is a frame number (PV only).</summary>
    ModuleStartIsFrame = 8,

    /// <summary>SIF_VIRT_P2M_4TOOLS: the p2m list is mapped for the tools (PV only).</summary>
    VirtualP2mForTools = 16,
}

/// <summary>The types of memory map entries: ACPI's address range types.</summary>
public enum MemoryMapType : uint
{
    /// <summary>RAM (1).</summary>
    Ram = 1,

    /// <summary>Reserved (2).</summary>
    Reserved = 2,

    /// <summary>ACPI tables, reclaimable (3).</summary>
    Acpi = 3,

    /// <summary>ACPI non-volatile storage (4).</summary>
    Nvs = 4,

    /// <summary>Memory with errors (5).</summary>
    Unusable = 5,

    /// <summary>Disabled memory (6).</summary>
    Disabled = 6,

    /// <summary>Persistent memory (7).</summary>
    PersistentMemory = 7,
}

/// <summary>One entry of the memory map (hvm_memmap_table_entry, 24 bytes: address, size, type, reserved).</summary>
/// <param name="Address">The first address.</param>
/// <param name="Size">The size in bytes.</param>
/// <param name="Type">What lies there; a guest skips types that it does not know.</param>
public readonly record struct MemoryMapEntry(ulong Address, ulong Size, MemoryMapType Type);

/// <summary>One entry of the module list.</summary>
/// <param name="Address">The module's physical address.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="CommandLineAddress">The physical address of its NUL-terminated command line; 0 for none, as always in the draft.</param>
public readonly record struct StartInfoModule(ulong Address, ulong Size, ulong CommandLineAddress);

/// <summary>
/// hvm_start_info (xen/include/public/arch-x86/hvm/start_info.h) with the lists that it points to.
/// </summary>
/// <remarks>
/// <code>
/// v1:    magic@0 version@4 flags@8 nr_modules@12 | modlist@16 cmdline@24 rsdp@32 (u64) | memmap@40 (u64) entries@48 reserved@52 | 56
/// v0:    the same up to 40
/// draft: magic@0 flags@4 cmdline@8 nr_modules@12 modlist@16 (all u32) | 20
/// module list entry:  paddr@0 size@8 cmdline@16 reserved@24 (u64), 32 bytes; draft: paddr@0 size@4 (u32), 8 bytes
/// memory map entry:   addr@0 size@8 (u64) type@16 reserved@20 (u32), 24 bytes
/// </code>
/// An address of 0 means "absent" everywhere, so none of these structures ever lies at 0.
/// </remarks>
public sealed record HvmStartInfo
{
    /// <summary>The magic number: "xEn3" with bit 7 of 'E' set.</summary>
    public const uint Magic = 0x336EC578;

    /// <summary>The length of a v1 structure. That many bytes can be read at EBX whatever the version: Linux copies them unseen.</summary>
    public const int Size = 56;

    /// <summary>The layout.</summary>
    public StartInfoVersion Version { get; init; } = StartInfoVersion.V1;

    /// <summary>The version field as found in memory; 0 for the draft, which has none.</summary>
    public uint RawVersion { get; init; } = 1;

    /// <summary>The flags.</summary>
    public StartInfoFlags Flags { get; init; }

    /// <summary>Where the module list lies; 0 without modules.</summary>
    public ulong ModuleListAddress { get; init; }

    /// <summary>The modules in order; Linux takes the first as its initrd.</summary>
    public IReadOnlyList<StartInfoModule> Modules { get; init; } = [];

    /// <summary>Where the NUL-terminated command line lies; 0 for none.</summary>
    public ulong CommandLineAddress { get; init; }

    /// <summary>Where ACPI's RSDP lies; 0 for none.</summary>
    public ulong RsdpAddress { get; init; }

    /// <summary>Where the memory map lies; 0 for none.</summary>
    public ulong MemoryMapAddress { get; init; }

    /// <summary>The memory map; it need not be sorted.</summary>
    public IReadOnlyList<MemoryMapEntry> MemoryMap { get; init; } = [];

    /// <summary>The size of the structure in a layout.</summary>
    /// <param name="version">The layout.</param>
    /// <returns>The size in bytes: 20, 40 or 56.</returns>
    public static int SizeOf(StartInfoVersion version) => version switch
    {
        StartInfoVersion.Draft => 20,
        StartInfoVersion.V0 => 40,
        StartInfoVersion.V1 => Size,
        _ => throw new ArgumentOutOfRangeException(nameof(version), version, "This is not a start_info version."),
    };

    /// <summary>The size of a module list entry in a layout.</summary>
    /// <param name="version">The layout.</param>
    /// <returns>The size in bytes: 8 or 32.</returns>
    public static int ModuleEntrySizeOf(StartInfoVersion version) => version == StartInfoVersion.Draft ? 8 : 32;

    /// <summary>The size of a memory map entry in bytes.</summary>
    public const int MemoryMapEntrySize = 24;
}
