using System.Text;
using Emu.Machine.Interrupts;
using Emu.Machine.Serial;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;

namespace Emu.Machine.Tests.Serial;

public class Uart16550Tests
{
    private const byte Out2 = 0x08;

    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly InterruptLine _line = new(_ => { });
    private readonly List<byte> _sent = [];
    private readonly Uart16550 _uart;

    public Uart16550Tests() => _uart = new Uart16550(0x3F8, _clock, _line, _sent.Add);

    [Fact]
    public void Characters_are_sent_at_once_and_the_transmitter_is_always_empty()
    {
        foreach (var value in "hello"u8)
        {
            Assert.Equal(0x60, Read(5) & 0x60);
            Write(0, value);
        }

        Assert.Equal("hello", Encoding.ASCII.GetString([.. _sent]));
    }

    [Fact]
    public void Reset_state_is_that_of_the_data_sheet()
    {
        Assert.Equal([0x00, 0x01, 0x00, 0x00, 0x60], new[] { Read(1), Read(2), Read(3), Read(4), Read(5) });
    }

    [Fact]
    public void Scratch_register_keeps_what_is_written()
    {
        Write(7, 0xA5);
        Assert.Equal(0xA5, Read(7));
    }

    [Fact]
    public void Divisor_latch_hides_data_and_interrupt_enable()
    {
        Write(3, 0x83);
        Write(0, 0x34);
        Write(1, 0x12);
        Assert.Equal(0x34, Read(0));
        Assert.Equal(0x12, Read(1));
        Write(3, 0x03);
        Assert.Equal(0x00, Read(1));
        Assert.Empty(_sent);
    }

    [Theory]
    [InlineData(0x03, 1, 86_805UL)] // 8N1 at 115200
    [InlineData(0x03, 12, 1_041_666UL)] // 8N1 at 9600
    [InlineData(0x1E, 1, 95_486UL)] // 7E2
    public void Character_time_follows_divisor_and_format(byte format, byte divisor, ulong expected)
    {
        Write(3, 0x80);
        Write(0, divisor);
        Write(1, 0);
        Write(3, format);
        Assert.Equal(expected, _uart.CharacterTime);
    }

    [Fact]
    public void Fifos_are_identified_as_16550a_and_only_that()
    {
        Write(2, 0xE7);
        Assert.Equal(0xC1, Read(2));
        Write(2, 0x00);
        Assert.Equal(0x01, Read(2));
    }

    [Fact]
    public void Received_character_interrupts_until_read()
    {
        Write(4, Out2);
        Write(1, 0x01);
        _uart.Receive((byte)'x');
        Assert.True(_line.IsHigh);
        Assert.Equal(0x04, Read(2));
        Assert.Equal(0x61, Read(5));
        Assert.Equal((byte)'x', Read(0));
        Assert.False(_line.IsHigh);
        Assert.Equal(0x60, Read(5));
    }

    [Fact]
    public void Interrupt_line_needs_out2()
    {
        Write(1, 0x01);
        _uart.Receive(1);
        Assert.False(_line.IsHigh);
        Assert.Equal(0x04, Read(2));
        Write(4, Out2);
        Assert.True(_line.IsHigh);
    }

    [Fact]
    public void Fifo_interrupts_at_its_trigger_level()
    {
        Listen(fifoControl: 0x81); // trigger at 8
        for (byte i = 0; i < 7; i++)
            _uart.Receive(i);
        Assert.False(_line.IsHigh);
        _uart.Receive(7);
        Assert.Equal(0xC4, Read(2));
        Read(0);
        Assert.Equal(0xC1, Read(2));
    }

    [Fact]
    public void Characters_below_the_trigger_time_out_after_four_character_times()
    {
        Listen(fifoControl: 0x81);
        _uart.Receive((byte)'a');
        _uart.Receive((byte)'b');
        _clock.Advance((4 * _uart.CharacterTime) - 1);
        Assert.False(_line.IsHigh);
        _clock.Advance(1);
        Assert.True(_line.IsHigh);
        Assert.Equal(0xCC, Read(2));
        Assert.Equal((byte)'a', Read(0));
        Assert.False(_line.IsHigh);
        _clock.Advance(4 * _uart.CharacterTime);
        Assert.Equal(0xCC, Read(2));
        Assert.Equal((byte)'b', Read(0));
        Assert.Null(_clock.NextDeadline);
    }

    [Fact]
    public void Seventeenth_character_overruns_and_is_lost()
    {
        Listen(fifoControl: 0x01);
        Write(1, 0x05);
        for (byte i = 0; i < 17; i++)
            _uart.Receive(i);
        Assert.Equal(0xC6, Read(2));
        Assert.Equal(0x63, Read(5));
        Assert.Equal(0x61, Read(5));
        for (byte i = 0; i < 16; i++)
            Assert.Equal(i, Read(0));
        Assert.Equal(0x60, Read(5));
    }

    [Fact]
    public void Without_fifos_the_newer_character_overwrites()
    {
        _uart.Receive(1);
        _uart.Receive(2);
        Assert.Equal(0x63, Read(5));
        Assert.Equal(2, Read(0));
    }

    [Fact]
    public void Clearing_the_receiver_forgets_characters()
    {
        Listen(fifoControl: 0x01);
        _uart.Receive(1);
        Write(2, 0x03);
        Assert.Equal(0x60, Read(5));
    }

    [Fact]
    public void Transmitter_interrupt_comes_with_its_enabling_and_goes_with_identification()
    {
        Write(4, Out2);
        Write(1, 0x02);
        Assert.True(_line.IsHigh);
        Assert.Equal(0x02, Read(2));
        Assert.False(_line.IsHigh);
        Assert.Equal(0x01, Read(2));
        Write(0, (byte)'x');
        Assert.Equal(0x02, Read(2));
        Write(1, 0x00);
        Write(1, 0x02);
        Assert.Equal(0x02, Read(2));
    }

    [Fact]
    public void Each_character_makes_a_new_edge_of_the_interrupt()
    {
        var edges = 0;
        var line = new InterruptLine(high => edges += high ? 1 : 0);
        var uart = new Uart16550(0x3F8, _clock, line, _ => { });
        uart.Write(0x3FC, Out2);
        uart.Write(0x3F9, 0x02);
        uart.Write(0x3F8, 1);
        uart.Write(0x3F8, 2);
        Assert.Equal(3, edges);
    }

    [Fact]
    public void Sources_are_identified_by_priority()
    {
        Write(4, Out2);
        Write(1, 0x0F);
        _uart.Receive(1);
        _uart.Receive(2);
        Assert.Equal(0x06, Read(2));
        Read(5);
        Assert.Equal(0x04, Read(2));
        Read(0);
        Assert.Equal(0x02, Read(2));
        Assert.Equal(0x01, Read(2));
    }

    [Fact]
    public void Loop_returns_characters_and_modem_lines()
    {
        Write(4, 0x10);
        Write(0, 0x5A);
        Assert.Empty(_sent);
        Assert.Equal(0x5A, Read(0));
        Read(6);
        Write(4, 0x1A); // RTS and OUT2
        Assert.Equal(0x99, Read(6)); // DCD and CTS, both changed
        Assert.Equal(0x90, Read(6));
    }

    [Fact]
    public void Modem_lines_show_a_terminal()
    {
        Assert.Equal(0xB0, Read(6));
    }

    [Fact]
    public void Modem_status_interrupts_until_read()
    {
        Write(4, 0x18);
        Write(1, 0x08);
        Assert.True(_line.IsHigh);
        Assert.Equal(0x00, Read(2));
        Read(6);
        Assert.False(_line.IsHigh);
    }

    private void Listen(byte fifoControl)
    {
        Write(2, fifoControl);
        Write(4, Out2);
        Write(1, 0x01);
    }

    private byte Read(int register) => _uart.Read((ushort)(0x3F8 + register));

    private void Write(int register, byte value) => _uart.Write((ushort)(0x3F8 + register), value);
}
