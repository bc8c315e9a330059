using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;

namespace Emu.Machine.Tests.Network;

/// <summary>A guest's card that a test drives by hand, plugged into a network.</summary>
internal sealed class TestGuest : IEthernetReceiver, IStateful, IDisposable
{
    public static readonly Ipv4Address Address = Parse("10.0.2.15");
    public static readonly Ipv4Address Gateway = Parse("10.0.2.2");
    public static readonly Ipv4Address NameServer = Parse("10.0.2.3");

    private readonly Queue<byte[]> _received = [];
    private readonly IHostSockets? _sockets;

    public TestGuest(NetworkOptions? options = null, IHostSockets? sockets = null)
    {
        Options = options ?? new NetworkOptions();
        _sockets = sockets;
        Clock = new VirtualClock(new ManualCounter());
        Network = new UserNetwork(Clock, Options, sockets);
        Network.Port.Connect(this);
    }

    /// <summary>Sends into the network of a machine, whose own card takes what comes back.</summary>
    public TestGuest(UserNetwork network, VirtualClock clock)
    {
        Options = new NetworkOptions();
        Network = network;
        Clock = clock;
    }

    public NetworkOptions Options { get; }

    public VirtualClock Clock { get; private set; }

    public UserNetwork Network { get; private set; }

    public bool HasRoom { get; set; } = true;

    /// <summary>Sees each frame instead of the queue.</summary>
    public Action<byte[]>? Arrived { get; set; }

    public int Waiting => _received.Count;

    public static Ipv4Address Parse(string text) => Ipv4Address.TryParse(text, out var address) ? address : throw new ArgumentException(text);

    public bool TryReceive(ReadOnlySpan<byte> frame)
    {
        if (!HasRoom)
            return false;
        if (Arrived is { } arrived)
            arrived(frame.ToArray());
        else
            _received.Enqueue(frame.ToArray());
        return true;
    }

    public void Transmit(ReadOnlySpan<byte> frame) => Network.Port.Transmit(frame);

    /// <summary>Sends a packet; without a source that is the guest's address.</summary>
    public void SendIp(
        byte protocol, Ipv4Address destination, ReadOnlySpan<byte> payload, Ipv4Address? source = null, int offset = 0, bool more = false, ushort id = 1)
    {
        var frame = new byte[14 + 20 + payload.Length];
        var card = destination == Ipv4Address.Broadcast ? MacAddress.Broadcast : Options.MacOf(destination);
        card.Write(frame);
        Options.GuestMac.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType.Ipv4);
        Ipv4Packet.WriteHeader(frame.AsSpan(14), source ?? Address, destination, protocol, payload.Length, id, offset, more, isWhole: false);
        payload.CopyTo(frame.AsSpan(34));
        Transmit(frame);
    }

    public void SendUdp(
        Ipv4Address destination, ushort port, ReadOnlySpan<byte> payload, ushort sourcePort = 4000, Ipv4Address? source = null)
    {
        var bytes = new byte[8 + payload.Length];
        payload.CopyTo(bytes.AsSpan(8));
        UdpDatagram.WriteHeader(bytes, source ?? Address, sourcePort, destination, port);
        SendIp(IpProtocol.Udp, destination, bytes, source);
    }

    public void SendTcp(in TcpKey key, uint sequence, uint acknowledgment, TcpFlags flags, ushort window = 65535, ReadOnlySpan<byte> payload = default, ushort mss = 0)
    {
        var header = mss == 0 ? 20 : 24;
        var bytes = new byte[header + payload.Length];
        payload.CopyTo(bytes.AsSpan(header));
        TcpSegment.WriteHeader(bytes, key, sequence, acknowledgment, flags, window, mss);
        SendIp(IpProtocol.Tcp, key.Remote, bytes, key.Local);
    }

    /// <summary>Lets enough time pass for an answer, and takes the oldest frame.</summary>
    public byte[] Answer()
    {
        Clock.Advance(Options.Latency);
        return _received.Dequeue();
    }

    /// <summary>Lets enough time pass for an answer, and says that there is none.</summary>
    public bool IsUnanswered()
    {
        Clock.Advance(Options.Latency);
        return _received.Count == 0;
    }

    public Ipv4Packet AnswerIp()
    {
        var frame = Answer();
        if (!Ipv4Packet.TryParse(frame.AsSpan(14), out var packet))
            throw new InvalidOperationException("The network sent a broken packet.");
        return packet;
    }

    public UdpDatagram AnswerUdp()
    {
        if (!UdpDatagram.TryParse(AnswerIp(), out var datagram))
            throw new InvalidOperationException("The network sent a broken datagram.");
        return datagram;
    }

    public TcpSegment AnswerTcp()
    {
        if (!TcpSegment.TryParse(AnswerIp(), out var segment))
            throw new InvalidOperationException("The network sent a broken segment.");
        return segment;
    }

    /// <summary>Goes on with a network that knows what this one does, and nothing else.</summary>
    public void Move()
    {
        var state = StateStream.Save(this);
        Clock = new VirtualClock(new ManualCounter());
        Network = new UserNetwork(Clock, Options, _sockets);
        Network.Port.Connect(this);
        StateStream.Restore(this, state);
    }

    public void Transfer(StateStream stream)
    {
        Clock.Transfer(stream);
        Network.Transfer(stream);
    }

    public void Dispose() => Network.Dispose();
}
