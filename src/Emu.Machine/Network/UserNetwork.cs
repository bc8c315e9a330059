using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Network.Ip;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Network.Udp;
using Emu.Machine.Processors;
using Emu.Machine.Time;

namespace Emu.Machine.Network;

/// <summary>
/// The network that one card of the guest's is plugged into: a gateway and a name server, played by the machine, without a right or a
/// setting of the host's being needed.
/// </summary>
/// <remarks>
/// It is a function of what the guest sends, unless the user opens a way to the host (<see cref="NetworkOptions.ReachesHost"/>). Only the
/// guest can reach it, nothing that it sends makes it throw, and all tables and queues are bounded.
/// </remarks>
public sealed class UserNetwork : IExternalInput, IStateful, IDisposable
{
    /// <summary>Ports of the gateway's own services, over TCP and UDP.</summary>
    private const ushort EchoPort = 7;
    private const ushort DiscardPort = 9;
    private const ushort CharacterGeneratorPort = 19;

    private readonly NetworkOptions _options;
    private readonly EthernetLink _link;
    private readonly ArpResponder _arp;
    private readonly Ipv4Input _input;
    private readonly HostGate? _gate;
    private readonly TcpStack _tcp;

    // What has state besides link, connections and the way to the host.
    private readonly List<IStateful> _parts = [];

    /// <summary>Makes a network.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="options">How it is to be.</param>
    /// <param name="sockets">The host's network, which is closed with this one; null for none.</param>
    /// <exception cref="MachineConfigurationException">The host does not allow what the options ask for.</exception>
    public UserNetwork(VirtualClock clock, NetworkOptions options, IHostSockets? sockets = null)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        _options = options;
        _link = new EthernetLink(clock, options.Latency, Counters, options.Capture) { FromGuest = Receive };
        Neighbors neighbors = new(options);
        Ipv4Output output = new(_link, options, neighbors);
        UdpOutput datagrams = new(output);
        DhcpServer dhcp = new(options, datagrams, Counters);
        UdpStack udp = new(options, Counters) { Dhcp = dhcp };
        _tcp = new TcpStack(clock, options, output, Counters);
        udp.Add(options.NameServer, DnsServer.Port, new DnsServer(options, datagrams, Counters));
        // What the user opens comes before what is built in.
        if (options.ReachesHost && sockets is not null)
            _gate = new HostGate(options, sockets, _tcp, udp, datagrams);
        UdpCharacterGenerator characters = new(datagrams);
        AddServices(options.Gateway, _tcp, udp, datagrams, characters);
        _arp = new ArpResponder(_link, options, neighbors, Counters);
        FragmentReassembly fragments = new(clock, Counters);
        _input = new Ipv4Input(options, Counters, neighbors, fragments, new Icmp(output, Counters), udp, _tcp);
        _parts.AddRange([Counters, neighbors, output, dhcp, characters, fragments]);
    }

    /// <summary>Where the guest's card is plugged in.</summary>
    public IEthernetPort Port => _link;

    /// <summary>What has happened so far.</summary>
    public NetworkCounters Counters { get; } = new();

    /// <summary>True while something may come from the host: idle time then waits for it, at the pace of the host's clock.</summary>
    public bool IsAwaited => _gate is { IsAwaited: true };

    /// <summary>While true, frames are not written to <see cref="NetworkOptions.Capture"/>: those that go by have gone by before.</summary>
    public bool IsCaptureMuted
    {
        get => _link.IsCaptureMuted;
        set => _link.IsCaptureMuted = value;
    }

    /// <summary>Looks what the host has; called between slices of the run.</summary>
    public void Poll() => _gate?.Poll();

    /// <summary>Waits in host time until the host has something.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <returns>True where it has.</returns>
    public bool Wait(TimeSpan timeout) => _gate?.Wait(timeout) ?? false;

    /// <summary>Transfers all that the network knows of the guest; the clock comes before.</summary>
    /// <remarks>
    /// A connection that leads to the host is reset soon after it is restored, because the host's side is gone, unless the host's network is
    /// played back (<see cref="IResumableSockets"/>).
    /// </remarks>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("network");
        _link.Transfer(stream);
        foreach (var part in _parts)
            part.Transfer(stream);
        _gate?.BeginTransfer(stream);
        _tcp.Transfer(stream);
        _gate?.Transfer(stream);
    }

    /// <inheritdoc/>
    public void Dispose() => _gate?.Dispose();

    private static void Check(NetworkOptions options)
    {
        if ((options.Network.Value & ~NetworkOptions.Mask.Value) != 0 || !options.Network.IsStation)
            throw new MachineConfigurationException($"{options.Network} cannot be the guest's network; 10.0.2.0 could.");
        if (options.GuestMac.IsMulticast || options.GuestMac.Value == 0)
            throw new MachineConfigurationException($"{options.GuestMac} cannot be the address of a network card.");
        if (options.HostName is { } name && (name.Length is 0 or > NetworkOptions.LongestHostName || !name.All(char.IsAscii)))
            throw new MachineConfigurationException($"'{name}' cannot be the guest's name: 1 to {NetworkOptions.LongestHostName} ASCII characters can.");
    }

    private static void AddServices(
        Ipv4Address gateway, TcpStack tcp, UdpStack udp, UdpOutput datagrams, UdpCharacterGenerator characters)
    {
        tcp.Listen(gateway, EchoPort, static connection => new TcpEcho { Connection = connection });
        tcp.Listen(gateway, DiscardPort, static connection => new TcpDiscard { Connection = connection });
        tcp.Listen(gateway, CharacterGeneratorPort, static connection => new TcpCharacterGenerator { Connection = connection });
        udp.Add(gateway, EchoPort, new UdpEcho(datagrams));
        udp.Add(gateway, DiscardPort, new UdpDiscard());
        udp.Add(gateway, CharacterGeneratorPort, characters);
    }

    private void Receive(ReadOnlySpan<byte> frame)
    {
        var destination = MacAddress.Read(frame);
        var sender = MacAddress.Read(frame[MacAddress.Length..]);
        var isForUs = destination.IsMulticast || destination == _options.MacOf(_options.Gateway) || destination == _options.MacOf(_options.NameServer);
        if (!isForUs || sender.IsMulticast)
        {
            Counters.DroppedUnwanted++;
            return;
        }

        var payload = frame[EthernetLink.HeaderLength..];
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame[(2 * MacAddress.Length)..]))
        {
            case EtherType.Ipv4:
                _input.Receive(payload, sender);
                break;
            case EtherType.Arp:
                _arp.Receive(payload);
                break;
            default:
                Counters.DroppedUnwanted++;
                break;
        }
    }
}
