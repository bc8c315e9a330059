using System.Text;
using Emu.Machine.Consoles;
using Emu.Machine.Interrupts;
using Emu.Machine.Serial;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Consoles;

public class ConsoleFeedTests
{
    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly Uart16550 _uart;
    private readonly Script _source = new();
    private readonly ConsoleFeed _input;

    public ConsoleFeedTests()
    {
        _uart = new Uart16550(0x3F8, _clock, new InterruptLine(_ => { }), _ => { });
        _uart.Write(0x3FB, 0x80);
        _uart.Write(0x3F8, 1); // 115200 baud
        _uart.Write(0x3F9, 0);
        _uart.Write(0x3FB, 0x03);
        _input = new ConsoleFeed(_uart, _clock, _source);
    }

    [Fact]
    public void Nothing_enters_before_the_guest_listens()
    {
        _source.Add("abc");
        _clock.Advance(1_000_000_000);
        Assert.False(HasData);
        Assert.Equal(0, _source.Asked);
    }

    [Fact]
    public void Bytes_enter_one_character_time_apart()
    {
        _source.Add("ab");
        _uart.Write(0x3FA, 0x01);
        _uart.Write(0x3F9, 0x01);
        _clock.Advance(_uart.CharacterTime - 1);
        Assert.False(HasData);
        _clock.Advance(1);
        Assert.Equal((byte)'a', _uart.Read(0x3F8));
        Assert.False(HasData);
        _clock.Advance(_uart.CharacterTime);
        Assert.Equal((byte)'b', _uart.Read(0x3F8));
    }

    [Fact]
    public void Full_receiver_holds_input_back_and_loses_nothing()
    {
        var text = string.Concat(Enumerable.Range(0, 100).Select(i => (char)('0' + (i % 10))));
        _source.Add(text);
        _uart.Write(0x3FA, 0x01);
        _uart.Write(0x3F9, 0x01);
        var received = new StringBuilder();
        for (var i = 0; i < 40; i++)
        {
            _clock.Advance(20 * _uart.CharacterTime);
            while (HasData)
                received.Append((char)_uart.Read(0x3F8));
        }

        Assert.Equal(text, received.ToString());
    }

    [Fact]
    public void Polling_of_the_line_status_counts_as_listening()
    {
        _source.Add("x");
        for (var i = 0; i < Uart16550.PollingReads - 1; i++)
            _uart.Read(0x3FD);
        _uart.Write(0x3F8, (byte)'o');
        Assert.Null(_clock.NextDeadline);
        for (var i = 0; i < Uart16550.PollingReads; i++)
            _uart.Read(0x3FD);
        _clock.Advance(_uart.CharacterTime);
        Assert.True(HasData);
    }

    [Fact]
    public void Silent_source_is_awaited_and_asked_again_between_slices()
    {
        _uart.Write(0x3F9, 0x01);
        _clock.Advance(_uart.CharacterTime);
        Assert.True(_input.IsAwaited);
        _input.Poll();
        Assert.False(HasData);
        _source.Add("x");
        _input.Poll();
        Assert.True(HasData);
        Assert.False(_input.IsAwaited);
    }

    [Fact]
    public void Ended_source_is_never_asked_again()
    {
        _source.End();
        _uart.Write(0x3F9, 0x01);
        _clock.Advance(_uart.CharacterTime);
        Assert.False(_input.IsAwaited);
        _uart.Write(0x3F9, 0x00);
        _uart.Write(0x3F9, 0x01);
        Assert.Null(_clock.NextDeadline);
        Assert.Equal(1, _source.Asked);
    }

    [Fact]
    public void Pipe_is_given_a_moment_and_a_human_is_not()
    {
        _uart.Write(0x3F9, 0x01);
        _clock.Advance(_uart.CharacterTime);
        Assert.Equal(ConsoleFeed.Patience, _source.Waited);

        _source.Waited = null;
        _source.IsInteractive = true;
        var uart = new Uart16550(0x3F8, _clock, new InterruptLine(_ => { }), _ => { });
        var human = new ConsoleFeed(uart, _clock, _source);
        uart.Write(0x3F9, 0x01);
        _clock.Advance(uart.CharacterTime);
        Assert.True(human.IsAwaited);
        Assert.Null(_source.Waited);
    }

    [Fact]
    public void Pipe_that_was_silent_once_is_a_human_from_then_on()
    {
        _uart.Write(0x3F9, 0x01);
        _clock.Advance(_uart.CharacterTime);
        Assert.Equal(ConsoleFeed.Patience, _source.Waited);

        _source.Waited = null;
        _source.Add("x");
        _input.Poll();
        Assert.Equal((byte)'x', _uart.Read(0x3F8));
        _clock.Advance(_uart.CharacterTime);
        Assert.True(_input.IsAwaited);
        Assert.Null(_source.Waited);
    }

    private bool HasData => (_uart.Read(0x3FD) & 1) != 0;

    private sealed class Script : IConsoleSource
    {
        private readonly Queue<byte> _bytes = new();
        private bool _ended;

        public bool IsInteractive { get; set; }

        public int Asked { get; private set; }

        public TimeSpan? Waited { get; set; }

        public void Add(string text)
        {
            foreach (var value in Encoding.ASCII.GetBytes(text))
                _bytes.Enqueue(value);
        }

        public void End() => _ended = true;

        public ConsoleInput TryRead(out byte value)
        {
            Asked++;
            if (_bytes.TryDequeue(out value))
                return ConsoleInput.Available;
            return _ended ? ConsoleInput.Ended : ConsoleInput.Empty;
        }

        public bool Wait(TimeSpan timeout)
        {
            Waited = timeout;
            return false;
        }
    }
}
