using System.Buffers.Binary;
using System.Text;
using Emu.Machine.Network;
using Xunit;

namespace Emu.Machine.Tests.Network;

public sealed class DhcpTests : IDisposable
{
    private const byte Discover = 1, Offer = 2, Request = 3, Acknowledge = 5, Refuse = 6, Release = 7, Inform = 8;

    private static readonly MacAddress Card = new NetworkOptions().GuestMac;

    private readonly TestGuest _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_lease_is_offered_and_given_with_all_that_a_guest_needs()
    {
        Send(Discover);
        var offer = Answer();
        Assert.Equal(Offer, offer.Type);
        Assert.Equal("10.0.2.15", offer.Address);

        Send(Request, requested: "10.0.2.15", server: "10.0.2.2");
        var answer = Answer();
        Assert.Equal(Acknowledge, answer.Type);
        Assert.Equal("10.0.2.15", answer.Address);
        Assert.Equal("255.255.255.0", Address(answer.Options[1]));
        Assert.Equal("10.0.2.2", Address(answer.Options[3]));
        Assert.Equal("10.0.2.3", Address(answer.Options[6]));
        Assert.Equal("guest", Encoding.ASCII.GetString(answer.Options[12]));
        Assert.Equal(86_400u, BinaryPrimitives.ReadUInt32BigEndian(answer.Options[51]));
        Assert.Equal("10.0.2.2", Address(answer.Options[54]));
        Assert.Equal(43_200u, BinaryPrimitives.ReadUInt32BigEndian(answer.Options[58]));
        Assert.Equal(75_600u, BinaryPrimitives.ReadUInt32BigEndian(answer.Options[59]));
        Assert.Equal(new byte[] { 1, 2, 3 }, answer.Options[61]);
    }

    [Fact]
    public void A_lease_is_renewed()
    {
        Send(Request, client: "10.0.2.15", source: TestGuest.Address);
        Assert.Equal(Acknowledge, Answer().Type);
    }

    [Fact]
    public void Another_address_is_refused_to_everybody_hearing()
    {
        Send(Request, requested: "192.168.1.5");
        var frame = _guest.Answer();
        Assert.Equal(MacAddress.Broadcast, MacAddress.Read(frame));
        Assert.Equal(Refuse, Read(frame).Type);
    }

    [Fact]
    public void The_offer_of_another_server_is_none_of_ours()
    {
        Send(Request, requested: "10.0.2.15", server: "10.0.2.77");
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void Who_asks_without_an_address_for_the_rest_gets_the_rest()
    {
        Send(Inform, client: "10.0.2.15", source: TestGuest.Address);
        var answer = Answer();
        Assert.Equal(Acknowledge, answer.Type);
        Assert.Equal("0.0.0.0", answer.Address);
        Assert.False(answer.Options.ContainsKey(51));
        Assert.True(answer.Options.ContainsKey(6));
    }

    [Fact]
    public void A_second_card_gets_another_address_and_the_first_keeps_its_own()
    {
        var second = new MacAddress(Card.Value + 1);
        Send(Discover);
        Answer();
        Send(Discover, card: second);
        Assert.Equal("10.0.2.16", Answer().Address);
        Send(Discover);
        Assert.Equal("10.0.2.15", Answer().Address);
    }

    [Fact]
    public void A_released_address_is_given_again()
    {
        Send(Discover);
        Answer();
        Send(Release, client: "10.0.2.15", source: TestGuest.Address);
        Assert.True(_guest.IsUnanswered());
        Send(Discover, card: new MacAddress(Card.Value + 1));
        Assert.Equal("10.0.2.15", Answer().Address);
    }

    [Fact]
    public void More_cards_than_leases_take_the_oldest_one()
    {
        for (ulong i = 0; i < 1000; i++)
        {
            Send(Discover, card: new MacAddress(Card.Value + i));
            Assert.Equal($"10.0.2.{15 + (i % 16)}", Answer().Address);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(239)]
    [InlineData(241)]
    public void A_message_that_is_cut_off_is_dropped(int length)
    {
        var message = Message(Discover, null, null, null, Card);
        _guest.SendUdp(Ipv4Address.Broadcast, 67, message.AsSpan(0, length), 68, Ipv4Address.None);
        Assert.True(_guest.IsUnanswered());
        Assert.Equal(1, _guest.Network.Counters.DroppedMalformed);
    }

    private static string Address(byte[] bytes) => Ipv4Address.Read(bytes).ToString();

    private static byte[] Message(byte type, string? requested, string? server, string? client, MacAddress card)
    {
        var message = new byte[300];
        message[0] = 1;
        message[1] = 1;
        message[2] = 6;
        message[7] = 0x42;
        if (client is not null)
            TestGuest.Parse(client).Write(message.AsSpan(12));
        card.Write(message.AsSpan(28));
        new byte[] { 0x63, 0x82, 0x53, 0x63, 53, 1, type, 61, 3, 1, 2, 3 }.CopyTo(message, 236);
        var at = 248;
        foreach (var (option, address) in new[] { (50, requested), (54, server) })
        {
            if (address is null)
                continue;
            message[at] = (byte)option;
            message[at + 1] = 4;
            TestGuest.Parse(address).Write(message.AsSpan(at + 2));
            at += 6;
        }

        message[at] = 255;
        return message;
    }

    private static (byte Type, string Address, Dictionary<int, byte[]> Options) Read(byte[] frame)
    {
        var message = frame.AsSpan(14 + 20 + 8);
        Assert.Equal(2, message[0]);
        Assert.Equal(0x42, message[7]);
        Dictionary<int, byte[]> options = [];
        for (var at = 240; message[at] != 255; at += 2 + message[at + 1])
            options.Add(message[at], message.Slice(at + 2, message[at + 1]).ToArray());
        return (options[53][0], Ipv4Address.Read(message[16..]).ToString(), options);
    }

    private void Send(
        byte type, string? requested = null, string? server = null, string? client = null, MacAddress? card = null, Ipv4Address? source = null)
    {
        var destination = source is null ? Ipv4Address.Broadcast : TestGuest.Gateway;
        _guest.SendUdp(destination, 67, Message(type, requested, server, client, card ?? Card), 68, source ?? Ipv4Address.None);
    }

    private (byte Type, string Address, Dictionary<int, byte[]> Options) Answer() => Read(_guest.Answer());
}
