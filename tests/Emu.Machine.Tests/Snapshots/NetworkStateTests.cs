using System.Security.Cryptography;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Network;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>A network that goes on elsewhere, from its state alone, does what it would have done where it was.</summary>
public class NetworkStateTests
{
    private const ulong Millisecond = 1_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_network_that_moves_answers_any_traffic_as_one_that_stays(int seed)
    {
        Assert.Equal(Run(moves: false), Run(moves: true));

        string Run(bool moves)
        {
            using var stream = new MemoryStream();
            using var capture = new PcapWriter(stream, DateTimeOffset.UnixEpoch);
            using var guest = new TestGuest(new NetworkOptions { Capture = capture });
            var random = new Random(seed);
            var seen = 0u;
            guest.Arrived = frame =>
            {
                if (Ipv4Packet.TryParse(frame.AsSpan(14), out var packet) && packet.Protocol == IpProtocol.Tcp && TcpSegment.TryParse(packet, out var segment))
                    seen = segment.Sequence + (uint)segment.SequenceLength;
            };
            for (var i = 0; i < 4000; i++)
            {
                RandomTraffic.Send(guest, random, seen);
                guest.HasRoom = random.Next(50) != 0;
                if (guest.HasRoom)
                    guest.Network.Port.ReceiverReady();
                guest.Clock.Advance((ulong)random.Next(40_000));
                if (moves && i % 20 == 0)
                    guest.Move();
            }

            return Convert.ToHexString(SHA256.HashData(stream.ToArray())) + Convert.ToHexString(StateStream.Save(guest.Network.Counters));
        }
    }

    [Fact]
    public void A_transfer_with_losses_goes_on_wherever_it_is_moved()
    {
        using var guest = new TestGuest();
        var data = new byte[100_000];
        new Random(1).NextBytes(data);
        var losses = new Random(2);
        var peer = new ScriptedTcpPeer(guest, 7, data) { Loses = _ => losses.Next(100) < 5 };
        var moves = 0;
        for (; moves < 10_000 && !peer.PeerHasClosed; moves++)
        {
            peer.Run(Millisecond / 10);
            guest.Move();
        }

        Assert.True(moves > 5);
        Assert.Equal(data, peer.Received);
        Assert.False(peer.WasReset);
    }

    [Fact]
    public void Saved_again_it_is_the_same()
    {
        using var guest = new TestGuest();
        guest.Arrived = static _ => { };
        var random = new Random(5);
        for (var i = 0; i < 500; i++)
            RandomTraffic.Send(guest, random, (uint)i);
        var state = StateStream.Save(guest);
        guest.Move();
        Assert.Equal(state, StateStream.Save(guest));
    }

    [Fact]
    public void What_happened_since_has_not_happened()
    {
        using var guest = new TestGuest();
        TcpKey key = new(TestGuest.Address, 1234, TestGuest.Gateway, 7);
        guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        var state = StateStream.Save(guest);
        var answer = guest.Answer();
        guest.SendTcp(new TcpKey(TestGuest.Address, 1235, TestGuest.Gateway, 7), 100, 0, TcpFlags.Syn);
        guest.SendUdp(TestGuest.Gateway, 7, "later"u8);
        StateStream.Restore(guest, state);
        Assert.Equal(answer, guest.Answer());
        Assert.True(guest.IsUnanswered());
        Assert.Equal(1, guest.Network.Counters.FromGuest);
        // The call that came later is unknown: its next segment belongs nowhere.
        guest.SendTcp(new TcpKey(TestGuest.Address, 1235, TestGuest.Gateway, 7), 101, 7, TcpFlags.Acknowledge);
        Assert.True(guest.AnswerTcp().Has(TcpFlags.Reset));
    }

    [Fact]
    public void What_is_repeated_is_not_captured_again()
    {
        using var stream = new MemoryStream();
        using var capture = new PcapWriter(stream, DateTimeOffset.UnixEpoch);
        using var guest = new TestGuest(new NetworkOptions { Capture = capture });
        var state = StateStream.Save(guest);
        Ping();
        var captured = stream.ToArray();
        StateStream.Restore(guest, state);
        guest.Network.IsCaptureMuted = true;
        Ping();
        guest.Network.IsCaptureMuted = false;
        Assert.Equal(captured, stream.ToArray());
        Ping();
        Assert.True(stream.Length > captured.Length);

        void Ping()
        {
            guest.SendUdp(TestGuest.Gateway, 7, "again"u8);
            guest.Answer();
        }
    }

    [Fact]
    public void A_connection_to_the_host_is_reset_because_the_hosts_side_is_gone()
    {
        var sockets = new StubSockets();
        using var guest = Connected(sockets, out var key);
        guest.Move();
        Assert.True(guest.IsUnanswered());
        guest.Network.Poll();
        Assert.True(guest.AnswerTcp().Has(TcpFlags.Reset));
        guest.SendTcp(key, 101, 0, TcpFlags.Syn);
        Assert.Equal(2, sockets.Opened);
    }

    [Fact]
    public void Going_back_closes_the_hosts_side_of_what_is_forgotten()
    {
        var sockets = new StubSockets();
        using var guest = Connected(sockets, out _);
        var state = StateStream.Save(guest);
        StateStream.Restore(guest, state);
        Assert.True(sockets.Streams[0].IsDisposed);
    }

    [Fact]
    public void A_connection_to_a_host_that_is_played_back_goes_on()
    {
        var sockets = new PlayedBackSockets();
        using var guest = Connected(sockets, out var key);
        guest.Move();
        sockets.Streams[0].ToGuest = "still there"u8.ToArray();
        guest.Network.Poll();
        Assert.Equal("still there"u8.ToArray(), guest.AnswerTcp().Payload.ToArray());
        Assert.Equal(1, sockets.Opened);
        Assert.Equal(0, sockets.LastResumed);
        Assert.Equal(80, key.RemotePort);
    }

    [Fact]
    public void State_with_a_connection_to_the_host_is_refused_by_a_network_that_reaches_none()
    {
        using var open = Connected(new StubSockets(), out _);
        using var closed = new TestGuest();
        var state = StateStream.Save(open);
        Assert.Contains("host", Assert.Throws<SnapshotException>(() => StateStream.Restore(closed, state)).Message, StringComparison.Ordinal);
    }

    private static TestGuest Connected(StubSockets sockets, out TcpKey key)
    {
        TestGuest guest = new(new NetworkOptions { Allowed = [new AllowedConnection(TransportProtocol.Tcp, null, 80)] }, sockets);
        key = new TcpKey(TestGuest.Address, 1234, TestGuest.Gateway, 80);
        guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        guest.Network.Poll();
        var peer = guest.AnswerTcp().Sequence + 1;
        guest.SendTcp(key, 101, peer, TcpFlags.Acknowledge);
        Assert.True(guest.IsUnanswered());
        return guest;
    }

    private class StubSockets : IHostSockets
    {
        public List<StubStream> Streams { get; } = [];

        public int Opened => Streams.Count;

        public IHostStream Connect(HostEndpoint remote)
        {
            Streams.Add(new StubStream());
            return Streams[^1];
        }

        public IHostListener Listen(HostEndpoint local) => throw new NotSupportedException();

        public IHostDatagrams BindDatagrams(HostEndpoint local) => throw new NotSupportedException();

        public IHostDatagrams? TryOpenDatagrams() => null;

        public bool Wait(TimeSpan timeout) => false;

        public void Dispose()
        {
        }
    }

    private sealed class PlayedBackSockets : StubSockets, IResumableSockets
    {
        public int LastResumed { get; private set; } = -1;

        public IHostStream? ResumeStream(ulong number)
        {
            LastResumed = (int)number;
            return Streams[(int)number];
        }

        public IHostDatagrams? ResumeDatagrams(ulong number) => null;
    }

    private sealed class StubStream : IHostStream
    {
        public byte[] ToGuest { get; set; } = [];

        public bool IsDisposed { get; private set; }

        public bool? IsConnected => true;

        public int Send(ReadOnlySpan<byte> bytes) => bytes.Length;

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = ToGuest.Length;
            ToGuest.CopyTo(buffer);
            ToGuest = [];
            return count == 0 ? HostInput.Empty : HostInput.Available;
        }

        public void CloseSending()
        {
        }

        public void Dispose() => IsDisposed = true;
    }
}
