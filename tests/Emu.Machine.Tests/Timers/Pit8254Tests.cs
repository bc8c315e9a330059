using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Emu.Machine.Timers;
using Xunit;

namespace Emu.Machine.Tests.Timers;

/// <summary>Times are in ticks of the 1.193182 MHz clock. A count is loaded with the tick after the write that completes it.</summary>
public class Pit8254Tests
{
    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly List<(ulong Tick, bool High)> _output = [];
    private readonly Pit8254 _pit;
    private ulong _tick;

    public Pit8254Tests() => _pit = new Pit8254(_clock, new InterruptLine(high => _output.Add((TickNow, high))));

    private ulong TickNow => (ulong)((UInt128)_clock.Now * 1_193_182 / 1_000_000_000);

    [Fact]
    public void Mode_0_interrupts_on_terminal_count()
    {
        Program(0, mode: 0, 100);
        Pass(100);
        Assert.Empty(_output);
        Pass(1);
        Assert.Equal([(101UL, true)], _output);
        Pass(70_000);
        Assert.Single(_output);
    }

    [Fact]
    public void Mode_0_count_goes_on_below_zero()
    {
        Program(0, mode: 0, 10);
        Pass(13);
        Assert.Equal(0xFFFE, ReadCount(0));
    }

    [Fact]
    public void Mode_0_new_count_starts_again_and_its_first_byte_stops_counting()
    {
        Program(0, mode: 0, 100);
        Pass(51);
        Write(0, 20);
        Pass(500);
        Assert.Empty(_output);
        Write(0, 0);
        Pass(20);
        Assert.Empty(_output);
        Pass(1);
        Assert.Single(_output);
    }

    [Fact]
    public void Mode_1_is_triggered_by_the_gate_and_again()
    {
        Gate(false);
        Program(2, mode: 1, 50);
        Pass(1000);
        Assert.True(Output2);
        Gate(true);
        Pass(1);
        Assert.False(Output2);
        Pass(30);
        Gate(false);
        Gate(true);
        Pass(50);
        Assert.False(Output2);
        Pass(1);
        Assert.True(Output2);
    }

    [Fact]
    public void Mode_2_pulses_low_for_one_tick_of_each_period()
    {
        Program(0, mode: 2, 10);
        Pass(21);
        // High from the control word on, low for the tick of count 1.
        Assert.Equal([(0UL, true), (10UL, false), (11UL, true), (20UL, false), (21UL, true)], _output);
    }

    [Fact]
    public void Mode_2_takes_a_new_count_after_the_period()
    {
        Program(0, mode: 2, 10);
        Pass(5);
        _output.Clear();
        Write(0, 4);
        Write(0, 0);
        Pass(14);
        Assert.Equal([(10UL, false), (11UL, true), (14UL, false), (15UL, true), (18UL, false), (19UL, true)], _output);
    }

    [Fact]
    public void Mode_2_gate_stops_and_restarts()
    {
        Gate(true);
        Program(2, mode: 2, 100);
        Pass(51);
        Assert.Equal(50, ReadCount(2));
        Gate(false);
        Pass(500);
        Assert.True(Output2);
        Assert.Equal(50, ReadCount(2));
        Gate(true);
        Pass(11);
        Assert.Equal(90, ReadCount(2));
    }

    [Theory]
    [InlineData(10, 5, 5)]
    [InlineData(11, 6, 5)]
    public void Mode_3_is_a_square_wave(ushort count, ulong high, ulong low)
    {
        Program(0, mode: 3, count);
        Pass(1 + high + low);
        Assert.Equal([(0UL, true), (1 + high, false), (1 + high + low, true)], _output);
    }

    [Fact]
    public void Mode_3_counts_by_two()
    {
        Program(0, mode: 3, 1000);
        Pass(11);
        Assert.Equal(980, ReadCount(0));
        Pass(500);
        Assert.Equal(980, ReadCount(0));
    }

    [Fact]
    public void Mode_3_takes_a_new_count_after_the_half_period()
    {
        Program(0, mode: 3, 20);
        Pass(3);
        _output.Clear();
        Write(0, 8);
        Write(0, 0);
        Pass(16);
        // High until 11 as before, then halves of 4.
        Assert.Equal([(11UL, false), (15UL, true), (19UL, false)], _output);
    }

    [Fact]
    public void Mode_4_strobes_once()
    {
        Program(0, mode: 4, 10);
        Pass(100);
        Assert.Equal([(0UL, true), (11UL, false), (12UL, true)], _output);
    }

    [Fact]
    public void Mode_5_strobes_after_the_gate()
    {
        Gate(false);
        Program(2, mode: 5, 10);
        Gate(true);
        Pass(11);
        Assert.False(Output2);
        Pass(1);
        Assert.True(Output2);
    }

    [Fact]
    public void Latch_holds_the_count_until_it_was_read()
    {
        Program(0, mode: 2, 1000);
        Pass(101);
        _pit.Write(0x43, 0x00);
        Pass(50);
        Assert.Equal(900, ReadCount(0));
        Assert.Equal(850, ReadCount(0));
    }

    [Fact]
    public void Read_back_latches_status_before_count_for_several_counters()
    {
        Gate(true);
        Program(0, mode: 2, 1000);
        Program(2, mode: 3, 500);
        Pass(11);
        _pit.Write(0x43, 0xC0 | 0x0A); // counters 0 and 2, count and status
        Assert.Equal(0xB4, _pit.Read(0x40));
        Assert.Equal(990, ReadCount(0));
        Assert.Equal(0xB6, _pit.Read(0x42));
        Assert.Equal(480, ReadCount(2));
    }

    [Fact]
    public void Status_shows_the_null_count_until_the_load()
    {
        Program(0, mode: 2, 1000);
        _pit.Write(0x43, 0xE2);
        Assert.Equal(0xF4, _pit.Read(0x40));
        Pass(1);
        _pit.Write(0x43, 0xE2);
        Assert.Equal(0xB4, _pit.Read(0x40));
    }

    [Fact]
    public void Single_byte_access_fills_the_other_with_zero()
    {
        _pit.Write(0x43, 0x20 | 0x04); // high byte only, mode 2
        Write(0, 0x10);
        Pass(1 + 0x100);
        _pit.Write(0x43, 0x00);
        Assert.Equal(0x0F, _pit.Read(0x40));
    }

    [Fact]
    public void Bcd_counts_in_decimal()
    {
        _pit.Write(0x43, 0x31); // both bytes, mode 0, BCD
        Write(0, 0x00);
        Write(0, 0x10); // 1000
        Pass(2);
        Assert.Equal(0x0999, ReadCount(0));
        Pass(1000);
        Assert.Equal(0x9999, ReadCount(0));
        Assert.Equal(1001UL, _output[0].Tick);
    }

    [Fact]
    public void Count_zero_means_65536()
    {
        Program(0, mode: 0, 0);
        Pass(65_536);
        Assert.Empty(_output);
        Pass(1);
        Assert.Single(_output);
    }

    [Fact]
    public void Tick_rate_is_exact_over_an_hour()
    {
        _clock.Warp(3600UL * 1_000_000_000);
        _tick = 3600UL * 1_193_182;
        Program(0, mode: 0, 1000);
        Pass(1000);
        Assert.Empty(_output);
        Pass(1);
        Assert.Single(_output);
    }

    [Fact]
    public void Port_61_gates_and_shows_channel_2()
    {
        Gate(false);
        Program(2, mode: 0, 10);
        Pass(100);
        Assert.Equal(0x00, _pit.Read(0x61) & 0x2F);
        Gate(true);
        Pass(11);
        Assert.Equal(0x21, _pit.Read(0x61) & 0x2F);
    }

    [Fact]
    public void Port_61_toggles_with_refresh()
    {
        var first = _pit.Read(0x61) & 0x10;
        _clock.Advance(15_085);
        Assert.NotEqual(first, _pit.Read(0x61) & 0x10);
    }

    private bool Output2 => (_pit.Read(0x61) & 0x20) != 0;

    /// <summary>Goes to the start of the tick that lies so many ticks ahead.</summary>
    private void Pass(ulong ticks)
    {
        _tick += ticks;
        var target = (ulong)((((UInt128)_tick * 1_000_000_000) + 1_193_181) / 1_193_182);
        _clock.Advance(target - _clock.Now);
    }

    private void Program(int counter, int mode, ushort count)
    {
        _pit.Write(0x43, (byte)((counter << 6) | 0x30 | (mode << 1)));
        Write(counter, (byte)count);
        Write(counter, (byte)(count >> 8));
    }

    private void Write(int counter, byte value) => _pit.Write((ushort)(0x40 + counter), value);

    private int ReadCount(int counter)
    {
        var low = _pit.Read((ushort)(0x40 + counter));
        return low | (_pit.Read((ushort)(0x40 + counter)) << 8);
    }

    private void Gate(bool high) => _pit.Write(0x61, (byte)(high ? 1 : 0));
}
