using System.Net;
using System.Net.Sockets;
using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>What a wait for the host ends at, over the host's own loopback.</summary>
public sealed class SystemSocketsTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20), Short = TimeSpan.FromMilliseconds(20);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SystemSockets _sockets = new();
    private readonly byte[] _buffer = new byte[65536];

    public SystemSocketsTests() => _listener.Start();

    private HostEndpoint Remote => new(Ipv4Address.Loopback, (ushort)((IPEndPoint)_listener.LocalEndpoint).Port);

    public void Dispose()
    {
        _sockets.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public void Connecting_ends_a_wait_when_it_is_done()
    {
        using var stream = _sockets.Connect(Remote);
        Assert.True(_sockets.Wait(Long));
        Assert.True(stream.IsConnected);
    }

    [Fact]
    public void Connecting_ends_a_wait_when_it_has_failed()
    {
        var remote = Remote;
        _listener.Stop();
        using var stream = _sockets.Connect(remote);
        Assert.True(_sockets.Wait(Long));
        Assert.False(stream.IsConnected);
    }

    [Fact]
    public void Bytes_end_a_wait_only_where_all_before_them_were_read()
    {
        using var stream = Connect(out var peer);
        using (peer)
        {
            Assert.Equal(HostInput.Empty, stream.Receive(_buffer, out _));
            Assert.False(_sockets.Wait(Short));
            peer.Send("abcd"u8);
            Assert.True(_sockets.Wait(Long));
            // The guest has no more room than this.
            Assert.Equal(HostInput.Available, stream.Receive(_buffer.AsSpan(0, 2), out _));
            Assert.False(_sockets.Wait(Short));
            Assert.Equal(HostInput.Available, stream.Receive(_buffer, out var count));
            Assert.Equal(2, count);
            Assert.Equal(HostInput.Empty, stream.Receive(_buffer, out _));
            peer.Send("e"u8);
            Assert.True(_sockets.Wait(Long));
        }
    }

    [Fact]
    public void A_connection_at_its_end_ends_no_wait_but_another_one_does()
    {
        using var stream = Connect(out var peer);
        Assert.Equal(HostInput.Empty, stream.Receive(_buffer, out _));
        peer.Dispose();
        Assert.True(_sockets.Wait(Long));
        Assert.Equal(HostInput.Ended, stream.Receive(_buffer, out _));
        Assert.False(_sockets.Wait(Short));

        using var other = Connect(out var otherPeer);
        using (otherPeer)
        {
            Assert.Equal(HostInput.Empty, other.Receive(_buffer, out _));
            otherPeer.Send("a"u8);
            Assert.True(_sockets.Wait(Long));
        }
    }

    [Fact]
    public void A_full_connection_ends_a_wait_when_it_has_room()
    {
        using var stream = Connect(out var peer);
        using (peer)
        {
            Assert.Equal(HostInput.Empty, stream.Receive(_buffer, out _));
            var sent = 0;
            for (int taken; (taken = stream.Send(_buffer)) != 0 || _sockets.Wait(Short);)
                sent += taken;
            while (sent > 0)
                sent -= peer.Receive(_buffer);
            Assert.True(_sockets.Wait(Long));
            Assert.Equal(_buffer.Length, stream.Send(_buffer));
            Assert.False(_sockets.Wait(Short));
        }
    }

    [Fact]
    public void A_caller_ends_a_wait_and_so_do_its_bytes()
    {
        using var listener = Listen(out var port);
        using Socket caller = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        caller.Connect(IPAddress.Loopback, port);
        Assert.True(_sockets.Wait(Long));
        Assert.True(listener.TryAccept(out var stream));
        Assert.Equal(HostInput.Empty, stream!.Receive(_buffer, out _));
        Assert.False(_sockets.Wait(Short));
        caller.Send("a"u8);
        Assert.True(_sockets.Wait(Long));
    }

    private IHostStream Connect(out Socket peer)
    {
        var stream = _sockets.Connect(Remote);
        peer = _listener.AcceptSocket();
        Assert.True(_sockets.Wait(Long));
        Assert.True(stream.IsConnected);
        return stream;
    }

    private IHostListener Listen(out ushort port)
    {
        // A port that was free a moment ago.
        using (TcpListener probe = new(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = (ushort)((IPEndPoint)probe.LocalEndpoint).Port;
        }

        return _sockets.Listen(new HostEndpoint(Ipv4Address.Loopback, port));
    }
}
