using Xunit;

namespace Emu.Xen.Tests.Backends.Network;

public sealed class NetworkBackendTests : IDisposable
{
    private const int MoreData = 4, ExtraInfo = 8, ChecksumBlank = 1;
    private const uint Page = ScriptedFrontEnd.FirstPage;

    private readonly ScriptedFrontEnd _front = new();

    public void Dispose() => _front.Dispose();

    [Fact]
    public void It_offers_what_it_can_and_waits()
    {
        Assert.Equal("2", _front.BackendState);
        Assert.Equal("1", _front.Offered("feature-rx-copy"));
        Assert.Equal("1", _front.Offered("feature-sg"));
        Assert.Equal("1", _front.Offered("feature-gso-tcpv4"));
        Assert.Equal("1", _front.Offered("feature-split-event-channels"));
        Assert.Equal("1", _front.Offered("multi-queue-max-queues"));
        Assert.Null(_front.Offered("feature-ctrl-ring"));
        Assert.False(_front.Backend.IsConnected);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_front_end_connects_sends_and_receives(bool splitsEvents)
    {
        _front.Connect(splitsEvents);
        Assert.Equal("4", _front.BackendState);
        Fill(Page, 100, 60);
        _front.PutTransmit(Page, 100, ChecksumBlank, id: 5, size: 60);
        _front.PushTransmit();
        var (frame, hasBlankChecksum) = Assert.Single(_front.Sent);
        Assert.True(hasBlankChecksum);
        Assert.Equal(Pattern(60), frame);
        Assert.Equal((5, 0), _front.TransmitResponse(0));
        Assert.Equal(1u, _front.TransmitPage.ReadUInt32(8));
        Assert.True(_front.TakeEvent(_front.TransmitPort));

        _front.OfferPage(7, Page + 1);
        _front.PushReceive();
        Assert.True(_front.Backend.TryReceive(Pattern(1514)));
        Assert.Equal((7, 0, 1, 1514), _front.ReceiveResponse(0));
        Assert.Equal(Pattern(1514), _front.Page(Page + 1).Bytes[..1514].ToArray());
        Assert.True(_front.TakeEvent(splitsEvents ? _front.ReceivePort : _front.TransmitPort));
    }

    [Fact]
    public void A_front_end_without_pages_says_when_it_has_some()
    {
        _front.Connect();
        Assert.False(_front.Backend.TryReceive(Pattern(60)));
        Assert.Equal(1u, _front.ReceivePage.ReadUInt32(4));
        var before = _front.Readiness;
        _front.OfferPage(1, Page);
        _front.PushReceive();
        Assert.True(_front.Readiness > before);
        Assert.True(_front.Backend.TryReceive(Pattern(60)));
        Assert.False(_front.Backend.TryReceive(Pattern(60)));
    }

    [Fact]
    public void A_guest_that_does_not_want_to_be_told_is_not()
    {
        _front.Connect();
        _front.TransmitPage.WriteUInt32(12, 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.False(_front.TakeEvent(_front.TransmitPort));
            _front.PutTransmit(Page, 0, 0, i, 60);
            _front.PushTransmit();
        }

        Assert.True(_front.TakeEvent(_front.TransmitPort));
    }

    [Fact]
    public void A_packet_of_several_requests_is_put_together()
    {
        _front.Connect();
        Fill(Page, 4000, 96);
        Fill(Page + 1, 0, 4096, 96);
        Fill(Page + 2, 8, 10, 96 + 4096);
        _front.PutTransmit(Page, 4000, MoreData | ExtraInfo, 1, 96 + 4096 + 10);
        _front.PutTransmit([1, 0, 0xB4, 5, 1, 0, 0, 0, 0, 0, 0, 0]);
        _front.PutTransmit(Page + 1, 0, MoreData, 2, 4096);
        _front.PutTransmit(Page + 2, 8, 0, 3, 10);
        _front.PushTransmit();
        Assert.Equal(Pattern(96 + 4096 + 10), Assert.Single(_front.Sent).Frame);
        Assert.Equal((1, 0), _front.TransmitResponse(0));
        Assert.Equal(1, _front.TransmitResponse(1).Status);
        Assert.Equal((2, 0), _front.TransmitResponse(2));
        Assert.Equal((3, 0), _front.TransmitResponse(3));
        Assert.Equal(4u, _front.TransmitPage.ReadUInt32(8));
    }

    [Fact]
    public void Rings_may_go_round_many_times()
    {
        _front.Connect();
        for (var i = 0; i < 1000; i++)
        {
            _front.PutTransmit(Page, 0, 0, i, 60);
            _front.PushTransmit();
            Assert.Equal((i, 0), _front.TransmitResponse(i));
            _front.OfferPage(i, Page);
            _front.PushReceive();
            Assert.True(_front.Backend.TryReceive(Pattern(60)));
            Assert.Equal((i, 0, 1, 60), _front.ReceiveResponse(i));
        }

        Assert.Equal(1000, _front.Sent.Count);
    }

    [Theory]
    [InlineData(13)] // shorter than a header
    [InlineData(0)]
    public void A_packet_without_a_header_is_an_error_and_no_more(int size)
    {
        _front.Connect();
        _front.PutTransmit(Page, 0, 0, 9, size);
        _front.PutTransmit(Page, 0, 0, 10, 60);
        _front.PushTransmit();
        Assert.Equal((9, -1), _front.TransmitResponse(0));
        Assert.Equal((10, 0), _front.TransmitResponse(1));
        Assert.Single(_front.Sent);
    }

    [Fact]
    public void Requests_of_more_than_the_packet_are_an_error()
    {
        _front.Connect();
        _front.PutTransmit(Page, 0, MoreData, 1, 60);
        _front.PutTransmit(Page, 0, 0, 2, 61);
        _front.PushTransmit();
        Assert.Equal((1, -1), _front.TransmitResponse(0));
        Assert.Equal((2, -1), _front.TransmitResponse(1));
        Assert.Empty(_front.Sent);
    }

    [Fact]
    public void A_page_that_is_not_granted_is_an_error()
    {
        _front.Connect();
        _front.PutTransmit(9999, 0, 0, 1, 60);
        _front.PushTransmit();
        Assert.Equal((1, -1), _front.TransmitResponse(0));
        _front.OfferPage(3, 9999);
        _front.PushReceive();
        Assert.True(_front.Backend.TryReceive(Pattern(60)));
        Assert.Equal((3, 0, 0, -1), _front.ReceiveResponse(0));
    }

    [Fact]
    public void Nineteen_requests_are_an_error_and_more_end_the_interface()
    {
        _front.Connect();
        Put(19);
        _front.PushTransmit();
        Assert.Equal((0, -1), _front.TransmitResponse(0));
        Assert.Equal((18, -1), _front.TransmitResponse(18));
        Assert.True(_front.Backend.IsConnected);
        Put(21);
        _front.PushTransmit();
        Assert.False(_front.Backend.IsConnected);

        void Put(int count)
        {
            for (var i = 0; i < count; i++)
                _front.PutTransmit(Page, 0, i == count - 1 ? 0 : MoreData, i, i == 0 ? 2000 : 10);
        }
    }

    [Fact]
    public void Impossible_indices_end_the_interface_until_it_connects_anew()
    {
        _front.Connect();
        _front.PushTransmit(257);
        Assert.False(_front.Backend.IsConnected);
        Assert.Equal("Impossible number of requests.", _front.Backend.Failure);
        Assert.Equal("4", _front.BackendState);
        Assert.True(_front.Backend.TryReceive(Pattern(60)), "frames for an interface that is off are lost");

        _front.TransmitPage.WriteUInt32(0, 0);
        _front.Write("state", "5");
        _front.Write("state", "6");
        Assert.Equal("6", _front.BackendState);
        Assert.False(_front.HasMapping);
        _front.Write("state", "1");
        Assert.Equal("2", _front.BackendState);
        _front.Connect();
        Assert.True(_front.Backend.IsConnected);
    }

    [Fact]
    public void Impossible_receive_indices_end_the_interface()
    {
        _front.Connect();
        _front.PushReceive(300);
        Assert.True(_front.Backend.TryReceive(Pattern(60)));
        Assert.False(_front.Backend.IsConnected);
    }

    [Theory]
    [InlineData(4090, 60, 0)]
    [InlineData(65535, 60, 0)]
    [InlineData(0, 60, MoreData)]
    [InlineData(0, 60, ExtraInfo)]
    public void A_request_that_no_sane_front_end_makes_ends_the_interface(int offset, int size, int flags)
    {
        _front.Connect();
        _front.PutTransmit(Page, offset, flags, 1, size);
        _front.PushTransmit();
        Assert.False(_front.Backend.IsConnected);
        Assert.NotNull(_front.Backend.Failure);
        Assert.Empty(_front.Sent);
    }

    [Theory]
    [InlineData(0, 1, 1)] // no type
    [InlineData(6, 1, 1)]
    [InlineData(1, 0, 1)] // segments of nothing
    [InlineData(1, 1, 2)] // over IPv6
    public void Extra_information_that_makes_no_sense_ends_the_interface(byte type, byte size, byte segmentation)
    {
        _front.Connect();
        _front.PutTransmit(Page, 0, ExtraInfo, 1, 60);
        _front.PutTransmit([type, 0, size, 0, segmentation, 0, 0, 0, 0, 0, 0, 0]);
        _front.PushTransmit();
        Assert.False(_front.Backend.IsConnected);
    }

    [Theory]
    [InlineData("request-rx-copy", "95 request-rx-copy is mandatory")]
    [InlineData("feature-rx-notify", "22 feature-rx-notify is mandatory")]
    [InlineData("tx-ring-ref", "2 reading ring-ref")]
    [InlineData("rx-ring-ref", "2 reading ring-ref")]
    [InlineData("event-channel-rx", "2 reading event-channel(-tx/rx)")]
    public void What_is_missing_in_the_store_stands_there_as_an_error(string missing, string error)
    {
        _front.Connect(true, missing);
        Assert.Equal("5", _front.BackendState);
        Assert.Equal(error, _front.Read("/local/domain/0/error/backend/vif/7/0/error"));
        Assert.False(_front.HasMapping);
    }

    [Theory]
    [InlineData("tx-ring-ref", "4294967295")]
    [InlineData("tx-ring-ref", "-1")]
    [InlineData("tx-ring-ref", "99999999999999999999")]
    [InlineData("event-channel-tx", "0")]
    [InlineData("event-channel-rx", "1000")]
    [InlineData("multi-queue-num-queues", "2")]
    public void Nonsense_in_the_store_does_not_connect(string name, string value)
    {
        _front.Write(name, value);
        _front.Connect(true, name);
        Assert.Equal("5", _front.BackendState);
        Assert.False(_front.HasMapping);
    }

    [Fact]
    public void A_kernel_started_by_another_connects_anew()
    {
        _front.Connect();
        _front.Write("state", "1");
        Assert.Equal("2", _front.BackendState);
        Assert.False(_front.HasMapping);
        _front.Connect();
        Assert.Equal("4", _front.BackendState);
    }

    [Fact]
    public void A_port_that_the_guest_closed_is_left_alone()
    {
        _front.Connect();
        _front.Close(_front.TransmitPort);
        _front.PutTransmit(Page, 0, 0, 1, 60);
        _front.PushTransmit();
        Assert.Empty(_front.Sent);
        _front.Write("state", "6");
        Assert.Equal("6", _front.BackendState);
    }

    [Fact]
    public void A_front_end_that_is_removed_is_let_go()
    {
        _front.Connect();
        _front.Remove("state");
        Assert.Equal("6", _front.BackendState);
        Assert.False(_front.HasMapping);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Nothing_that_a_front_end_does_makes_the_back_end_throw(int seed)
    {
        var random = new Random(seed);
        string[] names = ["tx-ring-ref", "rx-ring-ref", "event-channel-tx", "event-channel-rx", "event-channel", "request-rx-copy", "feature-rx-notify", "multi-queue-num-queues", "state"];
        for (var i = 0; i < 20_000; i++)
        {
            switch (random.Next(12))
            {
                case 0 when random.Next(20) == 0:
                    _front.Write(names[random.Next(names.Length)], random.Next(12).ToString(System.Globalization.CultureInfo.InvariantCulture));
                    break;
                case 1 when random.Next(10) == 0:
                    _front.Write("state", "1");
                    _front.Connect(random.Next(2) == 0);
                    break;
                case 2 when random.Next(100) == 0:
                    _front.PushTransmit((uint)random.Next());
                    break;
                case 3 when random.Next(100) == 0:
                    _front.PushReceive((uint)random.Next());
                    break;
                case 4:
                    var page = random.Next(2) == 0 ? _front.TransmitPage : _front.ReceivePage;
                    random.NextBytes(page.Writable(16, 4080));
                    break;
                case 5 or 6:
                    _front.PutTransmit(Page + (uint)random.Next(50), random.Next(6000), random.Next(16), i, random.Next(3000));
                    _front.PushTransmit();
                    break;
                case 7 or 8:
                    _front.OfferPage(i, Page + (uint)random.Next(50));
                    _front.PushReceive();
                    break;
                default:
                    _front.Backend.TryReceive(Pattern(random.Next(1515)));
                    break;
            }
        }

        // It still serves who keeps the rules.
        _front.Write("state", "6");
        Assert.Equal("6", _front.BackendState);
        Assert.False(_front.HasMapping);
    }

    private static byte[] Pattern(int length, int from = 0) => [.. Enumerable.Range(from, length).Select(static i => (byte)(i * 7))];

    private void Fill(uint page, int offset, int length, int from = 0) => Pattern(length, from).CopyTo(_front.Page(page).Writable(offset, length));
}
