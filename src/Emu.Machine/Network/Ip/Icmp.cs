using System.Buffers.Binary;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Ip;

/// <summary>Answers echo requests, and says what cannot be reached (RFC 792).</summary>
internal sealed class Icmp
{
    /// <summary>Codes of "destination unreachable".</summary>
    public const byte ProtocolUnreachable = 2;

    /// <inheritdoc cref="ProtocolUnreachable"/>
    public const byte PortUnreachable = 3;

    /// <summary>Communication administratively prohibited (RFC 1812, 5.2.7.1): there is such a host, but the user has not allowed it.</summary>
    public const byte Prohibited = 13;

    private const byte EchoReply = 0;
    private const byte DestinationUnreachable = 3;
    private const byte EchoRequest = 8;
    private const int HeaderLength = 8;

    /// <summary>What an error quotes of the payload.</summary>
    private const int QuotedPayload = 8;

    private readonly Ipv4Output _output;
    private readonly NetworkCounters _counters;

    public Icmp(Ipv4Output output, NetworkCounters counters)
    {
        _output = output;
        _counters = counters;
    }

    public void Receive(in Ipv4Packet packet)
    {
        var message = packet.Payload;
        if (message.Length < HeaderLength || InternetChecksum.Of(message) != 0)
        {
            _counters.DroppedMalformed++;
            return;
        }

        if (message[0] != EchoRequest)
        {
            _counters.DroppedUnwanted++;
            return;
        }

        var reply = _output.Payload[..message.Length];
        message.CopyTo(reply);
        reply[0] = EchoReply;
        reply[1] = 0;
        Finish(reply);
        _output.Send(packet.Destination, packet.Source, IpProtocol.Icmp, reply.Length);
    }

    /// <summary>Says, as the station <paramref name="from"/>, that a packet cannot get where it should. Errors are never answered with errors.</summary>
    public void SendUnreachable(byte code, Ipv4Address from, in Ipv4Packet packet)
    {
        if (packet.Protocol == IpProtocol.Icmp)
            return;
        var quoted = Math.Min(QuotedPayload, packet.Payload.Length);
        var message = _output.Payload[..(HeaderLength + packet.Header.Length + quoted)];
        message[..HeaderLength].Clear();
        message[0] = DestinationUnreachable;
        message[1] = code;
        packet.Header.CopyTo(message[HeaderLength..]);
        packet.Payload[..quoted].CopyTo(message[(HeaderLength + packet.Header.Length)..]);
        Finish(message);
        _output.Send(from, packet.Source, IpProtocol.Icmp, message.Length);
    }

    private static void Finish(Span<byte> message)
    {
        message[2] = message[3] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Of(message));
    }
}
