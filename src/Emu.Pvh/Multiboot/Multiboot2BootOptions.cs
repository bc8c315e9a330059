using System.Text;

namespace Emu.Pvh;

/// <summary>How a guest is to be booted through Multiboot 2. Command lines have no file name before them, as GRUB 2 passes them.</summary>
public sealed record Multiboot2BootOptions : BootOptions
{
    /// <summary>
    /// The boot loader's name. Xen takes a name with "GRUB 2" in it as a promise that command lines have no file name, and otherwise skips their
    /// first word.
    /// </summary>
    public string LoaderName { get; init; } = "emu (like GRUB 2)";

    /// <summary>The root pointer of ACPI (RSDP), of which the kernel gets a copy: 20 bytes, or 36 from revision 2 on; empty for none.</summary>
    public ReadOnlyMemory<byte> RootPointer { get; init; }

    /// <summary>A command line given as text, in UTF-8.</summary>
    /// <param name="text">The command line.</param>
    /// <returns>Options with that command line.</returns>
    public Multiboot2BootOptions WithCommandLine(string text) => this with { CommandLine = Encoding.UTF8.GetBytes(text) };
}
