using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Interrupts;
using Emu.Machine.Time;

namespace Emu.Machine.Timers;

/// <summary>The MC146818A real-time clock (Motorola data sheet, 1984) with a PC's 128 bytes of CMOS RAM.</summary>
/// <remarks>
/// <code>
/// 00 seconds  01 alarm  02 minutes  03 alarm  04 hours  05 alarm  06 weekday  07 day  08 month  09 year  32 century
/// 0A  7 UIP | 6:4 divider (2 = running) | 3:0 periodic rate
/// 0B  7 SET | 6 PIE | 5 AIE | 4 UIE | 3 SQWE | 2 binary | 1 24 hours | 0 DSE (not modelled: the guest's clock is UTC)
/// 0C  7 IRQF | 6 PF | 5 AF | 4 UF           0D  7 valid RAM and time
/// </code>
/// The clock starts at a date that the machine's options give and goes on with virtual time. Where the guest leaves something that
/// is no date in the registers, time stands still.
/// </remarks>
public sealed class RealTimeClock : BytePortDevice, IStateful
{
    /// <summary>An update takes 1984 µs after 244 µs of notice; UIP is set for all of it.</summary>
    private const ulong UpdateInProgress = 2_228_000;
    private const ulong TimeBase = 32_768;
    private const ulong SecondsPerDay = 86_400;

    private const int A = 0x0A;
    private const int B = 0x0B;
    private const int C = 0x0C;
    private const int D = 0x0D;
    private const byte Set = 0x80;
    private const byte PeriodicFlag = 0x40;
    private const byte AlarmFlag = 0x20;
    private const byte UpdateFlag = 0x10;
    private const byte InterruptFlags = PeriodicFlag | AlarmFlag | UpdateFlag;

    private readonly VirtualClock _clock;
    private readonly InterruptLine _interrupt;
    private readonly VirtualTimer _update;
    private readonly VirtualTimer _periodic;
    private readonly byte[] _memory = new byte[128];

    private byte _index;

    /// <summary>When the second changes next, in nanoseconds; meaningful while the divider runs.</summary>
    private ulong _nextUpdate = VirtualClock.NanosecondsPerSecond;

    /// <summary>Periodic events are counted from here: the start of the divider chain.</summary>
    private ulong _chainStart;
    private ulong _periodsSeen;

    /// <summary>Makes a clock.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="interrupt">Its interrupt line.</param>
    /// <param name="start">Date and time at virtual time 0, taken as UTC; fractions of a second are dropped.</param>
    public RealTimeClock(VirtualClock clock, InterruptLine interrupt, DateTimeOffset start)
    {
        _clock = clock;
        _interrupt = interrupt;
        _update = clock.CreateTimer("RTC update", _ => Synchronize());
        _periodic = clock.CreateTimer("RTC periodic", _ => Synchronize());
        _memory[A] = 0x26;
        _memory[B] = 0x02;
        _memory[D] = 0x80;
        StoreTime(RtcTime.FromDate(start.UtcDateTime));
    }

    private bool IsRunning => (_memory[A] & 0x70) == 0x20;

    /// <summary>The periodic rate in nanoseconds, 0 for none (data sheet, table 5, for the 32.768 kHz time base).</summary>
    private ulong PeriodTicks
    {
        get
        {
            var rate = _memory[A] & 0x0F;
            return rate == 0 ? 0 : 1UL << (rate < 3 ? rate + 6 : rate - 1);
        }
    }

    /// <inheritdoc/>
    public override byte Read(ushort port)
    {
        if (port == AddressMap.RealTimeClock)
            return 0xFF; // The index cannot be read.
        Synchronize();
        switch (_index)
        {
            case A:
                return (byte)((_memory[A] & 0x7F) | (IsUpdating ? 0x80 : 0));
            case C:
                var flags = _memory[C];
                _memory[C] = 0;
                _interrupt.Set(false);
                Schedule();
                return flags;
            default:
                return _memory[_index];
        }
    }

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if (port == AddressMap.RealTimeClock)
        {
            _index = (byte)(value & 0x7F); // Bit 7 masks NMI on a PC; there is no source of it here.
            return;
        }

        Synchronize();
        switch (_index)
        {
            case A:
                WriteA((byte)(value & 0x7F));
                break;
            case B:
                // Setting SET also clears UIE.
                _memory[B] = (value & Set) != 0 ? (byte)(value & ~UpdateFlag) : value;
                break;
            case C or D:
                break;
            default:
                _memory[_index] = value;
                break;
        }

        RaiseIfEnabled();
        Schedule();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("real-time clock");
        stream.Transfer(_memory.AsSpan());
        stream.Transfer(ref _index);
        stream.Transfer(ref _nextUpdate);
        stream.Transfer(ref _chainStart);
        stream.Transfer(ref _periodsSeen);
        stream.Require(_index < _memory.Length, $"there is no register {_index}");
        _interrupt.Transfer(stream);
        _update.Transfer(stream);
        _periodic.Transfer(stream);
    }

    private bool IsUpdating =>
        IsRunning && (_memory[B] & Set) == 0 && _nextUpdate - _clock.Now <= UpdateInProgress;

    private void WriteA(byte value)
    {
        var wasRunning = IsRunning;
        var previousPeriod = PeriodTicks;
        _memory[A] = value;
        if (IsRunning && !wasRunning)
        {
            // The divider chain starts afresh; the first update follows half a second later.
            _chainStart = _clock.Now;
            _nextUpdate = _chainStart + (VirtualClock.NanosecondsPerSecond / 2);
            _periodsSeen = 0;
        }

        if (PeriodTicks != previousPeriod)
            _periodsSeen = PeriodsUntil(_clock.Now);
    }

    /// <summary>Brings registers and flags to the present.</summary>
    private void Synchronize()
    {
        if (!IsRunning)
            return;
        var now = _clock.Now;
        var periods = PeriodsUntil(now);
        if (periods != _periodsSeen)
        {
            _periodsSeen = periods;
            _memory[C] |= PeriodicFlag;
        }

        if (now >= _nextUpdate)
        {
            var seconds = ((now - _nextUpdate) / VirtualClock.NanosecondsPerSecond) + 1;
            _nextUpdate += seconds * VirtualClock.NanosecondsPerSecond;
            if ((_memory[B] & Set) == 0)
                Advance(seconds);
        }

        RaiseIfEnabled();
        Schedule();
    }

    private void Advance(ulong seconds)
    {
        _memory[C] |= UpdateFlag;
        var time = RtcTime.Load(_memory, _memory[B]);
        if (!time.IsValid)
            return;
        // A day holds every alarm there is.
        var checkedSeconds = Math.Min(seconds, SecondsPerDay);
        time = time.Add(seconds - checkedSeconds);
        if ((_memory[C] & AlarmFlag) != 0)
        {
            time = time.Add(checkedSeconds);
        }
        else
        {
            for (ulong i = 0; i < checkedSeconds; i++)
            {
                time = time.Add(1);
                if (time.MatchesAlarm(_memory, _memory[B]))
                    _memory[C] |= AlarmFlag;
            }
        }

        StoreTime(time);
    }

    private void StoreTime(RtcTime time) => time.Store(_memory, _memory[B]);

    private ulong PeriodsUntil(ulong now)
    {
        var ticks = PeriodTicks;
        return ticks == 0 || now < _chainStart ? 0 : (ulong)((UInt128)(now - _chainStart) * TimeBase / (VirtualClock.NanosecondsPerSecond * ticks));
    }

    private void RaiseIfEnabled()
    {
        if ((_memory[C] & _memory[B] & InterruptFlags) == 0)
            return;
        _memory[C] |= 0x80;
        _interrupt.Set(true);
    }

    /// <summary>Timers run only for interrupts that are enabled and not yet raised; everything else is computed when somebody looks.</summary>
    private void Schedule()
    {
        var missing = _memory[B] & ~_memory[C];
        if (IsRunning && (_memory[B] & Set) == 0 && (missing & (AlarmFlag | UpdateFlag)) != 0)
            _update.Arm(_nextUpdate);
        else
            _update.Disarm();
        if (IsRunning && PeriodTicks != 0 && (missing & PeriodicFlag) != 0)
            _periodic.Arm(_chainStart + PeriodEnd(_periodsSeen + 1));
        else
            _periodic.Disarm();
    }

    private ulong PeriodEnd(ulong period) =>
        (ulong)((((UInt128)period * PeriodTicks * VirtualClock.NanosecondsPerSecond) + TimeBase - 1) / TimeBase);
}
