using System.Buffers.Binary;

namespace Emu.Machine.Network.Udp;

/// <summary>Option 53 (RFC 2132, 9.6).</summary>
internal enum DhcpMessageType : byte
{
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Acknowledge = 5,
    Refuse = 6,
    Release = 7,
    Inform = 8,
}

/// <summary>Options of RFC 2132.</summary>
internal static class DhcpOption
{
    public const byte Pad = 0;
    public const byte SubnetMask = 1;
    public const byte Router = 3;
    public const byte NameServer = 6;
    public const byte HostName = 12;
    public const byte BroadcastAddress = 28;
    public const byte RequestedAddress = 50;
    public const byte LeaseTime = 51;
    public const byte MessageType = 53;
    public const byte Server = 54;
    public const byte RenewalTime = 58;
    public const byte RebindingTime = 59;
    public const byte ClientIdentifier = 61;
    public const byte End = 255;
}

/// <summary>What a client says (RFC 2131, 2).</summary>
internal readonly ref struct DhcpMessage
{
    /// <summary>Bytes before the options: BOOTP's fields and the magic cookie.</summary>
    public const int FixedLength = 240;

    public const uint MagicCookie = 0x6382_5363;

    private const byte BootRequest = 1;
    private const byte HardwareEthernet = 1;

    private readonly ReadOnlySpan<byte> _fields;

    private DhcpMessage(
        ReadOnlySpan<byte> fields, DhcpMessageType type, Ipv4Address? requested, Ipv4Address? server, ReadOnlySpan<byte> clientIdentifier)
    {
        _fields = fields;
        Type = type;
        RequestedAddress = requested;
        Server = server;
        ClientIdentifier = clientIdentifier;
    }

    public DhcpMessageType Type { get; }

    public Ipv4Address? RequestedAddress { get; }

    public Ipv4Address? Server { get; }

    public ReadOnlySpan<byte> ClientIdentifier { get; }

    public ReadOnlySpan<byte> Transaction => _fields.Slice(4, 4);

    public ReadOnlySpan<byte> Flags => _fields.Slice(10, 2);

    public bool WantsBroadcast => (_fields[10] & 0x80) != 0;

    public Ipv4Address ClientAddress => Ipv4Address.Read(_fields[12..]);

    /// <summary>The client's hardware address, in its field of 16 bytes.</summary>
    public ReadOnlySpan<byte> HardwareAddress => _fields.Slice(28, 16);

    public MacAddress Card => MacAddress.Read(HardwareAddress);

    /// <summary>Reads a request; false for what is none, or comes through a relay, which there is not here.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out DhcpMessage message)
    {
        message = default;
        if (bytes.Length < FixedLength
            || bytes[0] != BootRequest
            || bytes[1] != HardwareEthernet
            || bytes[2] != MacAddress.Length
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]) != 0
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[(FixedLength - 4)..]) != MagicCookie)
        {
            return false;
        }

        DhcpMessageType? type = null;
        Ipv4Address? requested = null, server = null;
        ReadOnlySpan<byte> identifier = default;
        for (var options = bytes[FixedLength..]; options.Length != 0 && options[0] != DhcpOption.End;)
        {
            if (options[0] == DhcpOption.Pad)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options.Length < 2 + options[1])
                return false;
            var value = options.Slice(2, options[1]);
            switch (options[0])
            {
                case DhcpOption.MessageType when value.Length == 1:
                    type = (DhcpMessageType)value[0];
                    break;
                case DhcpOption.RequestedAddress when value.Length == Ipv4Address.Length:
                    requested = Ipv4Address.Read(value);
                    break;
                case DhcpOption.Server when value.Length == Ipv4Address.Length:
                    server = Ipv4Address.Read(value);
                    break;
                case DhcpOption.ClientIdentifier:
                    identifier = value;
                    break;
            }

            options = options[(2 + value.Length)..];
        }

        if (type is null || MacAddress.Read(bytes[28..]).IsMulticast)
            return false;
        message = new DhcpMessage(bytes, type.Value, requested, server, identifier);
        return true;
    }
}

/// <summary>Writes an answer.</summary>
internal ref struct DhcpWriter
{
    private const byte BootReply = 2;

    /// <summary>Clients of BOOTP drop what is shorter (RFC 1542, 2.1).</summary>
    private const int Shortest = 300;

    private readonly Span<byte> _bytes;
    private int _length;

    public DhcpWriter(Span<byte> bytes, in DhcpMessage request, DhcpMessageType type, Ipv4Address lease, Ipv4Address server)
    {
        _bytes = bytes;
        bytes[..DhcpMessage.FixedLength].Clear();
        bytes[0] = BootReply;
        bytes[1] = 1;
        bytes[2] = MacAddress.Length;
        request.Transaction.CopyTo(bytes[4..]);
        request.Flags.CopyTo(bytes[10..]);
        if (type == DhcpMessageType.Acknowledge)
            request.ClientAddress.Write(bytes[12..]);
        lease.Write(bytes[16..]);
        request.HardwareAddress.CopyTo(bytes[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[(DhcpMessage.FixedLength - 4)..], DhcpMessage.MagicCookie);
        _length = DhcpMessage.FixedLength;
        Add(DhcpOption.MessageType, [(byte)type]);
        Add(DhcpOption.Server, server.Value);
    }

    public void Add(byte option, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Add(option, bytes);
    }

    public void Add(byte option, scoped ReadOnlySpan<byte> value)
    {
        _bytes[_length] = option;
        _bytes[_length + 1] = (byte)value.Length;
        value.CopyTo(_bytes[(_length + 2)..]);
        _length += 2 + value.Length;
    }

    /// <summary>Ends the options, and says how long the message is.</summary>
    public int Finish()
    {
        _bytes[_length++] = DhcpOption.End;
        while (_length < Shortest)
            _bytes[_length++] = DhcpOption.Pad;
        return _length;
    }
}
