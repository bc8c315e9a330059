namespace Emu.Machine;

/// <summary>A disk of a Xen domain.</summary>
public sealed record DiskOptions
{
    /// <summary>The image on the host: a file that holds the disk's contents as they are.</summary>
    public required string Path { get; init; }

    /// <summary>The disk's name in the guest: <c>xvda</c>, <c>hda</c>, <c>sda1</c>, <c>d0p1</c> or a number (docs/man/xen-vbd-interface.7.pandoc).</summary>
    public string Device { get; init; } = "xvda";

    /// <summary>Whether the guest may not write; the image is opened for reading alone then.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether the image stays as it is: what the guest writes is kept in memory, and forgotten at the end.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Whether the image holds the disk's contents whatever they look like; otherwise one that begins as other formats do is refused.</summary>
    public bool IsRaw { get; init; }

    /// <summary>Whether the guest is told of a CD-ROM drive.</summary>
    public bool IsCdrom { get; init; }
}
