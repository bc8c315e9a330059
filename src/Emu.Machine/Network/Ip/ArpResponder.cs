using System.Buffers.Binary;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Ip;

/// <summary>Tells the guest the Ethernet addresses of gateway and name server (RFC 826).</summary>
internal sealed class ArpResponder
{
    private const int PacketLength = 28;
    private const ushort HardwareEthernet = 1;
    private const ushort Request = 1;
    private const ushort Reply = 2;

    private readonly EthernetLink _link;
    private readonly NetworkOptions _options;
    private readonly Neighbors _neighbors;
    private readonly NetworkCounters _counters;

    public ArpResponder(EthernetLink link, NetworkOptions options, Neighbors neighbors, NetworkCounters counters)
    {
        _link = link;
        _options = options;
        _neighbors = neighbors;
        _counters = counters;
    }

    public void Receive(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < PacketLength
            || BinaryPrimitives.ReadUInt16BigEndian(packet) != HardwareEthernet
            || BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) != EtherType.Ipv4
            || packet[4] != MacAddress.Length
            || packet[5] != Ipv4Address.Length)
        {
            _counters.DroppedMalformed++;
            return;
        }

        var senderCard = MacAddress.Read(packet[8..]);
        var sender = Ipv4Address.Read(packet[14..]);
        var target = Ipv4Address.Read(packet[24..]);
        _neighbors.Learn(sender, senderCard);
        if (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) != Request || !_options.IsOurs(target) || senderCard.IsMulticast)
            return;

        Span<byte> frame = stackalloc byte[EthernetLink.HeaderLength + PacketLength];
        var own = _options.MacOf(target);
        senderCard.Write(frame);
        own.Write(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], EtherType.Arp);
        var reply = frame[EthernetLink.HeaderLength..];
        packet[..6].CopyTo(reply);
        BinaryPrimitives.WriteUInt16BigEndian(reply[6..], Reply);
        own.Write(reply[8..]);
        target.Write(reply[14..]);
        senderCard.Write(reply[18..]);
        sender.Write(reply[24..]);
        _link.Send(frame);
    }
}
