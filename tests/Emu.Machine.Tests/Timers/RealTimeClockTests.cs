using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Emu.Machine.Timers;
using Xunit;

namespace Emu.Machine.Tests.Timers;

public class RealTimeClockTests
{
    private const ulong Second = 1_000_000_000;

    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly InterruptLine _line = new(_ => { });
    private readonly RealTimeClock _rtc;

    public RealTimeClockTests() =>
        _rtc = new RealTimeClock(_clock, _line, new DateTimeOffset(2026, 12, 31, 23, 59, 58, TimeSpan.Zero));

    [Fact]
    public void Registers_show_the_date_in_bcd()
    {
        Assert.Equal([0x58, 0x59, 0x23, 0x05, 0x31, 0x12, 0x26, 0x20], Time());
    }

    [Fact]
    public void Date_moves_on_with_virtual_time_into_a_new_year()
    {
        _clock.Advance(2 * Second);
        Assert.Equal([0x00, 0x00, 0x00, 0x06, 0x01, 0x01, 0x27, 0x20], Time());
    }

    [Fact]
    public void Years_pass_in_one_step()
    {
        _clock.Warp(400UL * 366 * 86_400 * Second / 4);
        Assert.Equal(0x21, Read(0x32));
    }

    [Fact]
    public void Binary_and_12_hour_formats_apply_from_the_next_update()
    {
        Write(0x0B, 0x04); // binary, 12 hours
        Write(0x04, 11 | 0x80);
        Write(0x02, 59);
        Write(0x00, 59);
        Write(0x07, 31);
        Write(0x08, 12);
        Write(0x09, 26);
        Write(0x32, 20);
        _clock.Advance(Second);
        Assert.Equal([0, 0, 12, 6, 1, 1, 27, 20], Time());
    }

    [Fact]
    public void Update_in_progress_shows_before_the_second_changes()
    {
        Assert.Equal(0x26, Read(0x0A));
        _clock.Advance(Second - 2_228_000);
        Assert.Equal(0xA6, Read(0x0A));
        _clock.Advance(2_228_000);
        Assert.Equal(0x26, Read(0x0A));
        Assert.Equal(0x59, Read(0x00));
    }

    [Fact]
    public void Set_holds_the_time()
    {
        Write(0x0B, 0x82);
        _clock.Advance(10 * Second);
        Assert.Equal(0x58, Read(0x00));
        Assert.Equal(0x26, Read(0x0A));
        Write(0x0B, 0x02);
        _clock.Advance(Second);
        Assert.Equal(0x59, Read(0x00));
    }

    [Fact]
    public void Divider_reset_stops_the_clock_and_starts_half_a_second_before_an_update()
    {
        Write(0x0A, 0x76);
        _clock.Advance(10 * Second);
        Assert.Equal(0x58, Read(0x00));
        Write(0x0A, 0x26);
        _clock.Advance((Second / 2) - 1);
        Assert.Equal(0x58, Read(0x00));
        _clock.Advance(1);
        Assert.Equal(0x59, Read(0x00));
    }

    [Fact]
    public void Registers_without_a_date_stand_still()
    {
        Write(0x08, 0x00);
        _clock.Advance(5 * Second);
        Assert.Equal(0x58, Read(0x00));
    }

    [Fact]
    public void Update_interrupt_comes_each_second_and_goes_with_register_c()
    {
        Write(0x0B, 0x12);
        _clock.Advance(Second);
        Assert.True(_line.IsHigh);
        Assert.Equal(0xD0, Read(0x0C)); // with the periodic flag, whose interrupt is not enabled
        Assert.False(_line.IsHigh);
        Assert.Equal(0x00, Read(0x0C));
        _clock.Advance(Second);
        Assert.True(_line.IsHigh);
    }

    [Fact]
    public void Alarm_matches_with_do_not_care()
    {
        Write(0x01, 0x03);
        Write(0x03, 0xFF);
        Write(0x05, 0xC0);
        Write(0x0B, 0x22);
        _clock.Advance(4 * Second);
        Assert.False(_line.IsHigh);
        _clock.Advance(Second);
        Assert.True(_line.IsHigh);
        Assert.Equal(0xA0, Read(0x0C) & 0xA0);
    }

    [Fact]
    public void Alarm_is_found_in_time_that_passed_unobserved()
    {
        Write(0x01, 0x03);
        Write(0x03, 0x07);
        Write(0x05, 0xFF);
        _clock.Warp(3600 * Second);
        Assert.Equal(0x30, Read(0x0C) & 0xB0);
    }

    [Fact]
    public void Periodic_interrupt_has_its_rate()
    {
        Write(0x0A, 0x26); // 1024 Hz
        Write(0x0B, 0x42);
        _clock.Advance(Second / 1024);
        Assert.False(_line.IsHigh);
        _clock.Advance(1);
        Assert.True(_line.IsHigh);
        var interrupts = 0;
        for (var i = 0; i < 10_240; i++)
        {
            if (_line.IsHigh)
            {
                interrupts++;
                Read(0x0C);
            }

            _clock.Advance(Second / 10_240);
        }

        Assert.InRange(interrupts, 1023, 1025);
    }

    [Fact]
    public void Periodic_flag_is_set_without_its_interrupt()
    {
        _clock.Advance(Second / 100);
        Assert.Equal(0x40, Read(0x0C));
        Assert.False(_line.IsHigh);
        Assert.Null(_clock.NextDeadline);
    }

    [Fact]
    public void Memory_keeps_what_is_written_and_register_d_does_not()
    {
        Write(0x0F, 0x5A);
        Write(0x7F, 0xA5);
        Write(0x0D, 0x00);
        Assert.Equal(0x5A, Read(0x0F));
        Assert.Equal(0xA5, Read(0x7F));
        Assert.Equal(0x80, Read(0x0D));
        Assert.Equal(0xFF, _rtc.Read(0x70));
    }

    [Fact]
    public void Nmi_mask_bit_does_not_select_another_register()
    {
        _rtc.Write(0x70, 0x8D);
        Assert.Equal(0x80, _rtc.Read(0x71));
    }

    private byte[] Time() => [Read(0), Read(2), Read(4), Read(6), Read(7), Read(8), Read(9), Read(0x32)];

    private byte Read(byte index)
    {
        _rtc.Write(0x70, index);
        return _rtc.Read(0x71);
    }

    private void Write(byte index, byte value)
    {
        _rtc.Write(0x70, index);
        _rtc.Write(0x71, value);
    }
}
