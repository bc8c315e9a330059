namespace Emu.Machine.Network;

/// <summary>How a user-mode network is to be. As it is made, it reaches nothing of the host and is a function of what the guest does.</summary>
public sealed record NetworkOptions
{
    /// <summary>The longest host name that DHCP hands out, in bytes.</summary>
    public const int LongestHostName = 63;

    /// <summary>The options of a guest's card as they are by default: each has a network of its own.</summary>
    /// <param name="number">Its number, 0 to 199: 10.0.2.0 and 00:16:3e:00:00:01, 10.0.3.0 and 00:16:3e:00:00:02, …</param>
    /// <returns>The options.</returns>
    public static NetworkOptions OfCard(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 199);
        NetworkOptions first = new();
        return first with
        {
            Network = new Ipv4Address(first.Network.Value + ((uint)number << 8)),
            GuestMac = new MacAddress(first.GuestMac.Value + (ulong)number),
        };
    }

    /// <summary>The network's address; it has 24 bits, and the last number is 0. Default 10.0.2.0, as with QEMU's user network.</summary>
    public Ipv4Address Network { get; init; } = new(0x0A00_0200);

    /// <summary>The address of the guest's card, with an Ethernet address of Xen's.</summary>
    public MacAddress GuestMac { get; init; } = new(0x0016_3E00_0001);

    /// <summary>What DHCP says the guest is called, in ASCII; null for nothing.</summary>
    public string? HostName { get; init; } = "guest";

    /// <summary>How long a lease lasts, in whole seconds of virtual time. Default one day.</summary>
    public uint LeaseSeconds { get; init; } = 86_400;

    /// <summary>How long after its cause a frame reaches the guest, in nanoseconds of virtual time. Default 20 µs.</summary>
    public ulong Latency { get; init; } = 20_000;

    /// <summary>What the guest may reach on or from the host. Where there is any, runs depend on the host.</summary>
    public IReadOnlyList<AllowedConnection> Allowed { get; init; } = [];

    /// <summary>Ports of the host that lead to the guest. Where there are any, runs depend on the host.</summary>
    public IReadOnlyList<PortForward> Forwards { get; init; } = [];

    /// <summary>Takes every frame both ways; null for nobody. Closed by who made it.</summary>
    public PcapWriter? Capture { get; init; }

    /// <summary>The gateway, where built-in services and the host's own allowed ports are: <c>.2</c>.</summary>
    public Ipv4Address Gateway => new(Network.Value + 2);

    /// <summary>The name server: <c>.3</c>.</summary>
    public Ipv4Address NameServer => new(Network.Value + 3);

    /// <summary>What DHCP gives to the guest: <c>.15</c>.</summary>
    public Ipv4Address GuestAddress => new(Network.Value + 15);

    /// <summary>The station of a host that is all ones: <c>.255</c>.</summary>
    public Ipv4Address BroadcastAddress => new(Network.Value | ~Mask.Value);

    /// <summary>255.255.255.0.</summary>
    public static Ipv4Address Mask => new(0xFFFF_FF00);

    /// <summary>True where the host has a part in what the guest sees.</summary>
    public bool ReachesHost => Allowed.Count != 0 || Forwards.Count != 0;

    /// <summary>True for an address of this network.</summary>
    /// <param name="address">Any address.</param>
    /// <returns>Whether it is.</returns>
    public bool Contains(Ipv4Address address) => (address.Value & Mask.Value) == Network.Value;

    /// <summary>True for the stations that the network itself plays.</summary>
    /// <param name="address">Any address.</param>
    /// <returns>Whether it is one.</returns>
    public bool IsOurs(Ipv4Address address) => address == Gateway || address == NameServer;

    /// <summary>The Ethernet address of a station that the network plays: 52:55 and its IPv4 address.</summary>
    /// <param name="address">The station; others are reached through the gateway.</param>
    /// <returns>Its address.</returns>
    public MacAddress MacOf(Ipv4Address address) => new(0x5255_0000_0000UL | (address == NameServer ? NameServer : Gateway).Value);
}
