using System.Buffers.Binary;

namespace Emu.Machine.Network.Frames;

/// <summary>A UDP datagram (RFC 768) whose length and checksum are right.</summary>
internal readonly ref struct UdpDatagram
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderLength = 8;

    private readonly ReadOnlySpan<byte> _bytes;

    private UdpDatagram(Ipv4Address source, Ipv4Address destination, ReadOnlySpan<byte> bytes)
    {
        Source = source;
        Destination = destination;
        _bytes = bytes;
    }

    public Ipv4Address Source { get; }

    public Ipv4Address Destination { get; }

    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    public static bool TryParse(scoped in Ipv4Packet packet, out UdpDatagram datagram)
    {
        datagram = default;
        var bytes = packet.Payload;
        if (bytes.Length < HeaderLength)
            return false;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (length < HeaderLength || length > bytes.Length)
            return false;
        bytes = bytes[..length];
        // A checksum of 0 says that there is none.
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) != 0 && Sum(packet.Source, packet.Destination, bytes) != 0)
            return false;
        datagram = new UdpDatagram(packet.Source, packet.Destination, bytes);
        return true;
    }

    /// <summary>Writes the header before a payload that is in place in <paramref name="bytes"/>.</summary>
    public static void WriteHeader(
        Span<byte> bytes, Ipv4Address source, ushort sourcePort, Ipv4Address destination, ushort destinationPort)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)bytes.Length);
        bytes[6] = bytes[7] = 0;
        var checksum = Sum(source, destination, bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], checksum == 0 ? (ushort)0xFFFF : checksum);
    }

    private static ushort Sum(Ipv4Address source, Ipv4Address destination, ReadOnlySpan<byte> bytes) => InternetChecksum.Fold(
        InternetChecksum.Add(InternetChecksum.PseudoHeader(source, destination, IpProtocol.Udp, bytes.Length), bytes));
}
