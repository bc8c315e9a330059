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
            Send(guest, random, seen);
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
                Send(guest, random, (uint)i);
                guest.Clock.Advance((ulong)random.Next(400_000));
            }

            return System.Security.Cryptography.SHA256.HashData(stream.ToArray());
        }
    }

    private static void Send(TestGuest guest, Random random, uint seen)
    {
        var payload = new byte[random.Next(8) switch { 0 => random.Next(3000), 1 => random.Next(65_000), _ => random.Next(64) }];
        random.NextBytes(payload);
        switch (random.Next(10))
        {
            case 0:
                guest.Transmit(payload);
                break;
            case 1:
                var frame = new byte[14 + payload.Length];
                payload.CopyTo(frame, 14);
                MacAddress.Broadcast.Write(frame);
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), random.Next(2) == 0 ? EtherType.Arp : EtherType.Ipv4);
                if (random.Next(2) == 0 && payload.Length > 8)
                    new byte[] { 0, 1, 8, 0, 6, 4, 0, 1 }.CopyTo(frame, 14);
                guest.Transmit(frame);
                break;
            case 2:
                guest.SendIp((byte)random.Next(20), Destination(random), payload);
                break;
            case 3:
                guest.SendIp(
                    (byte)random.Next(20),
                    Destination(random),
                    payload.AsSpan(0, Math.Min(payload.Length, 1480)),
                    offset: random.Next(8192) * 8,
                    more: random.Next(2) == 0,
                    id: (ushort)random.Next(20));
                break;
            case 4:
                guest.SendUdp(Destination(random), Pick<ushort>(random, 7, 9, 19, 53, 67, 80), payload);
                break;
            case 5:
                Dhcp(guest, random, payload);
                break;
            case 6:
                Dns(guest, random, payload);
                break;
            default:
                TcpKey key = new(TestGuest.Address, (ushort)random.Next(1, 300), TestGuest.Gateway, Pick<ushort>(random, 7, 9, 19, 80));
                var sequence = Pick(random, 100u, 101u, 102u, (uint)random.Next());
                guest.SendTcp(
                    key, sequence, Pick(random, seen, seen - 1, (uint)random.Next()), (TcpFlags)random.Next(64), (ushort)random.Next(65536), payload, Pick<ushort>(random, 0, 1, 1460, 65535));
                break;
        }
    }

    private static void Dhcp(TestGuest guest, Random random, byte[] payload)
    {
        var message = new byte[Math.Max(240, payload.Length)];
        payload.CopyTo(message, 0);
        message.AsSpan(0, 240).Clear();
        new byte[] { 1, 1, 6 }.CopyTo(message, 0);
        message[33] = (byte)random.Next(40);
        new byte[] { 0x63, 0x82, 0x53, 0x63 }.CopyTo(message, 236);
        if (message.Length > 243)
            new byte[] { 53, 1, (byte)random.Next(10) }.CopyTo(message, 240);
        guest.SendUdp(Ipv4Address.Broadcast, 67, message, 68, Pick(random, Ipv4Address.None, TestGuest.Address));
    }

    private static void Dns(TestGuest guest, Random random, byte[] payload)
    {
        var message = new byte[12 + payload.Length];
        payload.CopyTo(message, 12);
        message[5] = (byte)random.Next(3);
        for (var at = 12; at < message.Length && random.Next(6) != 0; at += 1 + message[at])
            message[at] = (byte)random.Next(70);
        guest.SendUdp(TestGuest.NameServer, 53, message);
    }

    private static Ipv4Address Destination(Random random) => Pick(
        random, TestGuest.Gateway, TestGuest.NameServer, Ipv4Address.Broadcast, TestGuest.Parse("10.0.2.255"), TestGuest.Parse("192.0.2.1"), new Ipv4Address((uint)random.Next()));

    private static T Pick<T>(Random random, params T[] values) => values[random.Next(values.Length)];
}
