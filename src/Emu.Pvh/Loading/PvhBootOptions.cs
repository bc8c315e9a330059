using System.Text;

namespace Emu.Pvh;

/// <summary>A module that the kernel finds in memory; for Linux the first one is the initrd.</summary>
/// <param name="Data">The module's bytes, passed as they are.</param>
/// <param name="CommandLine">Its own command line without NUL, or null for none.</param>
public sealed record BootModule(ReadOnlyMemory<byte> Data, ReadOnlyMemory<byte>? CommandLine = null)
{
    /// <summary>A module with a command line given as text.</summary>
    /// <param name="data">The module's bytes.</param>
    /// <param name="commandLine">Its command line.</param>
    /// <returns>The module.</returns>
    public static BootModule WithText(ReadOnlyMemory<byte> data, string commandLine) => new(data, Encoding.UTF8.GetBytes(commandLine));
}

/// <summary>How a guest is to be booted.</summary>
public sealed record PvhBootOptions
{
    /// <summary>The kernel's command line without NUL, passed byte for byte; null for none.</summary>
    public ReadOnlyMemory<byte>? CommandLine { get; init; }

    /// <summary>The modules in order.</summary>
    public IReadOnlyList<BootModule> Modules { get; init; } = [];

    /// <summary>The layout of start_info.</summary>
    public StartInfoVersion StartInfoVersion { get; init; } = StartInfoVersion.V1;

    /// <summary>The flags of start_info.</summary>
    public StartInfoFlags Flags { get; init; }

    /// <summary>The physical address of ACPI's RSDP; 0 for none.</summary>
    public ulong RsdpAddress { get; init; }

    /// <summary>
    /// The memory map that the guest sees; null for the RAM regions alone. It is not sorted, so that a caller may test a guest with any order.
    /// </summary>
    public IReadOnlyList<MemoryMapEntry>? MemoryMap { get; init; }

    /// <summary>Whose entry state to follow.</summary>
    public EntryProfile EntryProfile { get; init; } = EntryProfile.Xen;

    /// <summary>Where the image's lowest byte goes; null for the address that it is linked for. Needs a PHYS32_RELOC note when it differs.</summary>
    public ulong? LoadAddress { get; init; }

    /// <summary>RAM that the loader must leave alone, for instance ACPI tables that the caller has placed.</summary>
    public IReadOnlyList<GuestRange> ReservedRanges { get; init; } = [];

    /// <summary>A command line given as text, in UTF-8.</summary>
    /// <param name="text">The command line.</param>
    /// <returns>Options with that command line.</returns>
    public PvhBootOptions WithCommandLine(string text) => this with { CommandLine = Encoding.UTF8.GetBytes(text) };
}

/// <summary>Where a kernel lies in guest memory.</summary>
/// <param name="Range">From its lowest to its highest byte, BSS included.</param>
/// <param name="Alignment">The alignment that the image asks for, in bytes.</param>
/// <param name="Entry">The PVH entry point.</param>
/// <param name="Displacement">How far it was moved from where it is linked, modulo 2^64; 0 when it was not.</param>
public sealed record LoadedKernel(GuestRange Range, ulong Alignment, uint Entry, ulong Displacement)
{
    /// <summary>The size of the image in memory, in bytes.</summary>
    public ulong Size => Range.Length;
}

/// <summary>Where a module lies in guest memory.</summary>
/// <param name="Range">Its bytes.</param>
/// <param name="CommandLineAddress">Its command line; 0 for none.</param>
public sealed record LoadedModule(GuestRange Range, ulong CommandLineAddress);

/// <summary>A guest ready to run.</summary>
public sealed record PvhBootResult
{
    /// <summary>The boot processor's registers.</summary>
    public required InitialCpuState Cpu { get; init; }

    /// <summary>Where the kernel lies.</summary>
    public required LoadedKernel Kernel { get; init; }

    /// <summary>Where the modules lie, in order.</summary>
    public required IReadOnlyList<LoadedModule> Modules { get; init; }

    /// <summary>What start_info says.</summary>
    public required HvmStartInfo StartInfo { get; init; }

    /// <summary>Where start_info, command lines, module list and memory map lie.</summary>
    public required GuestRange BootData { get; init; }

    /// <summary>Where start_info lies; EBX holds it.</summary>
    public uint StartInfoAddress => Cpu.Ebx;

    /// <summary>The PVH entry point; EIP holds it.</summary>
    public uint EntryPoint => Cpu.Eip;
}
