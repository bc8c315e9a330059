using System.Buffers.Binary;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;

namespace Emu.Machine.Tests.Network;

/// <summary>Packets of every kind, many of them broken somewhere.</summary>
internal static class RandomTraffic
{
    /// <summary>Sends one.</summary>
    /// <param name="guest">Who sends it.</param>
    /// <param name="random">Decides what.</param>
    /// <param name="seen">What a TCP segment would have to acknowledge.</param>
    public static void Send(TestGuest guest, Random random, uint seen)
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
