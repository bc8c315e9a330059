using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Network.Udp;

namespace Emu.Machine.Network.HostAccess;

/// <summary>The ways between guest and host that the user has opened.</summary>
internal sealed class HostGate : IStateful, IDisposable
{
    /// <summary>Ports of the gateway from which it calls the guest for somebody outside.</summary>
    private const ushort FirstCallingPort = 49152;

    /// <summary>Ports of the gateway to which the guest answers datagrams from outside.</summary>
    private const ushort FirstAnswerPort = 40000;

    private readonly NetworkOptions _options;
    private readonly IHostSockets _sockets;
    private readonly HostOpenings _openings;
    private readonly TcpStack _tcp;
    private readonly List<HostTcpRelay> _relays = [];
    private readonly List<(IHostListener Listener, ushort GuestPort)> _listeners = [];
    private readonly List<HostDatagramFlows> _flows = [];
    private readonly List<ForwardedDatagrams> _forwarded = [];
    private ushort _callingPort = FirstCallingPort;

    /// <summary>Opens them.</summary>
    /// <exception cref="MachineConfigurationException">The host does not allow it.</exception>
    public HostGate(NetworkOptions options, IHostSockets sockets, TcpStack tcp, UdpStack udp, UdpOutput output)
    {
        _options = options;
        _sockets = sockets;
        _openings = new HostOpenings(sockets);
        _tcp = tcp;
        tcp.RestoreRelay = connection => Relay(connection, null, 0);
        foreach (var allowed in options.Allowed)
        {
            HostEndpoint shown = new(allowed.Host ?? options.Gateway, allowed.Port);
            HostEndpoint remote = new(allowed.Host ?? Ipv4Address.Loopback, allowed.Port);
            if (allowed.Protocol == TransportProtocol.Tcp)
            {
                tcp.Listen(shown.Address, shown.Port, connection => Relay(connection, _openings.Connect(remote, out var number), number));
                continue;
            }

            HostDatagramFlows flows = new(_openings, output, shown, remote);
            udp.Add(shown.Address, shown.Port, flows);
            _flows.Add(flows);
        }

        foreach (var forward in options.Forwards)
        {
            HostEndpoint local = new(forward.HostAddress, forward.HostPort);
            if (forward.Protocol == TransportProtocol.Tcp)
                _listeners.Add((sockets.Listen(local), forward.GuestPort));
            else
                Forward(local, forward.GuestPort, udp, output);
        }
    }

    /// <summary>True while something may come from outside.</summary>
    public bool IsAwaited =>
        _listeners.Count != 0 || _relays.Exists(static relay => !relay.HasEnded) || _forwarded.Count != 0 || _flows.Exists(static flows => flows.IsAwaited);

    /// <summary>Looks what the host has.</summary>
    public void Poll()
    {
        foreach (var (listener, guestPort) in _listeners)
        {
            while (listener.TryAccept(out var stream))
                CallGuest(stream!, guestPort);
        }

        // What a relay does may end others, but begins none.
        foreach (var relay in _relays)
        {
            if (!relay.HasEnded)
                relay.Poll();
        }

        _relays.RemoveAll(static relay => relay.HasEnded);
        foreach (var flows in _flows)
            flows.Poll();
        foreach (var forwarded in _forwarded)
            forwarded.Poll();
    }

    /// <summary>Lets go of the host's connections before the guest's are restored: what leads to the host then is found again, or reset.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void BeginTransfer(StateStream stream)
    {
        if (!stream.IsRestoring)
            return;
        foreach (var relay in _relays)
            relay.Forget();
        _relays.Clear();
    }

    /// <summary>Transfers what the guest's connections, which come before, do not know.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        stream.Section("host");
        _openings.Transfer(stream);
        stream.Transfer(ref _callingPort);
        stream.Require(_callingPort >= FirstCallingPort, $"nobody calls from port {_callingPort}");
        // They are in the order in which they were opened.
        if (stream.IsRestoring)
            _relays.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        foreach (var flows in _flows)
            flows.Transfer(stream);
        foreach (var forwarded in _forwarded)
            forwarded.Transfer(stream);
    }

    /// <summary>Waits until anything has happened outside.</summary>
    public bool Wait(TimeSpan timeout) => _sockets.Wait(timeout);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var relay in _relays.ToArray())
            relay.Connection.End();
        foreach (var (listener, _) in _listeners)
            listener.Dispose();
        foreach (var flows in _flows)
            flows.Dispose();
        foreach (var forwarded in _forwarded)
            forwarded.Dispose();
        _sockets.Dispose();
    }

    private HostTcpRelay Relay(TcpConnection connection, IHostStream? stream, ulong number)
    {
        HostTcpRelay relay = new(_openings, stream, number) { Connection = connection };
        _relays.Add(relay);
        return relay;
    }

    private void CallGuest(IHostStream stream, ushort guestPort)
    {
        TcpKey key = new(_options.Gateway, _callingPort, _options.GuestAddress, guestPort);
        _callingPort = _callingPort == ushort.MaxValue ? FirstCallingPort : (ushort)(_callingPort + 1);
        var number = _openings.CountAccepted();
        if (_tcp.Call(key, connection => Relay(connection, stream, number)) is null)
            stream.Dispose();
    }

    private void Forward(HostEndpoint local, ushort guestPort, UdpStack udp, UdpOutput output)
    {
        var firstPort = (ushort)(FirstAnswerPort + (_forwarded.Count * ForwardedDatagrams.Capacity));
        ForwardedDatagrams forwarded = new(_sockets.BindDatagrams(local), output, _options, guestPort, firstPort);
        for (var i = 0; i < ForwardedDatagrams.Capacity; i++)
            udp.Add(_options.Gateway, (ushort)(firstPort + i), forwarded);
        _forwarded.Add(forwarded);
    }
}
