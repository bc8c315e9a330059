using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Ip;

/// <summary>Sends IPv4 packets to the guest: puts headers before a payload that is written in place, and cuts what is longer than the MTU.</summary>
internal sealed class Ipv4Output : IStateful
{
    private const int PayloadStart = EthernetLink.HeaderLength + Ipv4Packet.HeaderLength;

    /// <summary>The longest payload of one frame; of a fragment the largest multiple of 8 in it, which it is.</summary>
    private const int FragmentLength = EthernetLink.Mtu - Ipv4Packet.HeaderLength;

    private readonly EthernetLink _link;
    private readonly NetworkOptions _options;
    private readonly Neighbors _neighbors;
    private readonly byte[] _packet = new byte[PayloadStart + Ipv4Packet.LongestPayload];
    private readonly byte[] _fragment = new byte[EthernetLink.LongestToGuest];
    private ushort _identification;

    public Ipv4Output(EthernetLink link, NetworkOptions options, Neighbors neighbors)
    {
        _link = link;
        _options = options;
        _neighbors = neighbors;
    }

    /// <summary>Takes the payload of the next packet; valid until it is sent.</summary>
    public Span<byte> Payload => _packet.AsSpan(PayloadStart);

    /// <summary>Sends what is in <see cref="Payload"/>, to the card <paramref name="to"/> where that is known otherwise than by the address.</summary>
    public void Send(Ipv4Address source, Ipv4Address destination, byte protocol, int length, MacAddress? to = null)
    {
        var card = to ?? _neighbors.Find(destination);
        if (length <= FragmentLength)
        {
            WriteEthernetHeader(_packet, card, source);
            // A packet that is never cut needs no identification (RFC 6864).
            Ipv4Packet.WriteHeader(
                _packet.AsSpan(EthernetLink.HeaderLength), source, destination, protocol, length, 0, 0, hasMoreFragments: false, isWhole: true);
            _link.Send(_packet.AsSpan(0, PayloadStart + length));
            return;
        }

        _identification++;
        WriteEthernetHeader(_fragment, card, source);
        for (var offset = 0; offset < length; offset += FragmentLength)
        {
            var part = Math.Min(FragmentLength, length - offset);
            Ipv4Packet.WriteHeader(
                _fragment.AsSpan(EthernetLink.HeaderLength),
                source,
                destination,
                protocol,
                part,
                _identification,
                offset,
                offset + part < length,
                isWhole: false);
            Payload.Slice(offset, part).CopyTo(_fragment.AsSpan(PayloadStart));
            _link.Send(_fragment.AsSpan(0, PayloadStart + part));
        }
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("IPv4");
        stream.Transfer(ref _identification);
    }

    private void WriteEthernetHeader(Span<byte> frame, MacAddress to, Ipv4Address source)
    {
        to.Write(frame);
        _options.MacOf(source).Write(frame[MacAddress.Length..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[(2 * MacAddress.Length)..], EtherType.Ipv4);
    }
}
