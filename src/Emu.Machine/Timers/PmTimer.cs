using Emu.Machine.Buses;
using Emu.Machine.Time;

namespace Emu.Machine.Timers;

/// <summary>ACPI's power management timer (ACPI 6.5, section 4.8.2.1): a counter of 24 bits at 3.579545 MHz that nothing stops.</summary>
public sealed class PmTimer : IPortDevice
{
    /// <summary>Ports that it takes.</summary>
    public const int Length = 4;

    private const ulong Frequency = 3_579_545;
    private const uint CounterMask = 0xFF_FFFF;
    private const int HighestBit = 23;

    private readonly VirtualClock _clock;

    /// <summary>Makes the timer.</summary>
    /// <param name="clock">What it counts.</param>
    public PmTimer(VirtualClock clock) => _clock = clock;

    private uint Counter => (uint)Ticks(_clock.Now) & CounterMask;

    /// <summary>How often the counter's highest bit has changed by a time.</summary>
    /// <param name="now">Nanoseconds since the start.</param>
    /// <returns>Half periods of the counter since the start.</returns>
    internal static ulong HalfPeriods(ulong now) => Ticks(now) >> HighestBit;

    /// <summary>When the counter's highest bit changes for the nth time.</summary>
    /// <param name="number">Half periods of the counter since the start.</param>
    /// <returns>The first nanosecond since the start at which <see cref="HalfPeriods"/> is that number.</returns>
    internal static ulong TimeOfHalfPeriod(ulong number)
    {
        var (seconds, rest) = Math.DivRem(number << HighestBit, Frequency);
        return (seconds * VirtualClock.NanosecondsPerSecond) + (((rest * VirtualClock.NanosecondsPerSecond) + Frequency - 1) / Frequency);
    }

    /// <summary>Whole seconds apart from the rest, so that 64 bits do for a century and more.</summary>
    private static ulong Ticks(ulong now)
    {
        var (seconds, rest) = Math.DivRem(now, VirtualClock.NanosecondsPerSecond);
        return (seconds * Frequency) + (rest * Frequency / VirtualClock.NanosecondsPerSecond);
    }

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => (Counter >> (8 * (port & 3))) & (uint.MaxValue >> (32 - (8 * size)));

    /// <summary>Does nothing: the register is read-only.</summary>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="value">The value.</param>
    public void Write(ushort port, int size, uint value)
    {
    }
}
