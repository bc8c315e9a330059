using System.Globalization;

namespace Emu.Xen.Store.Records;

/// <summary>What xl puts into the store for a network interface (tools/libs/light/libxl_nic.c, libxl__set_xenstore_nic).</summary>
public sealed record NetworkDeviceRecord : DeviceRecord
{
    private const int DefaultMtu = 1500;

    /// <summary>The interface's number among the domain's.</summary>
    public uint Handle { get; init; }

    /// <summary>The address in the guest, as six hexadecimal bytes; 00:16:3e is Xen's prefix. xl would make a random one.</summary>
    public string Mac { get; init; } = "00:16:3e:00:00:01";

    /// <summary>The bridge that the interface is said to be on.</summary>
    public string Bridge { get; init; } = "xenbr0";

    /// <summary>The greatest payload of a frame that the network carries, in bytes.</summary>
    public int Mtu { get; init; } = DefaultMtu;

    /// <inheritdoc/>
    public override uint Id => Handle;

    /// <inheritdoc/>
    public override string Kind => "vif";

    private string MtuText => Mtu.ToString(CultureInfo.InvariantCulture);

    private protected override IEnumerable<(string Name, string Value)> OwnedByGuest() =>
    [
        ("backend-id", "0"),
        ("state", Initialising),
        ("handle", Number(Handle)),
        ("mac", Mac),
        ("trusted", "1"),
    ];

    private protected override IEnumerable<(string Name, string Value)> ReadByGuest() => [("mtu", MtuText)];

    private protected override IEnumerable<(string Name, string Value)> OfBackend()
    {
        yield return ("frontend-id", Number(Domain));
        yield return ("online", "1");
        yield return ("state", Initialising);
        yield return ("script", "/etc/xen/scripts/vif-bridge");
        yield return ("mac", Mac);
        if (Mtu != DefaultMtu)
            yield return ("mtu", MtuText);
        yield return ("bridge", Bridge);
        yield return ("handle", Number(Handle));
        yield return ("type", "vif");
        // Written by the hotplug script before the domain runs.
        yield return ("hotplug-status", "connected");
    }
}
