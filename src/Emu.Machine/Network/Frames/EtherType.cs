namespace Emu.Machine.Network.Frames;

/// <summary>What a frame carries (IEEE 802 numbers).</summary>
internal static class EtherType
{
    public const ushort Ipv4 = 0x0800;
    public const ushort Arp = 0x0806;
}

/// <summary>What an IPv4 packet carries (IANA protocol numbers).</summary>
internal static class IpProtocol
{
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
}
