using System.Buffers.Binary;

namespace Emu.Machine.Network.Frames;

/// <summary>An IPv4 packet whose header is sound (RFC 791).</summary>
internal readonly ref struct Ipv4Packet
{
    /// <summary>Bytes of a header without options.</summary>
    public const int HeaderLength = 20;

    /// <summary>The longest payload behind a header without options.</summary>
    public const int LongestPayload = 65535 - HeaderLength;

    private const int MoreFragmentsBit = 0x2000;
    private const int OffsetMask = 0x1FFF;

    private Ipv4Packet(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        Header = header;
        Payload = payload;
    }

    public ReadOnlySpan<byte> Header { get; }

    public ReadOnlySpan<byte> Payload { get; }

    public Ipv4Address Source => Ipv4Address.Read(Header[12..]);

    public Ipv4Address Destination => Ipv4Address.Read(Header[16..]);

    public byte Protocol => Header[9];

    public ushort Identification => BinaryPrimitives.ReadUInt16BigEndian(Header[4..]);

    /// <summary>Where the payload lies in that of the whole datagram, in bytes.</summary>
    public int FragmentOffset => (BinaryPrimitives.ReadUInt16BigEndian(Header[6..]) & OffsetMask) * 8;

    public bool HasMoreFragments => (BinaryPrimitives.ReadUInt16BigEndian(Header[6..]) & MoreFragmentsBit) != 0;

    public bool IsFragment => HasMoreFragments || FragmentOffset != 0;

    /// <summary>Reads a packet; what a frame has behind it is padding. Options are skipped.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv4Packet packet)
    {
        packet = default;
        if (bytes.Length < HeaderLength || bytes[0] >> 4 != 4)
            return false;
        var headerLength = (bytes[0] & 0x0F) * 4;
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (headerLength < HeaderLength || length < headerLength || length > bytes.Length)
            return false;
        var header = bytes[..headerLength];
        if (InternetChecksum.Of(header) != 0)
            return false;
        packet = new Ipv4Packet(header, bytes[headerLength..length]);
        return true;
    }

    /// <summary>The packet that a reassembled payload makes with the header of its first fragment.</summary>
    public static Ipv4Packet Reassembled(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) => new(header, payload);

    /// <summary>Writes a header without options.</summary>
    public static void WriteHeader(
        Span<byte> header,
        Ipv4Address source,
        Ipv4Address destination,
        byte protocol,
        int payloadLength,
        ushort identification,
        int fragmentOffset,
        bool hasMoreFragments,
        bool isWhole)
    {
        const byte TimeToLive = 64;
        const int DoNotFragment = 0x4000;
        header[0] = 0x45;
        header[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(HeaderLength + payloadLength));
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], identification);
        BinaryPrimitives.WriteUInt16BigEndian(
            header[6..], (ushort)((fragmentOffset / 8) | (hasMoreFragments ? MoreFragmentsBit : 0) | (isWhole ? DoNotFragment : 0)));
        header[8] = TimeToLive;
        header[9] = protocol;
        header[10] = header[11] = 0;
        source.Write(header[12..]);
        destination.Write(header[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Of(header[..HeaderLength]));
    }
}
