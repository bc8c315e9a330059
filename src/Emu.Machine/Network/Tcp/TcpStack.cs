using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Ip;
using Emu.Machine.Time;

namespace Emu.Machine.Network.Tcp;

/// <summary>All connections with the guest: finds the one that a segment belongs to, and makes new ones where somebody listens.</summary>
/// <remarks>
/// A connection costs up to 128 KiB of host memory once it is established, hence the limits. Half-open ones cost little, but the oldest
/// makes room for a new one, so a flood of SYNs keeps nobody out for long.
/// </remarks>
internal sealed class TcpStack : IStateful
{
    /// <summary>What the MSS option of our own segments says.</summary>
    public const ushort OwnMaximumSegment = EthernetLink.Mtu - Ipv4Packet.HeaderLength - TcpSegment.HeaderLength;

    /// <summary>So many connections may be established or closing.</summary>
    public const int MostConnections = 128;

    /// <summary>So many may be in their handshake.</summary>
    public const int MostHalfOpen = 64;

    private readonly NetworkOptions _options;
    private readonly Ipv4Output _output;
    private readonly NetworkCounters _counters;
    private readonly Dictionary<(Ipv4Address Address, ushort Port), Func<TcpConnection, TcpApplication>> _listeners = [];
    private readonly Dictionary<TcpKey, TcpConnection> _connections = [];

    /// <summary>In the order in which they began.</summary>
    private readonly List<TcpConnection> _halfOpen = [];
    private readonly List<TcpConnection> _established = [];

    public TcpStack(VirtualClock clock, NetworkOptions options, Ipv4Output output, NetworkCounters counters)
    {
        Clock = clock;
        _options = options;
        _output = output;
        _counters = counters;
    }

    public VirtualClock Clock { get; }

    /// <summary>Puts a relay behind a connection that is restored; null where none leads to the host.</summary>
    public Func<TcpConnection, TcpApplication>? RestoreRelay { get; set; }

    /// <summary>Connections in any state.</summary>
    public int Count => _connections.Count;

    /// <summary>Takes the payload of the next segment, which has no options; valid until it is sent.</summary>
    public Span<byte> Payload => _output.Payload[TcpSegment.HeaderLength..];

    /// <summary>Puts a service at a port; the first to come has it.</summary>
    public void Listen(Ipv4Address address, ushort port, Func<TcpConnection, TcpApplication> application) =>
        _listeners.TryAdd((address, port), application);

    /// <summary>Takes a packet.</summary>
    /// <returns>False where it calls a station that nobody plays.</returns>
    public bool TryReceive(in Ipv4Packet packet)
    {
        if (!TcpSegment.TryParse(packet, out var segment))
        {
            _counters.DroppedMalformed++;
            return true;
        }

        TcpKey key = new(segment.Destination, segment.DestinationPort, segment.Source, segment.SourcePort);
        if (_connections.TryGetValue(key, out var connection))
        {
            // A new call may take the place of a connection that only waits for its end (RFC 9293, 3.6.1).
            if (connection.State != TcpState.TimeWait || !IsCall(segment))
            {
                connection.Receive(segment);
                return true;
            }

            connection.End();
        }

        if (!_listeners.TryGetValue((key.Local, key.LocalPort), out var listener))
        {
            if (IsCall(segment) && !_options.IsOurs(segment.Destination))
                return false;
            SendReset(segment);
            return true;
        }

        if (IsCall(segment))
            Answer(key, segment, listener);
        else
            SendReset(segment);
        return true;
    }

    /// <summary>Calls the guest.</summary>
    /// <returns>The connection; null where there is no room for one.</returns>
    public TcpConnection? Call(in TcpKey key, Func<TcpConnection, TcpApplication> application)
    {
        if (_connections.ContainsKey(key) || !TryMakeRoom())
            return null;
        var connection = Make(key);
        connection.Connect(application(connection));
        connection.Open();
        return connection;
    }

    /// <summary>Sends a segment; its payload is in <see cref="Payload"/>.</summary>
    public void Send(in TcpKey key, uint sequence, uint acknowledgment, TcpFlags flags, ushort window, int length = 0, bool hasMss = false)
    {
        var bytes = _output.Payload[..(TcpSegment.HeaderLength + (hasMss ? TcpSegment.MssOptionLength : 0) + length)];
        TcpSegment.WriteHeader(bytes, key, sequence, acknowledgment, flags, window, hasMss ? OwnMaximumSegment : (ushort)0);
        _output.Send(key.Local, key.Remote, IpProtocol.Tcp, bytes.Length);
    }

    /// <summary>Answers a segment that belongs nowhere (RFC 9293, 3.10.7.1).</summary>
    public void SendReset(in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Reset))
            return;
        TcpKey key = new(segment.Destination, segment.DestinationPort, segment.Source, segment.SourcePort);
        if (segment.Has(TcpFlags.Acknowledge))
            Send(key, segment.Acknowledgment, 0, TcpFlags.Reset, 0);
        else
            Send(key, 0, segment.Sequence + (uint)segment.SequenceLength, TcpFlags.Reset | TcpFlags.Acknowledge, 0);
    }

    public void NoteEstablished(TcpConnection connection)
    {
        _halfOpen.Remove(connection);
        _established.Add(connection);
    }

    public void Forget(TcpConnection connection)
    {
        _connections.Remove(connection.Key);
        if (!_halfOpen.Remove(connection))
            _established.Remove(connection);
    }

    /// <summary>Transfers all connections; those that were there are gone without a word where state is restored.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        stream.Section("TCP");
        if (stream.IsRestoring)
            _connections.Clear();
        Transfer(stream, _halfOpen, MostHalfOpen, isEstablished: false);
        Transfer(stream, _established, MostConnections - _halfOpen.Count, isEstablished: true);
    }

    private static bool IsCall(in TcpSegment segment) =>
        (segment.Flags & (TcpFlags.Syn | TcpFlags.Acknowledge | TcpFlags.Reset | TcpFlags.Fin)) == TcpFlags.Syn;

    private void Answer(in TcpKey key, in TcpSegment syn, Func<TcpConnection, TcpApplication> listener)
    {
        if (!TryMakeRoom())
        {
            // As from a listener whose queue is full: the guest asks again.
            _counters.DroppedWithoutResources++;
            return;
        }

        var connection = Make(key);
        connection.Connect(listener(connection));
        connection.BeginWith(syn);
    }

    /// <summary>A connection that only waits for its end makes room for another; so does the oldest half-open one among its kind.</summary>
    private bool TryMakeRoom()
    {
        if (_established.Count + _halfOpen.Count >= MostConnections)
        {
            if (_established.Find(static connection => connection.State == TcpState.TimeWait) is not { } ending)
                return false;
            ending.End();
        }

        if (_halfOpen.Count == MostHalfOpen)
        {
            _counters.DroppedWithoutResources++;
            _halfOpen[0].End();
        }

        return true;
    }

    private void Transfer(StateStream stream, List<TcpConnection> connections, int most, bool isEstablished) =>
        stream.Transfer(connections, most, connection =>
        {
            TcpKey key = new(
                new Ipv4Address(stream.Transferred(connection?.Key.Local.Value ?? 0)),
                stream.Transferred(connection?.Key.LocalPort ?? 0),
                new Ipv4Address(stream.Transferred(connection?.Key.Remote.Value ?? 0)),
                stream.Transferred(connection?.Key.RemotePort ?? 0));
            var sequence = stream.Transferred(connection?.InitialSequence ?? 0);
            var kind = stream.Transferred(connection?.Application.Kind ?? 0);
            connection ??= Restore(stream, key, sequence, kind);
            connection.Transfer(stream);
            stream.Require(connection.State >= TcpState.Established == isEstablished, "a connection is not where its state belongs");
            return connection;
        });

    private TcpConnection Restore(StateStream stream, in TcpKey key, uint sequence, TcpApplicationKind kind)
    {
        stream.Require(kind <= TcpApplicationKind.Relay, "a connection leads nowhere");
        stream.Require(kind != TcpApplicationKind.Relay || RestoreRelay is not null, "a connection leads to the host, which this guest does not reach");
        TcpConnection connection = new(this, key, sequence);
        stream.Require(_connections.TryAdd(key, connection), "two connections have the same name");
        connection.Connect(kind switch
        {
            TcpApplicationKind.Echo => new TcpEcho { Connection = connection },
            TcpApplicationKind.Discard => new TcpDiscard { Connection = connection },
            TcpApplicationKind.CharacterGenerator => new TcpCharacterGenerator { Connection = connection },
            _ => RestoreRelay!(connection),
        });
        return connection;
    }

    private TcpConnection Make(in TcpKey key)
    {
        TcpConnection connection = new(this, key, InitialSequence(key));
        _connections.Add(key, connection);
        _halfOpen.Add(connection);
        return connection;
    }

    /// <summary>A clock of 4 µs and a mix of the addresses (RFC 6528, without its secret: each run is to be the same, and nobody is there to guess).</summary>
    private uint InitialSequence(in TcpKey key)
    {
        var mixed = ((ulong)key.Local.Value << 32) | key.Remote.Value;
        mixed ^= (((ulong)key.LocalPort << 16) | key.RemotePort) * 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return (uint)(mixed >> 32) + (uint)(Clock.Now / 4000);
    }
}
