namespace Emu.Pvh;

/// <summary>Where a kernel lies in guest memory.</summary>
/// <param name="Range">From its lowest to its highest byte, BSS included.</param>
/// <param name="Alignment">The alignment that the image asks for, in bytes.</param>
/// <param name="Entry">The entry point.</param>
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
public abstract record BootResult
{
    /// <summary>The boot processor's registers.</summary>
    public required InitialCpuState Cpu { get; init; }

    /// <summary>Where the kernel lies.</summary>
    public required LoadedKernel Kernel { get; init; }

    /// <summary>Where the modules lie, in order.</summary>
    public required IReadOnlyList<LoadedModule> Modules { get; init; }

    /// <summary>Where the boot information, command lines, module list and memory map lie.</summary>
    public required GuestRange BootData { get; init; }

    /// <summary>The entry point; EIP holds it.</summary>
    public uint EntryPoint => Cpu.Eip;
}

/// <summary>A guest ready to run from its PVH entry point.</summary>
public sealed record PvhBootResult : BootResult
{
    /// <summary>What start_info says.</summary>
    public required HvmStartInfo StartInfo { get; init; }

    /// <summary>Where start_info lies; EBX holds it.</summary>
    public uint StartInfoAddress => Cpu.Ebx;
}

/// <summary>A guest ready to run from its Multiboot 2 entry point.</summary>
public sealed record Multiboot2BootResult : BootResult
{
    /// <summary>Where the boot information lies; EBX holds it.</summary>
    public uint InformationAddress => Cpu.Ebx;
}

/// <summary>A guest ready to run from its Multiboot 1 entry point.</summary>
public sealed record MultibootBootResult : BootResult
{
    /// <summary>Where the boot information lies; EBX holds it.</summary>
    public uint InformationAddress => Cpu.Ebx;
}
