using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Ip;

namespace Emu.Machine.Network.Udp;

/// <summary>Sends datagrams to the guest.</summary>
internal sealed class UdpOutput
{
    /// <summary>The longest payload, in bytes.</summary>
    public const int LongestPayload = Ipv4Packet.LongestPayload - UdpDatagram.HeaderLength;

    private readonly Ipv4Output _output;

    public UdpOutput(Ipv4Output output) => _output = output;

    /// <summary>Takes the payload of the next datagram; valid until it is sent.</summary>
    public Span<byte> Payload => _output.Payload[UdpDatagram.HeaderLength..];

    /// <summary>Sends what is in <see cref="Payload"/>.</summary>
    public void Send(
        Ipv4Address source, ushort sourcePort, Ipv4Address destination, ushort destinationPort, int length, MacAddress? to = null)
    {
        var bytes = _output.Payload[..(UdpDatagram.HeaderLength + length)];
        UdpDatagram.WriteHeader(bytes, source, sourcePort, destination, destinationPort);
        _output.Send(source, destination, IpProtocol.Udp, bytes.Length, to);
    }

    /// <summary>Sends what is in <see cref="Payload"/> back to where a datagram came from.</summary>
    public void Answer(in UdpDatagram datagram, int length) =>
        Send(datagram.Destination, datagram.DestinationPort, datagram.Source, datagram.SourcePort, length);
}
