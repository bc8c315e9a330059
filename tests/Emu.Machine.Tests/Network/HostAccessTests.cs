using System.Net;
using System.Net.Sockets;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>Ways to the host, over its own loopback.</summary>
public class HostAccessTests
{
    [Theory]
    [InlineData("tcp:80", TransportProtocol.Tcp, null, 80)]
    [InlineData("udp:192.0.2.1:53", TransportProtocol.Udp, "192.0.2.1", 53)]
    public void An_allowed_connection_is_read(string text, TransportProtocol protocol, string? host, int port)
    {
        Assert.True(AllowedConnection.TryParse(text, out var allowed));
        Assert.Equal(protocol, allowed!.Protocol);
        Assert.Equal(host, allowed.Host?.ToString());
        Assert.Equal(port, allowed.Port);
    }

    [Theory]
    [InlineData("80")]
    [InlineData("tcp:0")]
    [InlineData("tcp:65536")]
    [InlineData("tcp:localhost:80")]
    [InlineData("tcp:127.0.0.1:80")]
    [InlineData("icmp:80")]
    [InlineData(null)]
    public void What_is_no_connection_is_refused(string? text) => Assert.False(AllowedConnection.TryParse(text, out _));

    [Theory]
    [InlineData("tcp:2222:22", "127.0.0.1", 2222, 22)]
    [InlineData("udp:0.0.0.0:53:53", "0.0.0.0", 53, 53)]
    public void A_forward_is_read(string text, string host, int hostPort, int guestPort)
    {
        Assert.True(PortForward.TryParse(text, out var forward));
        Assert.Equal(host, forward!.HostAddress.ToString());
        Assert.Equal(hostPort, forward.HostPort);
        Assert.Equal(guestPort, forward.GuestPort);
    }

    [Fact]
    public void A_guest_reaches_a_port_that_is_allowed()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = (ushort)((IPEndPoint)listener.LocalEndpoint).Port;
        using var guest = new TestGuest(
            new NetworkOptions { Allowed = [new AllowedConnection(TransportProtocol.Tcp, null, port)] }, new SystemSockets());
        TcpKey key = new(TestGuest.Address, 1234, TestGuest.Gateway, port);
        guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        WaitFor(guest, () => guest.Waiting != 0);
        var peer = guest.AnswerTcp().Sequence + 1;
        guest.SendTcp(key, 101, peer, TcpFlags.Acknowledge | TcpFlags.Push, payload: "to host"u8);
        using var accepted = listener.AcceptTcpClient();
        var bytes = new byte[7];
        accepted.GetStream().ReadExactly(bytes);
        Assert.Equal("to host"u8.ToArray(), bytes);
        Assert.Equal(108u, guest.AnswerTcp().Acknowledgment);
        accepted.GetStream().Write("to guest"u8);
        accepted.Close();
        WaitFor(guest, () => guest.Waiting != 0);
        Assert.Equal("to guest"u8.ToArray(), guest.AnswerTcp().Payload.ToArray());
    }

    [Fact]
    public void A_port_that_nobody_listens_at_resets_the_guest()
    {
        var sockets = new FakeSockets();
        using var guest = new TestGuest(
            new NetworkOptions { Allowed = [new AllowedConnection(TransportProtocol.Tcp, TestGuest.Parse("192.0.2.1"), 80)] }, sockets);
        TcpKey key = new(TestGuest.Address, 1234, TestGuest.Parse("192.0.2.1"), 80);
        guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        Assert.True(guest.IsUnanswered());
        Assert.Equal("192.0.2.1:80", sockets.Stream!.Remote.ToString());
        sockets.Stream.IsConnected = false;
        guest.Network.Poll();
        Assert.True(guest.AnswerTcp().Has(TcpFlags.Reset));
        Assert.True(sockets.Stream.IsDisposed);
        Assert.False(guest.Network.IsAwaited);
    }

    [Fact]
    public void A_host_that_takes_nothing_closes_the_guests_window_and_loses_nothing()
    {
        var sockets = new FakeSockets();
        using var guest = new TestGuest(
            new NetworkOptions { Allowed = [new AllowedConnection(TransportProtocol.Tcp, null, 80)] }, sockets);
        TcpKey key = new(TestGuest.Address, 1234, TestGuest.Gateway, 80);
        guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        sockets.Stream!.IsConnected = true;
        guest.Network.Poll();
        var peer = guest.AnswerTcp().Sequence + 1;
        var data = new byte[70_000];
        new Random(1).NextBytes(data);
        guest.SendTcp(key, 101, peer, TcpFlags.Acknowledge, payload: data.AsSpan(0, 40_000));
        Assert.Equal(25_535, guest.AnswerTcp().Window);
        guest.SendTcp(key, 40_101, peer, TcpFlags.Acknowledge, payload: data.AsSpan(40_000));
        var full = guest.AnswerTcp();
        Assert.Equal(0, full.Window);
        Assert.Equal(101u + 65_535, full.Acknowledgment);

        sockets.Stream.Room = int.MaxValue;
        guest.Network.Poll();
        Assert.Equal(65_535, guest.AnswerTcp().Window);
        guest.SendTcp(key, 101 + 65_535, peer, TcpFlags.Acknowledge | TcpFlags.Fin, payload: data.AsSpan(65_535));
        Assert.Equal(101u + 70_001, guest.AnswerTcp().Acknowledgment);
        Assert.Equal(data, sockets.Stream.Sent);
        Assert.True(sockets.Stream.IsClosed);
    }

    [Fact]
    public void Without_permission_nothing_of_the_host_is_touched()
    {
        var sockets = new FakeSockets();
        using var guest = new TestGuest(new NetworkOptions(), sockets);
        guest.SendTcp(new TcpKey(TestGuest.Address, 1234, TestGuest.Gateway, 80), 100, 0, TcpFlags.Syn);
        Assert.True(guest.AnswerTcp().Has(TcpFlags.Reset));
        Assert.Null(sockets.Stream);
        Assert.False(guest.Network.IsAwaited);
    }

    [Fact]
    public void A_port_that_is_taken_is_refused_with_a_sentence()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = (ushort)((IPEndPoint)listener.LocalEndpoint).Port;
        using var sockets = new SystemSockets();
        var options = new NetworkOptions { Forwards = [new PortForward(TransportProtocol.Tcp, Ipv4Address.Loopback, port, 22)] };
        var failure = Assert.Throws<MachineConfigurationException>(() => new TestGuest(options, sockets));
        Assert.Contains($"127.0.0.1:{port}", failure.Message);
    }

    private static void WaitFor(TestGuest guest, Func<bool> condition)
    {
        for (var i = 0; i < 200 && !condition(); i++)
        {
            guest.Network.Wait(TimeSpan.FromMilliseconds(50));
            guest.Network.Poll();
            guest.Clock.Advance(guest.Options.Latency);
        }

        Assert.True(condition());
    }

    private sealed class FakeSockets : IHostSockets
    {
        public FakeStream? Stream { get; private set; }

        public IHostStream Connect(HostEndpoint remote) => Stream = new FakeStream(remote);

        public IHostListener Listen(HostEndpoint local) => throw new NotSupportedException();

        public IHostDatagrams BindDatagrams(HostEndpoint local) => throw new NotSupportedException();

        public IHostDatagrams? TryOpenDatagrams() => null;

        public bool Wait(TimeSpan timeout) => false;

        public void Dispose()
        {
        }
    }

    private sealed class FakeStream(HostEndpoint remote) : IHostStream
    {
        public HostEndpoint Remote => remote;

        public bool? IsConnected { get; set; }

        public int Room { get; set; }

        public List<byte> Sent { get; } = [];

        public bool IsClosed { get; private set; }

        public bool IsDisposed { get; private set; }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            var count = Math.Min(Room, bytes.Length);
            Sent.AddRange(bytes[..count]);
            return count;
        }

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = 0;
            return HostInput.Empty;
        }

        public void CloseSending() => IsClosed = true;

        public void Dispose() => IsDisposed = true;
    }
}
