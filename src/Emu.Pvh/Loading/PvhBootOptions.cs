using System.Text;

namespace Emu.Pvh;

/// <summary>How a guest is to be booted through PVH.</summary>
public sealed record PvhBootOptions : BootOptions
{
    /// <summary>The layout of start_info.</summary>
    public StartInfoVersion StartInfoVersion { get; init; } = StartInfoVersion.V1;

    /// <summary>The flags of start_info.</summary>
    public StartInfoFlags Flags { get; init; }

    /// <summary>The physical address of ACPI's RSDP; 0 for none.</summary>
    public ulong RsdpAddress { get; init; }

    /// <summary>Where the image's lowest byte goes; null for the address that it is linked for. Needs a PHYS32_RELOC note when it differs.</summary>
    public ulong? LoadAddress { get; init; }

    /// <summary>A command line given as text, in UTF-8.</summary>
    /// <param name="text">The command line.</param>
    /// <returns>Options with that command line.</returns>
    public PvhBootOptions WithCommandLine(string text) => this with { CommandLine = Encoding.UTF8.GetBytes(text) };
}
