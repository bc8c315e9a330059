using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Udp;

namespace Emu.Machine.Network.HostAccess;

/// <summary>The guest's datagrams to a port that the user allows: each of the guest's ports has one of the host's, for the answers.</summary>
internal sealed class HostDatagramFlows : IUdpService, IStateful, IDisposable
{
    /// <summary>So many of the guest's ports can wait for answers; then the one that sent longest ago no longer does.</summary>
    private const int Capacity = 32;

    private readonly HostOpenings _openings;
    private readonly UdpOutput _output;
    private readonly HostEndpoint _shown;
    private readonly HostEndpoint _remote;
    private readonly List<Flow> _flows = [];

    /// <summary>Makes the way from <paramref name="shown"/>, which the guest sends to, to what that is for the host.</summary>
    public HostDatagramFlows(HostOpenings openings, UdpOutput output, HostEndpoint shown, HostEndpoint remote)
    {
        _openings = openings;
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

            if (_openings.TryOpenDatagrams(out var number) is not { } socket)
                return;
            found = new Flow(guest, number, socket);
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

    public void Transfer(StateStream stream)
    {
        stream.Section("datagrams to the host");
        var count = stream.Count(_flows.Count, Capacity);
        if (stream.IsRestoring)
            Dispose();
        for (var i = 0; i < count; i++)
        {
            var flow = stream.IsRestoring ? null : _flows[i];
            var guest = HostOpenings.Transfer(stream, flow?.Guest ?? default);
            var number = stream.Transferred(flow?.Number ?? 0);
            if (flow is null)
                Add(guest, number);
        }
    }

    public void Dispose()
    {
        foreach (var flow in _flows)
            flow.Socket.Dispose();
        _flows.Clear();
    }

    private void Add(HostEndpoint guest, ulong number)
    {
        // Datagrams may be lost: without a port the guest's next one opens another.
        if (_openings.ResumeDatagrams(number) is { } socket)
            _flows.Add(new Flow(guest, number, socket));
    }

    private sealed record Flow(HostEndpoint Guest, ulong Number, IHostDatagrams Socket);
}

/// <summary>Datagrams to a port of the host that leads to the guest: each sender has a port of the gateway, for the answers.</summary>
internal sealed class ForwardedDatagrams : IUdpService, IStateful, IDisposable
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

    public void Transfer(StateStream stream)
    {
        stream.Section("datagrams from the host");
        stream.Transfer(ref _oldest);
        stream.Require((uint)_oldest < Capacity, $"there is no place {_oldest}");
        foreach (ref var sender in _senders.AsSpan())
        {
            var isKnown = stream.Transferred(sender is not null);
            sender = isKnown ? HostOpenings.Transfer(stream, sender.GetValueOrDefault()) : null;
        }
    }

    public void Dispose() => _socket.Dispose();
}
