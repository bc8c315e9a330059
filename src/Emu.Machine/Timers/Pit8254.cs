using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Interrupts;
using Emu.Machine.Time;

namespace Emu.Machine.Timers;

/// <summary>
/// The 8254 programmable interval timer (Intel data sheet 231164) and system control port B, which gates and shows channel 2.
/// </summary>
/// <remarks>
/// <code>
/// 0x40-0x42  counters 0 (interrupt 0), 1 (refresh), 2 (speaker)
/// 0x43       control word: 7:6 counter, 3 = read-back | 5:4 access, 0 = latch | 3:1 mode | 0 BCD
///            read-back:    5 = 0 latch count | 4 = 0 latch status | 3:1 counters
/// 0x61       7 SERR# | 6 IOCHK# | 5 OUT 2 | 4 refresh toggle | 3:2 disable checks | 1 speaker data | 0 GATE 2
/// </code>
/// </remarks>
public sealed class Pit8254 : BytePortDevice, IStateful
{
    /// <summary>Refresh requests come every 15.085 µs: 18 ticks of the timer's clock.</summary>
    private const ulong RefreshPeriod = 15_085;

    private readonly VirtualClock _clock;
    private readonly InterruptLine _interrupt;
    private readonly PitChannel[] _channels;
    private byte _systemControl;

    /// <summary>Makes a timer without counts.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="interrupt">Follows OUT 0.</param>
    public Pit8254(VirtualClock clock, InterruptLine interrupt)
    {
        _clock = clock;
        _interrupt = interrupt;
        _channels =
        [
            new PitChannel(clock, gate: true, interrupt.Set),
            new PitChannel(clock, gate: true, null),
            new PitChannel(clock, gate: false, null),
        ];
    }

    /// <inheritdoc/>
    public override byte Read(ushort port)
    {
        if (port == AddressMap.SystemControlB)
        {
            var refresh = _clock.Now / RefreshPeriod % 2 != 0;
            return (byte)(_systemControl | (_channels[2].Output ? 0x20 : 0) | (refresh ? 0x10 : 0));
        }

        var channel = port - AddressMap.IntervalTimer;
        // The control word cannot be read.
        return channel == 3 ? (byte)0xFF : _channels[channel].Read();
    }

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if (port == AddressMap.SystemControlB)
        {
            _systemControl = (byte)(value & 0x0F);
            _channels[2].Gate = (value & 1) != 0;
            return;
        }

        var channel = port - AddressMap.IntervalTimer;
        if (channel != 3)
            _channels[channel].Write(value);
        else if (value >> 6 == 3)
            ReadBack(value);
        else if ((value & 0x30) == 0)
            _channels[value >> 6].LatchCount();
        else
            _channels[value >> 6].WriteControl(value);
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("8254");
        stream.Transfer(ref _systemControl);
        foreach (var channel in _channels)
            channel.Transfer(stream);
        _interrupt.Transfer(stream);
    }

    private void ReadBack(byte command)
    {
        for (var i = 0; i < 3; i++)
        {
            if ((command & (2 << i)) == 0)
                continue;
            if ((command & 0x20) == 0)
                _channels[i].LatchCount();
            if ((command & 0x10) == 0)
                _channels[i].LatchStatus();
        }
    }
}
