using System.Buffers.Binary;
using Emu.Machine.Acpi;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Emu.Machine.Timers;
using Xunit;

namespace Emu.Machine.Tests.Timers;

public sealed class PmTimerTests
{
    private const ulong Second = VirtualClock.NanosecondsPerSecond;

    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly PmTimer _timer;

    public PmTimerTests() => _timer = new PmTimer(_clock);

    [Fact]
    public void It_counts_3579545_times_a_second()
    {
        _clock.Warp(Second);
        Assert.Equal(3_579_545u, _timer.Read(AddressMap.PmTimer, 4));
    }

    [Fact]
    public void It_has_24_bits()
    {
        _clock.Warp(5 * Second);
        Assert.Equal((5 * 3_579_545u) & 0xFFFFFF, _timer.Read(AddressMap.PmTimer, 4));
    }

    [Fact]
    public void It_is_right_after_a_century()
    {
        _clock.Warp(3_155_760_000 * Second);
        Assert.Equal((uint)(3_155_760_000UL * 3_579_545UL % 0x1000000), _timer.Read(AddressMap.PmTimer, 4));
    }

    [Fact]
    public void Writes_do_not_change_it()
    {
        _clock.Warp(Second);
        _timer.Write(AddressMap.PmTimer, 4, 0);
        Assert.Equal(3_579_545u, _timer.Read(AddressMap.PmTimer, 4));
    }

    [Fact]
    public void The_time_of_a_half_period_is_the_first_at_which_its_highest_bit_has_changed()
    {
        foreach (var number in (ulong[])[1, 2, 3, 1000, 123_456_789])
        {
            var time = PmTimer.TimeOfHalfPeriod(number);
            Assert.Equal(number, PmTimer.HalfPeriods(time));
            Assert.Equal(number - 1, PmTimer.HalfPeriods(time - 1));
        }
    }

    [Theory]
    [InlineData(false, 0u)]
    [InlineData(true, 0x608u)]
    public void Acpi_advertises_it_where_it_is(bool hasTimer, uint port)
    {
        ReadOnlySpan<byte> tables = AcpiTables.Build(1, hasTimer);
        var fadt = tables[tables.IndexOf("FACP"u8)..];

        Assert.Equal(port, BinaryPrimitives.ReadUInt32LittleEndian(fadt[76..]));
        Assert.Equal(hasTimer ? 4 : 0, fadt[91]);
        Assert.Equal(port, BinaryPrimitives.ReadUInt64LittleEndian(fadt[212..]));
    }
}
