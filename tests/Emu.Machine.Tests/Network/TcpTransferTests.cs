using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>Whole transfers against a peer with a TCP of its own.</summary>
public sealed class TcpTransferTests : IDisposable
{
    private const ulong Second = 1_000_000_000;

    private readonly TestGuest _guest = new();

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1460)]
    [InlineData(200_000)]
    public void Echo_sends_back_every_byte_and_closes(int length)
    {
        var data = Data(length);
        var peer = new ScriptedTcpPeer(_guest, 7, data);
        peer.Run(60 * Second);
        Assert.True(peer.PeerHasClosed);
        Assert.Equal(data, peer.Received);
    }

    [Theory]
    [InlineData(1u, 10)]
    [InlineData(2u, 10)]
    [InlineData(3u, 30)]
    [InlineData(4u, 30)]
    [InlineData(5u, 3)]
    public void Echo_survives_losses_both_ways(uint seed, int percent)
    {
        var data = Data(100_000);
        var random = new Random((int)seed);
        var peer = new ScriptedTcpPeer(_guest, 7, data) { Loses = _ => random.Next(100) < percent };
        peer.Run(4000 * Second);
        Assert.False(peer.WasReset);
        Assert.Equal(data, peer.Received);
        Assert.True(peer.PeerHasClosed);
    }

    [Fact]
    public void Discard_takes_everything_and_closes()
    {
        var peer = new ScriptedTcpPeer(_guest, 9, Data(300_000));
        peer.Run(60 * Second);
        Assert.True(peer.IsFinAcknowledged);
        Assert.True(peer.PeerHasClosed);
        Assert.Empty(peer.Received);
    }

    [Fact]
    public void Character_generator_sends_the_pattern_of_rfc_864()
    {
        var peer = new ScriptedTcpPeer(_guest, 19, []);
        peer.Run(Second / 1000, closes: false);
        var received = peer.Received;
        Assert.True(received.Length > 100_000);
        for (var i = 0; i < received.Length; i++)
        {
            var (line, column) = (i / 74, i % 74);
            Assert.Equal(column == 72 ? '\r' : column == 73 ? '\n' : (char)(' ' + ((line + column) % 95)), (char)received[i]);
        }
    }

    [Fact]
    public void Two_runs_are_the_same_to_the_bit()
    {
        Assert.Equal(Trace(), Trace());

        static byte[] Trace()
        {
            using var stream = new MemoryStream();
            using var capture = new PcapWriter(stream, DateTimeOffset.UnixEpoch);
            using var guest = new TestGuest(new NetworkOptions { Capture = capture });
            var random = new Random(7);
            var peer = new ScriptedTcpPeer(guest, 7, Data(50_000)) { Loses = _ => random.Next(10) == 0 };
            peer.Run(1000 * Second);
            Assert.True(peer.PeerHasClosed);
            return stream.ToArray();
        }
    }

    [Fact]
    public void A_closed_window_is_asked_and_nothing_is_lost()
    {
        var data = Data(20_000);
        var peer = new ScriptedTcpPeer(_guest, 7, data) { Window = 5000 };
        peer.Run(Second / 10_000, closes: false);
        peer.Window = 0;
        peer.Run(20 * Second, closes: false);
        var before = peer.Segments;
        Assert.True(peer.Received.Length < data.Length);
        peer.Run(30 * Second, closes: false);
        Assert.True(peer.Segments > before, "a closed window must be asked");
        peer.Window = 5000;
        peer.Run(60 * Second);
        Assert.Equal(data, peer.Received);
        Assert.True(peer.PeerHasClosed);
    }

    [Fact]
    public void A_guest_that_falls_silent_is_given_up()
    {
        var peer = new ScriptedTcpPeer(_guest, 19, []);
        peer.Run(Second / 1000, closes: false);
        peer.Loses = static fromGuest => fromGuest;
        peer.Run(2000 * Second, closes: false);
        Assert.True(peer.WasReset);
    }

    private static byte[] Data(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }
}
