using System.Buffers.Binary;

namespace Emu.Machine.Network.Frames;

/// <summary>What a card does for a guest that leaves checksums to it.</summary>
internal static class ChecksumOffload
{
    private const int TcpChecksum = 16;
    private const int UdpChecksum = 6;

    /// <summary>Fills in the checksum of a UDP datagram or TCP segment over IPv4, whatever stands there; everything else stays as it is.</summary>
    /// <param name="frame">An Ethernet frame.</param>
    public static void Fill(Span<byte> frame)
    {
        if (frame.Length < EthernetLink.HeaderLength
            || BinaryPrimitives.ReadUInt16BigEndian(frame[(2 * MacAddress.Length)..]) != EtherType.Ipv4
            || !Ipv4Packet.TryParse(frame[EthernetLink.HeaderLength..], out var packet)
            || packet.IsFragment)
        {
            return;
        }

        var field = packet.Protocol switch { IpProtocol.Tcp => TcpChecksum, IpProtocol.Udp => UdpChecksum, _ => -1 };
        var payload = frame.Slice(EthernetLink.HeaderLength + packet.Header.Length, packet.Payload.Length);
        if (field < 0 || payload.Length < field + sizeof(ushort))
            return;
        payload.Slice(field, sizeof(ushort)).Clear();
        var sum = InternetChecksum.Add(
            InternetChecksum.PseudoHeader(packet.Source, packet.Destination, packet.Protocol, payload.Length), payload);
        var checksum = InternetChecksum.Fold(sum);
        // In UDP, 0 says that there is no checksum; its other form means the same number.
        if (checksum == 0 && packet.Protocol == IpProtocol.Udp)
            checksum = ushort.MaxValue;
        BinaryPrimitives.WriteUInt16BigEndian(payload[field..], checksum);
    }
}
