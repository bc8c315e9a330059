using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Network;

/// <summary>Single segments and their answers, as RFC 9293 and RFC 5961 have them.</summary>
public sealed class TcpConnectionTests : IDisposable
{
    private static readonly TcpKey Echo = new(TestGuest.Address, 1234, TestGuest.Gateway, 7);
    private static readonly TcpKey Nobody = new(TestGuest.Address, 1234, TestGuest.Gateway, 81);

    private readonly TestGuest _guest = new();
    private uint _next;
    private uint _peer;

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Handshake_names_the_greatest_segment()
    {
        _guest.SendTcp(Echo, 100, 0, TcpFlags.Syn, mss: 1460);
        var answer = _guest.AnswerTcp();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Acknowledge, answer.Flags);
        Assert.Equal(101u, answer.Acknowledgment);
        Assert.Equal((ushort)1460, answer.MaximumSegment);
        Assert.Equal(65535, answer.Window);
    }

    [Fact]
    public void A_closed_port_resets()
    {
        _guest.SendTcp(Nobody, 100, 0, TcpFlags.Syn);
        var answer = _guest.AnswerTcp();
        Assert.Equal(TcpFlags.Reset | TcpFlags.Acknowledge, answer.Flags);
        Assert.Equal(101u, answer.Acknowledgment);

        _guest.SendTcp(Nobody, 100, 777, TcpFlags.Acknowledge);
        answer = _guest.AnswerTcp();
        Assert.Equal(TcpFlags.Reset, answer.Flags);
        Assert.Equal(777u, answer.Sequence);
    }

    [Fact]
    public void A_reset_is_not_answered()
    {
        _guest.SendTcp(Nobody, 100, 777, TcpFlags.Reset | TcpFlags.Acknowledge);
        Assert.True(_guest.IsUnanswered());
    }

    [Fact]
    public void A_repeated_call_is_answered_again()
    {
        _guest.SendTcp(Echo, 100, 0, TcpFlags.Syn);
        var first = _guest.AnswerTcp().Sequence;
        _guest.SendTcp(Echo, 100, 0, TcpFlags.Syn);
        var again = _guest.AnswerTcp();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Acknowledge, again.Flags);
        Assert.Equal(first, again.Sequence);
    }

    [Fact]
    public void An_answer_to_a_call_is_repeated_until_it_is_acknowledged()
    {
        _guest.SendTcp(Echo, 100, 0, TcpFlags.Syn);
        _guest.AnswerTcp();
        _guest.Clock.Advance(1_000_000_000);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Acknowledge, _guest.AnswerTcp().Flags);
        _guest.Clock.Advance(2_000_000_000);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Acknowledge, _guest.AnswerTcp().Flags);
    }

    [Fact]
    public void Segments_out_of_order_are_kept_until_the_gap_is_filled()
    {
        Connect();
        _guest.SendTcp(Echo, _next + 4, _peer, TcpFlags.Acknowledge, payload: "efgh"u8);
        Assert.Equal(_next, _guest.AnswerTcp().Acknowledgment);
        _guest.SendTcp(Echo, _next + 10, _peer, TcpFlags.Acknowledge, payload: "kl"u8);
        Assert.Equal(_next, _guest.AnswerTcp().Acknowledgment);
        _guest.SendTcp(Echo, _next, _peer, TcpFlags.Acknowledge, payload: "abcdef"u8);
        var echo = _guest.AnswerTcp();
        Assert.Equal("abcdefgh", Text(echo));
        Assert.Equal(_next + 8, echo.Acknowledgment);
        _guest.SendTcp(Echo, _next + 8, _peer + 8, TcpFlags.Acknowledge, payload: "ij"u8);
        Assert.Equal("ijkl", Text(_guest.AnswerTcp()));
    }

    [Fact]
    public void A_fin_out_of_order_counts_when_its_turn_comes()
    {
        Connect();
        _guest.SendTcp(Echo, _next + 2, _peer, TcpFlags.Acknowledge | TcpFlags.Fin, payload: "cd"u8);
        Assert.Equal(_next, _guest.AnswerTcp().Acknowledgment);
        _guest.SendTcp(Echo, _next, _peer, TcpFlags.Acknowledge, payload: "ab"u8);
        var last = _guest.AnswerTcp();
        Assert.Equal("abcd", Text(last));
        Assert.True(last.Has(TcpFlags.Fin));
        Assert.Equal(_next + 5, last.Acknowledgment);
    }

    [Fact]
    public void Only_the_exact_number_resets()
    {
        Connect();
        _guest.SendTcp(Echo, _next + 10, 0, TcpFlags.Reset);
        Assert.Equal(TcpFlags.Acknowledge, _guest.AnswerTcp().Flags);
        _guest.SendTcp(Echo, _next, 0, TcpFlags.Reset);
        Assert.True(_guest.IsUnanswered());
        _guest.SendTcp(Echo, _next, _peer, TcpFlags.Acknowledge, payload: "x"u8);
        Assert.True(_guest.AnswerTcp().Has(TcpFlags.Reset));
    }

    [Fact]
    public void A_call_within_a_connection_is_asked_back()
    {
        Connect();
        _guest.SendTcp(Echo, _next + 5, 0, TcpFlags.Syn);
        var answer = _guest.AnswerTcp();
        Assert.Equal(TcpFlags.Acknowledge, answer.Flags);
        Assert.Equal(_next, answer.Acknowledgment);
    }

    [Fact]
    public void An_acknowledgment_of_what_was_never_sent_does_not_count()
    {
        Connect();
        _guest.SendTcp(Echo, _next, _peer + 1000, TcpFlags.Acknowledge, payload: "abc"u8);
        var answer = _guest.AnswerTcp();
        Assert.Equal(_next, answer.Acknowledgment);
        Assert.Equal(0, answer.Payload.Length);
    }

    [Fact]
    public void Three_duplicates_have_the_oldest_segment_sent_again_at_once()
    {
        Connect();
        var data = new byte[8 * 1460];
        for (var i = 0; i < 8; i++)
            _guest.SendTcp(Echo, _next + (uint)(i * 1460), _peer, TcpFlags.Acknowledge, payload: data.AsSpan(i * 1460, 1460));
        for (var i = 0; i < 8; i++)
            Assert.Equal(_peer + (uint)(i * 1460), _guest.AnswerTcp().Sequence);
        _next += (uint)data.Length;
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_guest.IsUnanswered());
            _guest.SendTcp(Echo, _next, _peer, TcpFlags.Acknowledge);
        }

        var again = _guest.AnswerTcp();
        Assert.Equal(_peer, again.Sequence);
        Assert.Equal(1460, again.Payload.Length);
    }

    [Fact]
    public void Segments_are_no_longer_than_the_guest_asks_for()
    {
        Connect(mss: 600);
        _guest.SendTcp(Echo, _next, _peer, TcpFlags.Acknowledge, payload: new byte[1000]);
        Assert.Equal(600, _guest.AnswerTcp().Payload.Length);
        Assert.Equal(400, _guest.AnswerTcp().Payload.Length);
    }

    [Fact]
    public void A_segment_as_a_card_with_offload_sends_it_is_taken_whole()
    {
        Connect(port: 9);
        var key = Echo with { RemotePort = 9 };
        _guest.SendTcp(key, _next, _peer, TcpFlags.Acknowledge, payload: new byte[65_000]);
        Assert.Equal(_next + 65_000, _guest.AnswerTcp().Acknowledgment);
    }

    [Fact]
    public void A_flood_of_calls_keeps_nobody_out()
    {
        for (ushort port = 1; port < 2000; port++)
            _guest.SendTcp(Echo with { LocalPort = port }, 100, 0, TcpFlags.Syn);
        while (!_guest.IsUnanswered())
            _guest.Answer();
        _guest.Clock.Advance(1);
        var key = Echo with { LocalPort = 5000 };
        _guest.SendTcp(key, 100, 0, TcpFlags.Syn);
        var answer = _guest.AnswerTcp();
        _guest.SendTcp(key, 101, answer.Sequence + 1, TcpFlags.Acknowledge, payload: "hello"u8);
        while (true)
        {
            var echo = _guest.AnswerTcp();
            if (echo.DestinationPort != 5000)
                continue;
            Assert.Equal("hello", Text(echo));
            break;
        }
    }

    [Fact]
    public void More_connections_than_there_is_room_for_are_left_unanswered()
    {
        for (ushort port = 1; port <= TcpStack.MostConnections; port++)
        {
            var key = Echo with { LocalPort = port };
            _guest.SendTcp(key, 100, 0, TcpFlags.Syn);
            _guest.SendTcp(key, 101, _guest.AnswerTcp().Sequence + 1, TcpFlags.Acknowledge);
        }

        _guest.SendTcp(Echo with { LocalPort = 9999 }, 100, 0, TcpFlags.Syn);
        Assert.True(_guest.IsUnanswered());
        Assert.Equal(1, _guest.Network.Counters.DroppedWithoutResources);
    }

    private static string Text(in TcpSegment segment) => System.Text.Encoding.ASCII.GetString(segment.Payload);

    private void Connect(ushort mss = 1460, ushort port = 7)
    {
        var key = Echo with { RemotePort = port };
        _guest.SendTcp(key, 100, 0, TcpFlags.Syn, mss: mss);
        _peer = _guest.AnswerTcp().Sequence + 1;
        _next = 101;
        _guest.SendTcp(key, _next, _peer, TcpFlags.Acknowledge);
        Assert.True(_guest.IsUnanswered());
    }
}
