using System.Buffers.Binary;
using System.Text;
using Emu.Machine.Network;
using Emu.Machine.Network.Frames;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>ARP, IPv4, ICMP, UDP and its services, as a guest sees them.</summary>
public sealed class NetworkServicesTests : IDisposable
{
    private readonly TestGuest _guest = new();

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData("10.0.2.2", "52:55:0a:00:02:02")]
    [InlineData("10.0.2.3", "52:55:0a:00:02:03")]
    public void Arp_answers_for_gateway_and_name_server(string address, string card)
    {
        SendArp(address);
        var answer = _guest.Answer();
        Assert.Equal("00:16:3e:00:00:01", MacAddress.Read(answer).ToString());
        Assert.Equal(card, MacAddress.Read(answer.AsSpan(22)).ToString());
        Assert.Equal(address, Ipv4Address.Read(answer.AsSpan(28)).ToString());
        Assert.Equal(60, answer.Length);
    }

    [Fact]
    public void Arp_answers_for_nobody_else()
    {
        SendArp("10.0.2.7");
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void An_answer_comes_one_latency_after_its_cause()
    {
        _guest.Clock.Advance(12345);
        SendArp("10.0.2.2");
        _guest.Clock.Advance(19_999);
        Assert.Equal(0, _guest.Waiting);
        _guest.Clock.Advance(1);
        Assert.Equal(1, _guest.Waiting);
    }

    [Fact]
    public void A_checksum_is_what_rfc_1071_says()
    {
        // The example of section 3: the sum is 0xDDF2.
        Assert.Equal(0x220D, InternetChecksum.Of([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]));
        Assert.Equal(0xFEFF, InternetChecksum.Of([0x01]));
    }

    [Theory]
    [InlineData("10.0.2.2", 0)]
    [InlineData("10.0.2.2", 1472)]
    [InlineData("10.0.2.3", 56)]
    public void Ping_is_answered(string address, int length)
    {
        var echo = Echo(length);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Parse(address), echo);
        var answer = _guest.AnswerIp();
        Assert.Equal(address, answer.Source.ToString());
        Assert.Equal(0, answer.Payload[0]);
        Assert.Equal(0, InternetChecksum.Of(answer.Payload));
        Assert.Equal(echo[4..], answer.Payload[4..].ToArray());
    }

    [Fact]
    public void Fragments_are_put_together_in_any_order_and_the_answer_is_cut()
    {
        var echo = Echo(4000);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(2960), offset: 2960);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(0, 1480), more: true);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(0, 1480), more: true);
        Assert.True(_guest.IsUnanswered());
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1480, 1480), offset: 1480, more: true);

        var whole = new byte[echo.Length];
        for (var offset = 0; offset < whole.Length; offset += 1480)
        {
            var part = _guest.AnswerIp();
            Assert.Equal(offset, part.FragmentOffset);
            Assert.Equal(offset + part.Payload.Length < whole.Length, part.HasMoreFragments);
            part.Payload.CopyTo(whole.AsSpan(offset));
        }

        Assert.Equal(0, InternetChecksum.Of(whole));
        Assert.Equal(echo[4..], whole[4..]);
    }

    [Fact]
    public void Fragments_that_overlap_are_dropped_with_their_datagram()
    {
        var echo = Echo(2000);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(0, 1480), more: true);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1400), offset: 1400);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1480), offset: 1480);
        Assert.True(_guest.IsUnanswered());
        Assert.Equal(1, _guest.Network.Counters.DroppedMalformed);
    }

    [Fact]
    public void A_fragment_beyond_the_longest_packet_is_dropped()
    {
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, new byte[1000], offset: 65528);
        Assert.Equal(1, _guest.Network.Counters.DroppedMalformed);
    }

    [Fact]
    public void A_flood_of_first_fragments_keeps_only_the_newest()
    {
        var echo = Echo(2000);
        for (ushort id = 1; id <= 1000; id++)
            _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(0, 1480), more: true, id: id);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1480), offset: 1480, id: 1);
        Assert.True(_guest.IsUnanswered());
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1480), offset: 1480, id: 1000);
        Assert.False(_guest.IsUnanswered());
    }

    [Fact]
    public void Half_a_datagram_is_forgotten_after_its_time()
    {
        var echo = Echo(2000);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(0, 1480), more: true);
        _guest.Clock.Advance(31_000_000_000);
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo.AsSpan(1480), offset: 1480);
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void A_wrong_checksum_is_dropped()
    {
        var echo = Echo(8);
        echo[2] ^= 1;
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, echo);
        Assert.True(_guest.IsUnanswered());
        Assert.Equal(1, _guest.Network.Counters.DroppedMalformed);
    }

    [Theory]
    [InlineData("10.0.3.15")]
    [InlineData("10.0.2.2")]
    [InlineData("127.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("224.0.0.1")]
    public void A_source_that_is_not_the_guest_is_dropped(string source)
    {
        _guest.SendIp(IpProtocol.Icmp, TestGuest.Gateway, Echo(8), TestGuest.Parse(source));
        Assert.True(_guest.IsUnanswered());
        Assert.Equal(1, _guest.Network.Counters.DroppedUnwanted);
    }

    [Theory]
    [InlineData("10.0.2.2", 3, 3)]
    [InlineData("192.0.2.1", 3, 13)]
    public void A_datagram_that_nobody_takes_is_answered_with_an_error(string destination, byte type, byte code)
    {
        _guest.SendUdp(TestGuest.Parse(destination), 9999, "hello"u8);
        var answer = _guest.AnswerIp();
        Assert.Equal(IpProtocol.Icmp, answer.Protocol);
        Assert.Equal(type, answer.Payload[0]);
        Assert.Equal(code, answer.Payload[1]);
        Assert.Equal(0, InternetChecksum.Of(answer.Payload));
        Assert.Equal(9999, BinaryPrimitives.ReadUInt16BigEndian(answer.Payload[(8 + 20 + 2)..]));
    }

    [Fact]
    public void Echo_and_character_generator_answer_datagrams()
    {
        _guest.SendUdp(TestGuest.Gateway, 7, "hello"u8);
        Assert.Equal("hello", Encoding.ASCII.GetString(_guest.AnswerUdp().Payload));
        var lengths = new HashSet<int>();
        for (var i = 0; i < 513; i++)
        {
            _guest.SendUdp(TestGuest.Gateway, 19, []);
            lengths.Add(_guest.AnswerUdp().Payload.Length);
        }

        Assert.Equal(513, lengths.Count);
        _guest.SendUdp(TestGuest.Gateway, 9, "hello"u8);
        Assert.True(_guest.IsUnanswered());
    }

    [Theory]
    [InlineData("gateway", 1, 0, "10.0.2.2")]
    [InlineData("HOST", 1, 0, "10.0.2.2")]
    [InlineData("guest", 1, 0, "10.0.2.15")]
    [InlineData("gateway", 28, 0, null)]
    [InlineData("www.example.org", 1, 3, null)]
    public void Names_of_this_network_are_known_and_no_others(string name, ushort type, int code, string? address)
    {
        var query = Query(name, type);
        _guest.SendUdp(TestGuest.NameServer, 53, query);
        var answer = _guest.AnswerUdp().Payload;
        Assert.Equal(query[..2], answer[..2].ToArray());
        Assert.Equal(0x8580 | code, BinaryPrimitives.ReadUInt16BigEndian(answer[2..]));
        Assert.Equal(address is null ? 0 : 1, BinaryPrimitives.ReadUInt16BigEndian(answer[6..]));
        Assert.Equal(query[12..], answer[12..query.Length].ToArray());
        if (address is not null)
            Assert.Equal(address, Ipv4Address.Read(answer[^4..]).ToString());
    }

    [Fact]
    public void A_question_that_cannot_be_read_is_a_format_error()
    {
        var query = Query("gateway", 1);
        query[12] = 0xC0;
        _guest.SendUdp(TestGuest.NameServer, 53, query);
        Assert.Equal(1, _guest.AnswerUdp().Payload[3] & 0x0F);
    }

    [Fact]
    public void A_card_without_room_loses_only_what_the_queue_cannot_hold()
    {
        _guest.HasRoom = false;
        const int Sent = EthernetLink.QueueLength + 10;
        for (var i = 0; i < Sent; i++)
            _guest.SendUdp(TestGuest.Gateway, 7, BitConverter.GetBytes(i));
        _guest.Clock.Advance(1_000_000);
        Assert.Equal(10, _guest.Network.Counters.DroppedWithoutRoom);
        _guest.HasRoom = true;
        _guest.Network.Port.ReceiverReady();
        for (var i = 0; i < EthernetLink.QueueLength; i++)
            Assert.Equal(i, BitConverter.ToInt32(_guest.AnswerUdp().Payload));
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void Frames_for_others_and_of_other_protocols_are_dropped()
    {
        _guest.Transmit(new byte[13]);
        Assert.Equal(1, _guest.Network.Counters.DroppedMalformed);
        var frame = new byte[60];
        frame[0] = 0x02;
        _guest.Transmit(frame);
        _guest.Options.MacOf(TestGuest.Gateway).Write(frame);
        frame[12] = 0x86;
        frame[13] = 0xDD;
        _guest.Transmit(frame);
        Assert.Equal(2, _guest.Network.Counters.DroppedUnwanted);
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void A_capture_has_both_directions_with_virtual_time()
    {
        using var stream = new MemoryStream();
        using var capture = new PcapWriter(stream, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var guest = new TestGuest(new NetworkOptions { Capture = capture });
        guest.Clock.Advance(3_000_000_007);
        guest.SendUdp(TestGuest.Gateway, 7, "hello"u8);
        guest.AnswerUdp();
        var file = stream.ToArray();
        Assert.Equal(0xA1B23C4Du, BinaryPrimitives.ReadUInt32LittleEndian(file));
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(20)));
        const uint Start = 1767225600;
        Assert.Equal(Start + 3, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(24)));
        Assert.Equal(7u, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(28)));
        Assert.Equal(47u, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(32)));
        var second = 24 + 16 + 47;
        Assert.Equal(20_007u, BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(second + 4)));
        Assert.Equal(second + 16 + 60, file.Length);
    }

    private static byte[] Echo(int length)
    {
        var message = new byte[8 + length];
        new Random(length).NextBytes(message);
        message[0] = 8;
        message[1] = message[2] = message[3] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), InternetChecksum.Of(message));
        return message;
    }

    private static byte[] Query(string name, ushort type)
    {
        List<byte> query = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
        foreach (var label in name.Split('.'))
        {
            query.Add((byte)label.Length);
            query.AddRange(Encoding.ASCII.GetBytes(label));
        }

        query.AddRange([0, (byte)(type >> 8), (byte)type, 0, 1]);
        return [.. query];
    }

    private void SendArp(string target)
    {
        var frame = new byte[42];
        MacAddress.Broadcast.Write(frame);
        _guest.Options.GuestMac.Write(frame.AsSpan(6));
        new byte[] { 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 }.CopyTo(frame, 12);
        _guest.Options.GuestMac.Write(frame.AsSpan(22));
        TestGuest.Address.Write(frame.AsSpan(28));
        TestGuest.Parse(target).Write(frame.AsSpan(38));
        _guest.Transmit(frame);
    }
}
