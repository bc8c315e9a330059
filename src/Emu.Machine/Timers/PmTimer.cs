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

    private readonly VirtualClock _clock;

    /// <summary>Makes the timer.</summary>
    /// <param name="clock">What it counts.</param>
    public PmTimer(VirtualClock clock) => _clock = clock;

    private uint Counter
    {
        get
        {
            // Whole seconds apart from the rest, so that 64 bits do for a century and more.
            var (seconds, rest) = Math.DivRem(_clock.Now, VirtualClock.NanosecondsPerSecond);
            return (uint)((seconds * Frequency) + (rest * Frequency / VirtualClock.NanosecondsPerSecond)) & CounterMask;
        }
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
