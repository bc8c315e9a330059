using System.Text;

namespace Emu.Pvh;

/// <summary>How a guest is to be booted through Multiboot 1.</summary>
public sealed record MultibootBootOptions : BootOptions
{
    /// <summary>
    /// What stands before the kernel's command line, as GRUB Legacy and QEMU pass the file's name: kernels skip the first word. Null for nothing.
    /// </summary>
    public string? ImageName { get; init; }

    /// <summary>The boot loader's name. Xen takes a name that begins with "GRUB 2" as a promise that the command line has no file name.</summary>
    public string LoaderName { get; init; } = "emu";

    /// <summary>A command line given as text, in UTF-8.</summary>
    /// <param name="text">The command line.</param>
    /// <returns>Options with that command line.</returns>
    public MultibootBootOptions WithCommandLine(string text) => this with { CommandLine = Encoding.UTF8.GetBytes(text) };
}
