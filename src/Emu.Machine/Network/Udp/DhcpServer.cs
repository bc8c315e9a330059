using System.Text;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Udp;

/// <summary>Gives the guest its address (RFC 2131): the first card that asks gets .15, others the ones behind it.</summary>
internal sealed class DhcpServer : IUdpService, IStateful
{
    public const ushort ServerPort = 67;

    private const ushort ClientPort = 68;

    /// <summary>So many cards can have addresses; then the one that asked longest ago loses its own.</summary>
    private const int Leases = 16;

    private readonly NetworkOptions _options;
    private readonly UdpOutput _output;
    private readonly NetworkCounters _counters;
    private readonly (MacAddress Card, ulong Asked)[] _leases = new (MacAddress, ulong)[Leases];
    private ulong _requests;

    public DhcpServer(NetworkOptions options, UdpOutput output, NetworkCounters counters)
    {
        _options = options;
        _output = output;
        _counters = counters;
    }

    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        if (!DhcpMessage.TryParse(datagram.Payload, out var request))
        {
            _counters.DroppedMalformed++;
            return;
        }

        switch (request.Type)
        {
            case DhcpMessageType.Discover:
                Answer(request, DhcpMessageType.Offer, Lease(request.Card));
                break;
            case DhcpMessageType.Request:
                ReceiveRequest(request);
                break;
            case DhcpMessageType.Inform when request.ClientAddress.IsStation:
                Answer(request, DhcpMessageType.Acknowledge, Ipv4Address.None);
                break;
            case DhcpMessageType.Release or DhcpMessageType.Decline:
                Release(request.Card);
                break;
            default:
                _counters.DroppedUnwanted++;
                break;
        }
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("DHCP");
        stream.Transfer(ref _requests);
        foreach (ref var lease in _leases.AsSpan())
            lease = (new MacAddress(stream.Transferred(lease.Card.Value)), stream.Transferred(lease.Asked));
    }

    /// <summary>The four situations of RFC 2131, 4.3.2.</summary>
    private void ReceiveRequest(in DhcpMessage request)
    {
        if (request.Server is { } server && server != _options.Gateway)
        {
            // The client takes another server's offer.
            Release(request.Card);
            return;
        }

        var wanted = request.RequestedAddress ?? request.ClientAddress;
        var lease = Lease(request.Card);
        if (wanted == lease)
            Answer(request, DhcpMessageType.Acknowledge, lease);
        else
            Answer(request, DhcpMessageType.Refuse, Ipv4Address.None);
    }

    private Ipv4Address Lease(MacAddress card)
    {
        _requests++;
        var chosen = 0;
        for (var i = 0; i < Leases; i++)
        {
            if (_leases[i].Asked != 0 && _leases[i].Card == card)
            {
                chosen = i;
                break;
            }

            if (_leases[i].Asked < _leases[chosen].Asked)
                chosen = i;
        }

        _leases[chosen] = (card, _requests);
        return new Ipv4Address(_options.GuestAddress.Value + (uint)chosen);
    }

    private void Release(MacAddress card)
    {
        foreach (ref var lease in _leases.AsSpan())
        {
            if (lease.Card == card)
                lease.Asked = 0;
        }
    }

    private void Answer(in DhcpMessage request, DhcpMessageType type, Ipv4Address lease)
    {
        var writer = new DhcpWriter(_output.Payload, request, type, lease, _options.Gateway);
        if (type != DhcpMessageType.Refuse)
            AddParameters(ref writer, lease != Ipv4Address.None);
        // RFC 6842: who names itself is told so.
        if (!request.ClientIdentifier.IsEmpty)
            writer.Add(DhcpOption.ClientIdentifier, request.ClientIdentifier);
        var length = writer.Finish();

        // RFC 2131, 4.1: to the client's address where it has one, else to its card, or to all where it wants that.
        if (type != DhcpMessageType.Refuse && request.ClientAddress.IsStation)
            _output.Send(_options.Gateway, ServerPort, request.ClientAddress, ClientPort, length, request.Card);
        else if (type == DhcpMessageType.Refuse || request.WantsBroadcast)
            _output.Send(_options.Gateway, ServerPort, Ipv4Address.Broadcast, ClientPort, length);
        else
            _output.Send(_options.Gateway, ServerPort, lease, ClientPort, length, request.Card);
    }

    private void AddParameters(ref DhcpWriter writer, bool isLease)
    {
        writer.Add(DhcpOption.SubnetMask, NetworkOptions.Mask.Value);
        writer.Add(DhcpOption.Router, _options.Gateway.Value);
        writer.Add(DhcpOption.NameServer, _options.NameServer.Value);
        writer.Add(DhcpOption.BroadcastAddress, _options.BroadcastAddress.Value);
        if (_options.HostName is { Length: > 0 and <= NetworkOptions.LongestHostName } name)
        {
            Span<byte> text = stackalloc byte[NetworkOptions.LongestHostName];
            writer.Add(DhcpOption.HostName, text[..Encoding.ASCII.GetBytes(name, text)]);
        }

        if (!isLease)
            return;
        writer.Add(DhcpOption.LeaseTime, _options.LeaseSeconds);
        writer.Add(DhcpOption.RenewalTime, _options.LeaseSeconds / 2);
        writer.Add(DhcpOption.RebindingTime, (uint)(_options.LeaseSeconds * 7L / 8));
    }
}
