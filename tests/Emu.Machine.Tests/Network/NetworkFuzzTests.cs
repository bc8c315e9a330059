using System.Buffers.Binary;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>A guest that sends anything: packets of every kind, then broken in places, with and without sound checksums.</summary>
public class NetworkFuzzTests
{
    private const int Packets = 30_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Nothing_that_a_guest_sends_makes_the_network_throw_or_grow(int seed)
    {
        var random = new Random(seed);
        using var guest = new TestGuest();
        var seen = 0u;
        guest.Arrived = frame =>
        {
            // What comes back is sound, whatever was sent.
            Assert.InRange(frame.Length, 60, EthernetLink.LongestToGuest);
            if (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) != EtherType.Ipv4)
                return;
            Assert.True(Ipv4Packet.TryParse(frame.AsSpan(14), out var packet));
            if (packet.Protocol != IpProtocol.Tcp)
                return;
            Assert.True(TcpSegment.TryParse(packet, out var segment));
            seen = segment.Sequence + (uint)segment.SequenceLength;
        };
        for (var i = 0; i < Packets; i++)
        {
            RandomTraffic.Send(guest, random, seen);
            guest.HasRoom = random.Next(50) != 0;
            if (guest.HasRoom)
                guest.Network.Port.ReceiverReady();
            guest.Clock.Advance((ulong)random.Next(40_000));
            if (random.Next(3000) == 0)
                guest.Clock.Advance(100_000_000_000);
        }

        // It still works.
        guest.HasRoom = true;
        guest.Network.Port.ReceiverReady();
        guest.Clock.Advance(10_000_000_000_000);
        guest.Arrived = null;
        guest.SendUdp(TestGuest.Gateway, 7, "still here"u8);
        Assert.Equal("still here"u8.ToArray(), guest.AnswerUdp().Payload.ToArray());
        Assert.Equal(Packets + 1, guest.Network.Counters.FromGuest);
    }

    [Fact]
    public void Hostile_traffic_is_answered_the_same_in_each_run()
    {
        Assert.Equal(Run(), Run());

        static byte[] Run()
        {
            using var stream = new MemoryStream();
            using var capture = new PcapWriter(stream, DateTimeOffset.UnixEpoch);
            using var guest = new TestGuest(new NetworkOptions { Capture = capture });
            var random = new Random(99);
            guest.Arrived = static _ => { };
            for (var i = 0; i < 5000; i++)
            {
                RandomTraffic.Send(guest, random, (uint)i);
                guest.Clock.Advance((ulong)random.Next(400_000));
            }

            return System.Security.Cryptography.SHA256.HashData(stream.ToArray());
        }
    }
}
