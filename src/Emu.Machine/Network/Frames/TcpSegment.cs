using System.Buffers.Binary;

namespace Emu.Machine.Network.Frames;

/// <summary>The control bits of a TCP segment (RFC 9293, 3.1).</summary>
[Flags]
internal enum TcpFlags : byte
{
    None = 0,
    Fin = 0x01,
    Syn = 0x02,
    Reset = 0x04,
    Push = 0x08,
    Acknowledge = 0x10,
}

/// <summary>A TCP segment whose lengths and checksum are right.</summary>
internal readonly ref struct TcpSegment
{
    /// <summary>Bytes of a header without options.</summary>
    public const int HeaderLength = 20;

    /// <summary>Bytes of the option that names the greatest segment.</summary>
    public const int MssOptionLength = 4;

    private const byte EndOfOptions = 0;
    private const byte NoOperation = 1;
    private const byte MaximumSegmentSize = 2;

    private readonly ReadOnlySpan<byte> _header;

    private TcpSegment(Ipv4Address source, Ipv4Address destination, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        Source = source;
        Destination = destination;
        _header = header;
        Payload = payload;
    }

    public Ipv4Address Source { get; }

    public Ipv4Address Destination { get; }

    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_header);

    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_header[2..]);

    public uint Sequence => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    public uint Acknowledgment => BinaryPrimitives.ReadUInt32BigEndian(_header[8..]);

    public TcpFlags Flags => (TcpFlags)_header[13];

    public ushort Window => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);

    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>What the segment takes of the sequence: payload, SYN and FIN.</summary>
    public int SequenceLength => Payload.Length + (Has(TcpFlags.Syn) ? 1 : 0) + (Has(TcpFlags.Fin) ? 1 : 0);

    /// <summary>The greatest segment that the sender takes, in bytes of payload; null where it does not say.</summary>
    public ushort? MaximumSegment
    {
        get
        {
            var options = _header[HeaderLength..];
            while (options.Length != 0 && options[0] != EndOfOptions)
            {
                if (options[0] == NoOperation)
                {
                    options = options[1..];
                    continue;
                }

                // What is broken ends the list, as in other implementations.
                if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
                    return null;
                if (options[0] == MaximumSegmentSize && options[1] == MssOptionLength)
                    return BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
                options = options[options[1]..];
            }

            return null;
        }
    }

    public bool Has(TcpFlags flag) => (Flags & flag) != 0;

    public static bool TryParse(scoped in Ipv4Packet packet, out TcpSegment segment)
    {
        segment = default;
        var bytes = packet.Payload;
        if (bytes.Length < HeaderLength)
            return false;
        var headerLength = (bytes[12] >> 4) * 4;
        if (headerLength < HeaderLength || headerLength > bytes.Length)
            return false;
        if (Sum(packet.Source, packet.Destination, bytes) != 0)
            return false;
        segment = new TcpSegment(packet.Source, packet.Destination, bytes[..headerLength], bytes[headerLength..]);
        return true;
    }

    /// <summary>Writes header and checksum before a payload that is in place; with the MSS option unless <paramref name="maximumSegment"/> is 0.</summary>
    public static void WriteHeader(
        Span<byte> bytes, in Tcp.TcpKey key, uint sequence, uint acknowledgment, TcpFlags flags, ushort window, ushort maximumSegment)
    {
        var headerLength = HeaderLength + (maximumSegment != 0 ? MssOptionLength : 0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes, key.LocalPort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], key.RemotePort);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], acknowledgment);
        bytes[12] = (byte)(headerLength / 4 << 4);
        bytes[13] = (byte)flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], window);
        bytes[16..HeaderLength].Clear();
        if (maximumSegment != 0)
        {
            bytes[20] = MaximumSegmentSize;
            bytes[21] = MssOptionLength;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[22..], maximumSegment);
        }

        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], Sum(key.Local, key.Remote, bytes));
    }

    private static ushort Sum(Ipv4Address source, Ipv4Address destination, ReadOnlySpan<byte> bytes) => InternetChecksum.Fold(
        InternetChecksum.Add(InternetChecksum.PseudoHeader(source, destination, IpProtocol.Tcp, bytes.Length), bytes));
}
