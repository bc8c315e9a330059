using Emu.Xen.Store;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class XenStoreRingTests
{
    private const int RequestConsumer = 0x800, RequestProducer = 0x804, ResponseConsumer = 0x808, ResponseProducer = 0x80C;
    private const int ServerFeatures = 0x810, ConnectionState = 0x814, ErrorField = 0x818;

    private readonly XenStore _store = new();
    private readonly StoreGuest _guest;

    public XenStoreRingTests() => _guest = new StoreGuest(_store);

    [Fact]
    public void An_introduced_ring_is_empty_and_connected_and_offers_no_features()
    {
        _store.RemoveDomain(1);
        var page = _guest.Page;
        Array.Fill(page, (byte)0xA5);
        _store.AddDomain(3);
        _ = new XenStoreRing(_store, 3, _guest, () => { });
        Assert.All(page[RequestConsumer..(ErrorField + 4)], value => Assert.Equal(0, value));
        Assert.Equal(0xA5, page[0x7FF]);
        Assert.Equal(0xA5, page[0x81C]);
    }

    [Fact]
    public void Messages_wrap_around_both_rings()
    {
        for (var i = 0; i < 500; i++)
        {
            var value = new string((char)('a' + (i % 26)), i % 900);
            Assert.Equal("OK|", _guest.Write("a", value));
            Assert.Equal(value, _guest.Read("a"));
        }

        Assert.True(_guest.Index(RequestProducer) > 10 * XenStoreRing.Size);
        Assert.Equal(_guest.Index(RequestProducer), _guest.Index(RequestConsumer));
    }

    [Fact]
    public void Indices_wrap_around_at_32_bits()
    {
        foreach (var offset in (int[])[RequestConsumer, RequestProducer, ResponseConsumer, ResponseProducer])
            _guest.SetIndex(offset, uint.MaxValue - 20);
        Assert.Equal("OK|", _guest.Write("a", "x"));
        Assert.Equal("x", _guest.Read("a"));
        Assert.True(_guest.Index(RequestProducer) < 1000);
    }

    [Fact]
    public void A_message_longer_than_the_ring_goes_through_in_pieces()
    {
        var value = new string('x', 1900);
        Assert.Equal("OK|", _guest.Write("a", value));
        Assert.Equal(value, _guest.Read("a"));
        _store.Control.Write("/local/domain/1/b", new string('y', 4096));
        Assert.Equal(new string('y', 4096), _guest.Read("b"));
        _store.Control.Write("/local/domain/1/b", new string('y', 4097));
        Assert.Equal("E2BIG|", _guest.Read("b"));
    }

    [Fact]
    public void A_message_may_come_byte_by_byte()
    {
        foreach (var value in StoreGuest.Message(StoreMessageType.GetDomainPath, 7, 0, StoreGuest.Bytes("1|")))
        {
            Assert.Null(_guest.Next());
            _guest.Send([value]);
        }

        Assert.Equal("/local/domain/1|", _guest.Next()!.Value.Payload);
    }

    [Fact]
    public void Several_requests_in_the_ring_are_answered_in_order()
    {
        for (uint i = 1; i <= 30; i++)
            _guest.Put(StoreGuest.Message(StoreMessageType.GetDomainPath, i, 0, StoreGuest.Bytes($"{i}|")));
        _guest.Ring.Process();
        for (uint i = 1; i <= 30; i++)
            Assert.Equal(i, _guest.Next()!.Value.Header.RequestId);
    }

    [Fact]
    public void The_guest_is_notified_of_answers_and_of_room_but_not_of_nothing()
    {
        _guest.Notifications = 0;
        _guest.Ring.Process();
        Assert.Equal(0, _guest.Notifications);
        _guest.Send(new byte[8]);
        Assert.Equal(1, _guest.Notifications);
        _guest.Send(new byte[8]);
        Assert.Equal(2, _guest.Notifications);
    }

    [Fact]
    public void What_the_host_changes_reaches_the_guest_without_a_kick()
    {
        _guest.Watch("a", "t");
        _guest.Events();
        _guest.Notifications = 0;
        _store.Control.Write("/local/domain/1/b", "");
        Assert.Equal(0, _guest.Notifications);
        _store.Control.Write("/local/domain/1/a", "");
        Assert.Equal(1, _guest.Notifications);
        Assert.Equal((uint)(StoreMessageHeader.Size + 4), _guest.Index(ResponseProducer) - _guest.Index(ResponseConsumer));
    }

    [Theory]
    [InlineData(RequestProducer, 1025u)]
    [InlineData(RequestProducer, 0x8000_0000u)]
    [InlineData(RequestConsumer, 1u)]
    [InlineData(ResponseProducer, 2000u)]
    [InlineData(ResponseConsumer, 1000u)]
    public void Indices_that_make_no_sense_end_the_connection(int offset, uint value)
    {
        _guest.Watch("a", "t");
        _guest.Events();
        foreach (var index in (int[])[RequestConsumer, RequestProducer, ResponseConsumer, ResponseProducer])
            _guest.SetIndex(index, 0);
        _guest.SetIndex(offset, value);
        _store.Control.Write("/local/domain/1/a", "");
        _guest.Ring.Process();
        Assert.Equal(StoreConnectionError.RingIndex, _guest.Connection.Error);
        Assert.Equal(2u, _guest.Index(ErrorField));

        // Nothing is taken or given any more, and its watches are gone.
        foreach (var index in (int[])[RequestConsumer, RequestProducer, ResponseConsumer, ResponseProducer])
            _guest.SetIndex(index, 0);
        _guest.Put(StoreGuest.Message(StoreMessageType.Read, 1, 0, StoreGuest.Bytes("a|")));
        _store.Control.Write("/local/domain/1/a", "");
        _guest.Ring.Process();
        Assert.Equal(0u, _guest.Index(RequestConsumer));
        Assert.Equal(0u, _guest.Index(ResponseProducer));
        Assert.Equal(0, _guest.Connection.QueuedBytes);
    }

    [Theory]
    [InlineData(4097u)]
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public void A_payload_that_is_too_long_ends_the_connection(uint length)
    {
        var header = new byte[StoreMessageHeader.Size];
        new StoreMessageHeader(StoreMessageType.Write, 1, 0, length).Write(header);
        _guest.Send(header);
        Assert.Equal(StoreConnectionError.Protocol, _guest.Connection.Error);
        Assert.Equal(3u, _guest.Index(ErrorField));
    }

    [Fact]
    public void A_payload_of_4096_bytes_is_read_and_judged_by_its_contents()
    {
        Assert.Equal((StoreMessageType.Error, "EINVAL|"), _guest.AskRaw(StoreMessageType.Read, new byte[4096]));
        Assert.Equal(StoreConnectionError.None, _guest.Connection.Error);
    }

    [Fact]
    public void A_page_that_is_not_there_stops_the_conversation_without_harm()
    {
        _guest.Put(StoreGuest.Message(StoreMessageType.GetDomainPath, 1, 0, StoreGuest.Bytes("1|")));
        _guest.IsPresent = false;
        _guest.Ring.Process();
        _guest.IsPresent = true;
        _guest.Ring.Process();
        Assert.Equal("/local/domain/1|", _guest.Next()!.Value.Payload);
    }

    [Fact]
    public void A_guest_cannot_ask_to_be_reconnected()
    {
        Assert.Equal(0u, _guest.Index(ServerFeatures));
        _guest.SetIndex(ConnectionState, 1);
        _guest.Ring.Process();
        Assert.Equal(1u, _guest.Index(ConnectionState));
        Assert.Equal("OK|", _guest.Write("a", ""));
    }

    [Fact]
    public void An_observer_sees_requests_answers_and_events()
    {
        var seen = new List<string>();
        _guest.Connection.Observer = (domain, header, payload, isToDomain) =>
            seen.Add($"{domain}{(isToDomain ? '<' : '>')}{header.Type}:{payload.Length}");
        _guest.Watch("a", "t");
        _guest.Read("a");
        Assert.Equal(["1>Watch:4", "1<Watch:3", "1<WatchEvent:4", "1>Read:2", "1<Error:7"], seen);
    }

    [Fact]
    public void A_removed_domain_is_served_no_more()
    {
        _store.RemoveDomain(1);
        _guest.Put(StoreGuest.Message(StoreMessageType.GetDomainPath, 1, 0, StoreGuest.Bytes("1|")));
        _guest.Ring.Process();
        Assert.Equal(0u, _guest.Index(RequestConsumer));
        Assert.Equal(0, _guest.Connection.MemoryInUse);
    }
}
