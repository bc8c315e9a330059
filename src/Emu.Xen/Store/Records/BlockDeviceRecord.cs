using System.Globalization;

namespace Emu.Xen.Store.Records;

/// <summary>What xl puts into the store for a disk (tools/libs/light/libxl_disk.c, device_disk_add).</summary>
/// <remarks>
/// xl would have QEMU serve an image in a file, under <c>backend/qdisk</c>; this is the record of a disk that dom0's kernel serves, under
/// <c>backend/vbd</c>. Guests see no difference but in the path, which they are told.
/// </remarks>
public sealed record BlockDeviceRecord : DeviceRecord
{
    private readonly string _device = "xvda";
    private readonly uint _id = 51712;

    /// <summary>The disk's name in the guest: <c>xvda</c>, <c>xvdb1</c>, <c>hda</c>, <c>sda</c>, <c>d0p1</c>, or a number.</summary>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public string Device
    {
        get => _device;
        init
        {
            if (!TryParseDevice(value, out _id))
                throw new ArgumentException($"'{value}' is no name of a virtual disk, such as xvda.", nameof(value));
            _device = value;
        }
    }

    /// <summary>What the disk's contents are kept in, as the guest can read it: not necessarily a path on the host.</summary>
    public string Parameters { get; init; } = "/dev/loop0";

    /// <summary>Whether the guest may not write.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether it is a CD-ROM drive.</summary>
    public bool IsCdrom { get; init; }

    /// <inheritdoc/>
    public override uint Id => _id;

    /// <inheritdoc/>
    public override string Kind => "vbd";

    private string DeviceType => IsCdrom ? "cdrom" : "disk";

    /// <summary>
    /// Works a disk's number out (docs/man/xen-vbd-interface.7.pandoc): (202 &lt;&lt; 8 | disk &lt;&lt; 4 | partition) for xvda to xvdp,
    /// (1 &lt;&lt; 28 | disk &lt;&lt; 8 | partition) for more, and the old numbers of IDE and SCSI disks.
    /// </summary>
    /// <param name="name">The disk's name.</param>
    /// <param name="number">The number.</param>
    /// <returns>False if the name is none.</returns>
    public static bool TryParseDevice(string name, out uint number)
    {
        ArgumentNullException.ThrowIfNull(name);
        number = 0;
        uint disk, partition;
        if (name.StartsWith("xvd", StringComparison.Ordinal))
            return TryParseLetters(name.AsSpan(3), out disk, out partition) && TryCombine(disk, partition, out number);
        if (name.StartsWith("hd", StringComparison.Ordinal) && TryParseLetters(name.AsSpan(2), out disk, out partition))
        {
            number = ((disk < 2 ? 3u : 22u) << 8) | ((disk & 1) << 6) | partition;
            return disk < 4 && partition < 64;
        }

        if (name.StartsWith("sd", StringComparison.Ordinal) && TryParseLetters(name.AsSpan(2), out disk, out partition))
        {
            number = (8u << 8) | (disk << 4) | partition;
            return disk < 16 && partition < 16;
        }

        if (!name.StartsWith('d'))
            return TryParseNumber(name, out number);
        var p = name.IndexOf('p', StringComparison.Ordinal);
        partition = 0;
        return TryParseNumber(p < 0 ? name.AsSpan(1) : name.AsSpan(1, p - 1), out disk)
            && (p < 0 || TryParseNumber(name.AsSpan(p + 1), out partition))
            && TryCombine(disk, partition, out number);
    }

    private protected override IEnumerable<(string Name, string Value)> OwnedByGuest() =>
    [
        ("backend-id", "0"),
        ("state", Initialising),
        ("virtual-device", Number(Id)),
        ("device-type", DeviceType),
        ("trusted", "1"),
    ];

    private protected override IEnumerable<(string Name, string Value)> OfBackend() =>
    [
        ("params", Parameters),
        ("script", "/etc/xen/scripts/block"),
        ("frontend-id", Number(Domain)),
        ("online", "1"),
        ("removable", "0"),
        ("bootable", "1"),
        ("state", Initialising),
        ("dev", Device),
        ("type", "phy"),
        ("mode", IsReadOnly ? "r" : "w"),
        ("device-type", DeviceType),
        ("discard-enable", Flag(!IsReadOnly)),
        ("specification", "xen"),
        // Written by the hotplug script before the domain runs.
        ("hotplug-status", "connected"),
    ];

    private static bool TryCombine(uint disk, uint partition, out uint number)
    {
        number = disk < 16 && partition < 16 ? (202u << 8) | (disk << 4) | partition : (1u << 28) | (disk << 8) | partition;
        return disk < 1 << 20 && partition < 256;
    }

    /// <summary>Letters that count disks as columns of a table are counted (a to z, aa, ab), and perhaps a partition's number.</summary>
    private static bool TryParseLetters(ReadOnlySpan<char> text, out uint disk, out uint partition)
    {
        disk = 0;
        partition = 0;
        var letters = 0;
        for (; letters < text.Length && char.IsAsciiLetterLower(text[letters]); letters++)
            disk = (disk * 26) + (uint)(text[letters] - 'a') + 1;
        disk--;
        return letters is > 0 and < 5 && (letters == text.Length || TryParseNumber(text[letters..], out partition));
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
