namespace Emu.Machine;

/// <summary>How a disk's contents lie in its image.</summary>
public enum DiskFormat
{
    /// <summary>As they are, in a file.</summary>
    Raw,

    /// <summary>QEMU's copy-on-write format, version 2 or 3.</summary>
    Qcow2,
}

/// <summary>A disk of a Xen domain.</summary>
public sealed record DiskOptions
{
    /// <summary>The image on the host.</summary>
    public required string Path { get; init; }

    /// <summary>The disk's name in the guest: <c>xvda</c>, <c>hda</c>, <c>sda1</c>, <c>d0p1</c> or a number (docs/man/xen-vbd-interface.7.pandoc).</summary>
    public string Device { get; init; } = "xvda";

    /// <summary>How the contents lie in the image.</summary>
    public DiskFormat Format { get; init; } = DiskFormat.Raw;

    /// <summary>Whether the guest may not write; the image is opened for reading alone then.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether the image stays as it is: what the guest writes is kept in memory, and forgotten at the end.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Whether the guest is told of a CD-ROM drive.</summary>
    public bool IsCdrom { get; init; }

    /// <summary>Whether the guest is offered to give up blocks that it no longer needs, where the image's format has a use for that.</summary>
    public bool Discards { get; init; } = true;
}
