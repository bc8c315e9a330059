namespace Emu.Machine.Timers;

/// <summary>A date and time in the formats of an MC146818's registers: BCD or binary, 12 or 24 hours, as register B says.</summary>
internal readonly record struct RtcTime
{
    private const int Seconds = 0x00;
    private const int SecondsAlarm = 0x01;
    private const int Minutes = 0x02;
    private const int MinutesAlarm = 0x03;
    private const int Hours = 0x04;
    private const int HoursAlarm = 0x05;
    private const int Weekday = 0x06;
    private const int Day = 0x07;
    private const int Month = 0x08;
    private const int Year = 0x09;
    private const int Century = 0x32;
    private const byte Binary = 0x04;
    private const byte TwentyFourHours = 0x02;
    private const byte Afternoon = 0x80;
    private const byte AlarmDoNotCare = 0xC0;

    private readonly DateTime _date;

    private RtcTime(DateTime date, bool isValid)
    {
        _date = date;
        IsValid = isValid;
    }

    /// <summary>False where the registers hold no date.</summary>
    public bool IsValid { get; }

    public static RtcTime FromDate(DateTime date) => new(date, true);

    public static RtcTime Load(ReadOnlySpan<byte> registers, byte format)
    {
        var year = (Decode(registers[Century], format) * 100) + Decode(registers[Year], format);
        var month = Decode(registers[Month], format);
        var day = Decode(registers[Day], format);
        var hour = DecodeHour(registers[Hours], format);
        var minute = Decode(registers[Minutes], format);
        var second = Decode(registers[Seconds], format);
        // Virtual time lasts 584 years: nothing that starts before 9000 leaves the calendar.
        if (year is < 1 or > 9000 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 59)
            return default;
        return new RtcTime(new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc), true);
    }

    public RtcTime Add(ulong seconds) => new(_date.AddSeconds(seconds), IsValid);

    public void Store(Span<byte> registers, byte format)
    {
        registers[Seconds] = Encode(_date.Second, format);
        registers[Minutes] = Encode(_date.Minute, format);
        registers[Hours] = EncodeHour(_date.Hour, format);
        registers[Weekday] = Encode((int)_date.DayOfWeek + 1, format);
        registers[Day] = Encode(_date.Day, format);
        registers[Month] = Encode(_date.Month, format);
        registers[Year] = Encode(_date.Year % 100, format);
        registers[Century] = Encode(_date.Year / 100, format);
    }

    public bool MatchesAlarm(ReadOnlySpan<byte> registers, byte format) =>
        Matches(registers[SecondsAlarm], Encode(_date.Second, format))
        && Matches(registers[MinutesAlarm], Encode(_date.Minute, format))
        && Matches(registers[HoursAlarm], EncodeHour(_date.Hour, format));

    private static bool Matches(byte alarm, byte value) => alarm >= AlarmDoNotCare || alarm == value;

    private static int Decode(byte value, byte format) =>
        (format & Binary) != 0 ? value : ((value >> 4) * 10) + (value & 15);

    private static byte Encode(int value, byte format) =>
        (byte)((format & Binary) != 0 ? value : (value / 10 << 4) | (value % 10));

    private static int DecodeHour(byte value, byte format)
    {
        if ((format & TwentyFourHours) != 0)
            return Decode(value, format);
        var hour = Decode((byte)(value & 0x7F), format) % 12;
        return (value & Afternoon) != 0 ? hour + 12 : hour;
    }

    private static byte EncodeHour(int hour, byte format)
    {
        if ((format & TwentyFourHours) != 0)
            return Encode(hour, format);
        var encoded = Encode(hour % 12 == 0 ? 12 : hour % 12, format);
        return hour >= 12 ? (byte)(encoded | Afternoon) : encoded;
    }
}
