using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Udp;

/// <summary>Who gets the guest's datagrams.</summary>
internal interface IUdpService
{
    /// <summary>Takes a datagram.</summary>
    /// <param name="datagram">The datagram.</param>
    /// <param name="sender">The card that it comes from.</param>
    void Receive(in UdpDatagram datagram, MacAddress sender);
}

/// <summary>Takes the guest's datagrams to the services at their ports.</summary>
internal sealed class UdpStack
{
    private readonly NetworkOptions _options;
    private readonly NetworkCounters _counters;
    private readonly Dictionary<(Ipv4Address Address, ushort Port), IUdpService> _services = [];

    public UdpStack(NetworkOptions options, NetworkCounters counters)
    {
        _options = options;
        _counters = counters;
    }

    /// <summary>Who hears broadcasts to port 67.</summary>
    public IUdpService? Dhcp { get; set; }

    /// <summary>Puts a service at a port; the first to come has it.</summary>
    public void Add(Ipv4Address address, ushort port, IUdpService service) => _services.TryAdd((address, port), service);

    /// <summary>Takes a packet.</summary>
    /// <returns>False where nobody listens.</returns>
    public bool TryReceive(in Ipv4Packet packet, MacAddress sender)
    {
        if (!UdpDatagram.TryParse(packet, out var datagram))
        {
            _counters.DroppedMalformed++;
            return true;
        }

        IUdpService? service;
        if (datagram.DestinationPort == DhcpServer.ServerPort && (datagram.Destination == Ipv4Address.Broadcast || datagram.Destination == _options.Gateway))
            service = Dhcp;
        else if (datagram.Source == Ipv4Address.None || !_services.TryGetValue((datagram.Destination, datagram.DestinationPort), out service))
            service = null;
        service?.Receive(datagram, sender);
        return service is not null;
    }
}
