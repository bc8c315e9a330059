using System.Buffers.Binary;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Xunit;

namespace Emu.Machine.Tests.Network;

public class ChecksumOffloadTests
{
    [Theory]
    [InlineData(IpProtocol.Tcp, 16, 0)]
    [InlineData(IpProtocol.Tcp, 16, 4001)]
    [InlineData(IpProtocol.Udp, 6, 100)]
    public void A_blank_checksum_is_filled_in_whatever_stands_there(byte protocol, int field, int length)
    {
        var frame = Frame(protocol, 20 + length);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34 + field), 0xABCD);
        ChecksumOffload.Fill(frame);
        Assert.True(Ipv4Packet.TryParse(frame.AsSpan(14), out var packet));
        var sum = InternetChecksum.PseudoHeader(packet.Source, packet.Destination, protocol, packet.Payload.Length);
        Assert.Equal(0, InternetChecksum.Fold(InternetChecksum.Add(sum, packet.Payload)));
    }

    [Theory]
    [InlineData(IpProtocol.Icmp, 20)]
    [InlineData(IpProtocol.Tcp, 17)]
    [InlineData(IpProtocol.Udp, 7)]
    public void What_has_no_such_checksum_stays_as_it_is(byte protocol, int length)
    {
        var frame = Frame(protocol, length);
        var before = frame.ToArray();
        ChecksumOffload.Fill(frame);
        Assert.Equal(before, frame);
    }

    [Fact]
    public void Broken_frames_stay_as_they_are()
    {
        var frame = Frame(IpProtocol.Tcp, 100);
        for (var length = 0; length < frame.Length; length++)
        {
            var part = frame.AsSpan(0, length).ToArray();
            ChecksumOffload.Fill(part);
            Assert.Equal(frame.AsSpan(0, length).ToArray(), part);
        }
    }

    private static byte[] Frame(byte protocol, int length)
    {
        var frame = new byte[34 + length];
        new Random(length).NextBytes(frame);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType.Ipv4);
        Ipv4Packet.WriteHeader(frame.AsSpan(14), TestGuest.Address, TestGuest.Gateway, protocol, length, 1, 0, hasMoreFragments: false, isWhole: true);
        return frame;
    }
}
