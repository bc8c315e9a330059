using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Udp;

namespace Emu.Machine.Network.HostAccess;

/// <summary>The guest's datagrams to a port that the user allows: each of the guest's ports has one of the host's, for the answers.</summary>
internal sealed class HostDatagramFlows : IUdpService, IDisposable
{
    /// <summary>So many of the guest's ports can wait for answers; then the one that sent longest ago no longer does.</summary>
    private const int Capacity = 32;

    private readonly IHostSockets _sockets;
    private readonly UdpOutput _output;
    private readonly HostEndpoint _shown;
    private readonly HostEndpoint _remote;
    private readonly List<Flow> _flows = [];

    /// <summary>Makes the way from <paramref name="shown"/>, which the guest sends to, to what that is for the host.</summary>
    public HostDatagramFlows(IHostSockets sockets, UdpOutput output, HostEndpoint shown, HostEndpoint remote)
    {
        _sockets = sockets;
        _output = output;
        _shown = shown;
        _remote = remote;
    }

    public bool IsAwaited => _flows.Count != 0;

    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        HostEndpoint guest = new(datagram.Source, datagram.SourcePort);
        var at = _flows.FindIndex(flow => flow.Guest == guest);
        Flow found;
        if (at >= 0)
        {
            found = _flows[at];
            _flows.RemoveAt(at);
        }
        else
        {
            if (_flows.Count == Capacity)
            {
                _flows[0].Socket.Dispose();
                _flows.RemoveAt(0);
            }

            if (_sockets.TryOpenDatagrams() is not { } socket)
                return;
            found = new Flow(guest, socket);
        }

        _flows.Add(found);
        found.Socket.Send(_remote, datagram.Payload);
    }

    public void Poll()
    {
        foreach (var flow in _flows)
        {
            while (flow.Socket.TryReceive(_output.Payload, out var count, out var remote))
            {
                // The port is open to everybody; only the one that the guest talks to may answer.
                if (remote == _remote)
                    _output.Send(_shown.Address, _shown.Port, flow.Guest.Address, flow.Guest.Port, count);
            }
        }
    }

    public void Dispose()
    {
        foreach (var flow in _flows)
            flow.Socket.Dispose();
        _flows.Clear();
    }

    private sealed record Flow(HostEndpoint Guest, IHostDatagrams Socket);
}

/// <summary>Datagrams to a port of the host that leads to the guest: each sender has a port of the gateway, for the answers.</summary>
internal sealed class ForwardedDatagrams : IUdpService, IDisposable
{
    /// <summary>So many senders have a port; then the one that had its for longest gives it up.</summary>
    public const int Capacity = 64;

    private readonly IHostDatagrams _socket;
    private readonly UdpOutput _output;
    private readonly NetworkOptions _options;
    private readonly ushort _guestPort;
    private readonly ushort _firstPort;
    private readonly HostEndpoint?[] _senders = new HostEndpoint?[Capacity];
    private int _oldest;

    /// <summary>Makes the way to one of the guest's ports; answers go to <see cref="Capacity"/> ports of the gateway.</summary>
    public ForwardedDatagrams(IHostDatagrams socket, UdpOutput output, NetworkOptions options, ushort guestPort, ushort firstPort)
    {
        _socket = socket;
        _output = output;
        _options = options;
        _guestPort = guestPort;
        _firstPort = firstPort;
    }

    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        if (datagram.SourcePort == _guestPort && _senders[datagram.DestinationPort - _firstPort] is { } remote)
            _socket.Send(remote, datagram.Payload);
    }

    public void Poll()
    {
        while (_socket.TryReceive(_output.Payload, out var count, out var remote))
        {
            var at = Array.IndexOf(_senders, remote);
            if (at < 0)
            {
                at = _oldest;
                _oldest = (_oldest + 1) % Capacity;
                _senders[at] = remote;
            }

            _output.Send(_options.Gateway, (ushort)(_firstPort + at), _options.GuestAddress, _guestPort, count);
        }
    }

    public void Dispose() => _socket.Dispose();
}
