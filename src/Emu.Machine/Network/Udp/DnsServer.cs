using System.Buffers.Binary;
using System.Text;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Udp;

/// <summary>Knows the names of this network and of nothing else (RFC 1035).</summary>
internal sealed class DnsServer : IUdpService
{
    public const ushort Port = 53;

    private const int HeaderLength = 12;
    private const int LongestName = 255;
    private const int LongestLabel = 63;
    private const ushort TypeAddress = 1;
    private const ushort ClassInternet = 1;
    private const uint TimeToLive = 3600;

    /// <summary>Bits of the header's second word.</summary>
    private const int IsResponse = 0x8000;
    private const int OpcodeMask = 0x7800;
    private const int IsAuthoritative = 0x0400;
    private const int RecursionDesired = 0x0100;
    private const int RecursionAvailable = 0x0080;

    /// <summary>Response codes.</summary>
    private const int FormatError = 1;
    private const int NoSuchName = 3;
    private const int NotImplemented = 4;
    private const int Refused = 5;

    private readonly UdpOutput _output;
    private readonly NetworkCounters _counters;
    private readonly Dictionary<string, Ipv4Address> _names;

    public DnsServer(NetworkOptions options, UdpOutput output, NetworkCounters counters)
    {
        _output = output;
        _counters = counters;
        _names = new Dictionary<string, Ipv4Address>(StringComparer.OrdinalIgnoreCase)
        {
            ["gateway"] = options.Gateway,
            ["host"] = options.Gateway,
            ["dns"] = options.NameServer,
        };
        if (options.HostName is { Length: > 0 } name)
            _names.TryAdd(name, options.GuestAddress);
    }

    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        var query = datagram.Payload;
        if (query.Length < HeaderLength || (query[2] & 0x80) != 0)
        {
            _counters.DroppedMalformed++;
            return;
        }

        var answer = _output.Payload;
        query[..HeaderLength].CopyTo(answer);
        answer[4..HeaderLength].Clear();
        var length = HeaderLength;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(query[2..]);
        int code;
        Ipv4Address? address = null;
        if ((flags & OpcodeMask) != 0)
            code = NotImplemented;
        else if (BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1 || !TryReadName(query, out var name, out var nameEnd) || nameEnd + 4 > query.Length)
            code = FormatError;
        else
        {
            length = nameEnd + 4;
            query[HeaderLength..length].CopyTo(answer[HeaderLength..]);
            answer[5] = 1;
            code = Resolve(name, BinaryPrimitives.ReadUInt16BigEndian(query[nameEnd..]), BinaryPrimitives.ReadUInt16BigEndian(query[(nameEnd + 2)..]), out address);
        }

        if (address is { } known)
        {
            answer[7] = 1;
            length += WriteAddress(answer[length..], known);
        }

        BinaryPrimitives.WriteUInt16BigEndian(
            answer[2..],
            (ushort)(IsResponse | (flags & (OpcodeMask | RecursionDesired)) | IsAuthoritative | RecursionAvailable | code));
        _output.Answer(datagram, length);
    }

    /// <summary>Reads the name of the question: labels up to an empty one. Pointers have nothing to point to there.</summary>
    private static bool TryReadName(ReadOnlySpan<byte> query, out string name, out int end)
    {
        name = "";
        end = HeaderLength;
        var text = new StringBuilder();
        while (end < query.Length && end < HeaderLength + LongestName)
        {
            var label = query[end++];
            if (label == 0)
            {
                name = text.ToString();
                return true;
            }

            if (label > LongestLabel || end + label > query.Length)
                return false;
            if (text.Length != 0)
                text.Append('.');
            text.Append(Encoding.Latin1.GetString(query.Slice(end, label)));
            end += label;
        }

        return false;
    }

    private static int WriteAddress(Span<byte> answer, Ipv4Address address)
    {
        const ushort NameOfQuestion = 0xC000 | HeaderLength;
        BinaryPrimitives.WriteUInt16BigEndian(answer, NameOfQuestion);
        BinaryPrimitives.WriteUInt16BigEndian(answer[2..], TypeAddress);
        BinaryPrimitives.WriteUInt16BigEndian(answer[4..], ClassInternet);
        BinaryPrimitives.WriteUInt32BigEndian(answer[6..], TimeToLive);
        BinaryPrimitives.WriteUInt16BigEndian(answer[10..], Ipv4Address.Length);
        address.Write(answer[12..]);
        return 12 + Ipv4Address.Length;
    }

    /// <summary>A known name without an IPv4 address asked for has an empty answer; an unknown one does not exist, so that the guest does not ask again.</summary>
    private int Resolve(string name, ushort type, ushort category, out Ipv4Address? address)
    {
        address = null;
        if (category != ClassInternet)
            return Refused;
        if (!_names.TryGetValue(name, out var known))
            return NoSuchName;
        if (type == TypeAddress)
            address = known;
        return 0;
    }
}
