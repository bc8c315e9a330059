using Emu.Machine.Buses;
using Emu.Machine.Time;

namespace Emu.Machine.Timers;

/// <summary>ACPI's power management timer (ACPI 6.5, section 4.8.2.1): a counter of 24 bits at 3.579545 MHz that nothing stops.</summary>
public sealed class PmTimer : BytePortDevice
{
    /// <summary>Ports that it takes.</summary>
    public const int Length = 4;

    private const ulong Frequency = 3_579_545;
    private const uint CounterMask = 0xFF_FFFF;

    private readonly VirtualClock _clock;

    /// <summary>Makes the timer.</summary>
    /// <param name="clock">What it counts.</param>
    public PmTimer(VirtualClock clock) => _clock = clock;

    private uint Counter => (uint)((UInt128)_clock.Now * Frequency / VirtualClock.NanosecondsPerSecond) & CounterMask;

    /// <inheritdoc/>
    public override byte Read(ushort port) => (byte)(Counter >> (8 * (port & 3)));

    /// <summary>Does nothing: the register is read-only.</summary>
    /// <param name="port">The port.</param>
    /// <param name="value">The value.</param>
    public override void Write(ushort port, byte value)
    {
    }
}
