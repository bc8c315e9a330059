using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Network.Udp;

namespace Emu.Machine.Network.Ip;

/// <summary>Looks at what the guest sends over IPv4, and hands it on.</summary>
internal sealed class Ipv4Input
{
    private readonly NetworkOptions _options;
    private readonly NetworkCounters _counters;
    private readonly Neighbors _neighbors;
    private readonly FragmentReassembly _fragments;
    private readonly Icmp _icmp;
    private readonly UdpStack _udp;
    private readonly TcpStack _tcp;

    public Ipv4Input(
        NetworkOptions options, NetworkCounters counters, Neighbors neighbors, FragmentReassembly fragments, Icmp icmp, UdpStack udp, TcpStack tcp)
    {
        _options = options;
        _counters = counters;
        _neighbors = neighbors;
        _fragments = fragments;
        _icmp = icmp;
        _udp = udp;
        _tcp = tcp;
    }

    public void Receive(ReadOnlySpan<byte> bytes, MacAddress sender)
    {
        if (!Ipv4Packet.TryParse(bytes, out var packet))
        {
            _counters.DroppedMalformed++;
            return;
        }

        // Who has no address yet may ask for one, no more; who has one, has it in this network.
        var source = packet.Source;
        if (source == Ipv4Address.None ? packet.Protocol != IpProtocol.Udp : !IsGuest(source))
        {
            _counters.DroppedUnwanted++;
            return;
        }

        _neighbors.Learn(source, sender);
        if (!packet.IsFragment)
            ReceiveWhole(packet, sender);
        else if (_fragments.TryComplete(packet, out var whole))
            ReceiveWhole(whole, sender);
    }

    private void ReceiveWhole(in Ipv4Packet packet, MacAddress sender)
    {
        var destination = packet.Destination;
        if (destination == Ipv4Address.Broadcast || destination == _options.BroadcastAddress)
        {
            ReceiveBroadcast(packet, sender);
            return;
        }

        if (!destination.IsStation || packet.Source == Ipv4Address.None)
        {
            _counters.DroppedUnwanted++;
            return;
        }

        Dispatch(packet, sender);
    }

    private void Dispatch(in Ipv4Packet packet, MacAddress sender)
    {
        var isOurs = _options.IsOurs(packet.Destination);
        switch (packet.Protocol)
        {
            case IpProtocol.Tcp:
                if (_tcp.TryReceive(packet) || isOurs)
                    return;
                break;
            case IpProtocol.Udp:
                if (_udp.TryReceive(packet, sender))
                    return;
                if (isOurs)
                {
                    _icmp.SendUnreachable(Icmp.PortUnreachable, packet.Destination, packet);
                    return;
                }

                break;
            case IpProtocol.Icmp when isOurs:
                _icmp.Receive(packet);
                return;
            default:
                if (isOurs)
                {
                    _counters.DroppedUnwanted++;
                    _icmp.SendUnreachable(Icmp.ProtocolUnreachable, packet.Destination, packet);
                    return;
                }

                break;
        }

        _counters.DroppedUnwanted++;
        _icmp.SendUnreachable(Icmp.Prohibited, _options.Gateway, packet);
    }

    /// <summary>Only DHCP listens to broadcasts.</summary>
    private void ReceiveBroadcast(in Ipv4Packet packet, MacAddress sender)
    {
        if (packet.Protocol != IpProtocol.Udp || !_udp.TryReceive(packet, sender))
            _counters.DroppedUnwanted++;
    }

    private bool IsGuest(Ipv4Address source) =>
        _options.Contains(source) && !_options.IsOurs(source) && source != _options.BroadcastAddress && source != _options.Network;
}
