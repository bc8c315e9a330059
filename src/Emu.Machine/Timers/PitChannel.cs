using Emu.Cpu.Snapshots;
using Emu.Machine.Time;

namespace Emu.Machine.Timers;

/// <summary>
/// One counter of an 8254 (Intel data sheet 231164): nothing is counted, everything is computed from the tick at which the counting
/// element was loaded.
/// </summary>
/// <remarks>
/// Ticks are periods of the 1.193182 MHz clock since the machine started. A count is loaded with the tick after the write that
/// completes it or, in modes 1 and 5, after the rising gate.
/// </remarks>
internal sealed class PitChannel : IStateful
{
    private const ulong Frequency = 1_193_182;
    private const uint LargestCount = 0x1_0000;

    private readonly VirtualClock _clock;
    private readonly VirtualTimer? _timer;
    private readonly Action<bool>? _outputChanged;

    private int _mode;
    private int _access = 3;
    private bool _isBcd;
    private bool _gate;

    /// <summary>The counting element was loaded with <see cref="_count"/> at tick <see cref="_loaded"/>, where <see cref="_isLoaded"/>.</summary>
    private bool _isLoaded;
    private ulong _loaded;
    private uint _count = LargestCount;

    /// <summary>A count that waits for the end of the period (modes 2 and 3) or for the gate (modes 1 and 5).</summary>
    private uint? _pendingCount;

    /// <summary>Modes 2 and 3: the tick at which the pending count takes over.</summary>
    private ulong _takeOver;

    /// <summary>Ticks counted before the gate closed or a first byte was written (modes 0 and 4: counting is suspended).</summary>
    private ulong? _suspendedAfter;
    private bool _waitsForSecondByte;
    private byte _firstByte;

    private bool _readsHighNext;
    private ushort? _latchedCount;
    private bool _latchedHighNext;
    private byte? _latchedStatus;
    private bool _reportedOutput;

    /// <summary>Makes a counter as the data sheet leaves it undefined: mode 0 without a count.</summary>
    /// <param name="clock">Virtual time.</param>
    /// <param name="gate">The initial level of GATE.</param>
    /// <param name="outputChanged">Called on every change of OUT; null where OUT is only ever looked at.</param>
    public PitChannel(VirtualClock clock, bool gate, Action<bool>? outputChanged)
    {
        _clock = clock;
        _gate = gate;
        _outputChanged = outputChanged;
        if (outputChanged is not null)
            _timer = clock.CreateTimer("8254 output", _ => ReportOutput());
    }

    /// <summary>OUT.</summary>
    public bool Output => OutputAt(Now());

    /// <summary>GATE.</summary>
    public bool Gate
    {
        get => _gate;
        set => SetGate(value);
    }

    /// <summary>Ticks since the machine started.</summary>
    private ulong Now()
    {
        var now = _clock.Now;
        var tick = (now / VirtualClock.NanosecondsPerSecond * Frequency)
            + (now % VirtualClock.NanosecondsPerSecond * Frequency / VirtualClock.NanosecondsPerSecond);
        ApplyPendingCount(tick);
        return tick;
    }

    /// <summary>The first nanosecond of a tick.</summary>
    private static ulong TimeOf(ulong tick) =>
        (tick / Frequency * VirtualClock.NanosecondsPerSecond)
        + (((tick % Frequency * VirtualClock.NanosecondsPerSecond) + Frequency - 1) / Frequency);

    /// <summary>A control word: mode, access and BCD; counting stops until a count is written.</summary>
    /// <param name="value">Bits 5:4 access (1 low, 2 high, 3 both), 3:1 mode, 0 BCD.</param>
    public void WriteControl(byte value)
    {
        _access = (value >> 4) & 3;
        _mode = (value >> 1) & 7;
        if (_mode > 5)
            _mode -= 4; // Modes 2 and 3: the high mode bit is not decoded.
        _isBcd = (value & 1) != 0;
        _isLoaded = false;
        _pendingCount = null;
        _suspendedAfter = null;
        _waitsForSecondByte = false;
        _readsHighNext = false;
        _latchedCount = null;
        _latchedStatus = null;
        ReportOutput();
    }

    /// <summary>Counter-latch command: the count stays readable until it has been read.</summary>
    public void LatchCount()
    {
        if (_latchedCount is not null)
            return;
        _latchedCount = CountAt(Now());
        _latchedHighNext = false;
    }

    /// <summary>Latches the status: OUT, null count, access, mode, BCD.</summary>
    public void LatchStatus()
    {
        var now = Now();
        _latchedStatus ??= (byte)((OutputAt(now) ? 0x80 : 0) | (IsNullCount(now) ? 0x40 : 0) | (_access << 4) | (_mode << 1) | (_isBcd ? 1 : 0));
    }

    /// <summary>Reads a byte: latched status first, then the latched or running count as the access mode says.</summary>
    public byte Read()
    {
        if (_latchedStatus is { } status)
        {
            _latchedStatus = null;
            return status;
        }

        if (_latchedCount is { } latched)
        {
            var high = _access == 2 || (_access == 3 && _latchedHighNext);
            if (_access != 3 || high)
                _latchedCount = null;
            else
                _latchedHighNext = true;
            return (byte)(high ? latched >> 8 : latched);
        }

        var count = CountAt(Now());
        var readsHigh = _access == 2 || (_access == 3 && _readsHighNext);
        if (_access == 3)
            _readsHighNext = !_readsHighNext;
        return (byte)(readsHigh ? count >> 8 : count);
    }

    /// <summary>Writes a byte of the count.</summary>
    public void Write(byte value)
    {
        switch (_access)
        {
            case 1:
                WriteCount(value);
                break;
            case 2:
                WriteCount((ushort)(value << 8));
                break;
            default:
                if (_waitsForSecondByte)
                {
                    _waitsForSecondByte = false;
                    WriteCount((ushort)((value << 8) | _firstByte));
                }
                else
                {
                    WriteFirstByte(value);
                }

                break;
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Section("8254 counter");
        stream.Transfer(ref _mode);
        stream.Require(_mode is >= 0 and <= 5, $"there is no mode {_mode}");
        stream.Transfer(ref _access);
        stream.Transfer(ref _isBcd);
        stream.Transfer(ref _gate);
        stream.Transfer(ref _isLoaded);
        stream.Transfer(ref _loaded);
        stream.Transfer(ref _count);
        stream.Transfer(ref _pendingCount);
        stream.Require(_count is > 0 and <= LargestCount && _pendingCount is null or > 0 and <= LargestCount, "nothing counts from there");
        stream.Transfer(ref _takeOver);
        stream.Transfer(ref _suspendedAfter);
        stream.Transfer(ref _waitsForSecondByte);
        stream.Transfer(ref _firstByte);
        stream.Transfer(ref _readsHighNext);
        stream.Transfer(ref _latchedCount);
        stream.Transfer(ref _latchedHighNext);
        stream.Transfer(ref _latchedStatus);
        stream.Transfer(ref _reportedOutput);
        _timer?.Transfer(stream);
    }

    private void WriteFirstByte(byte value)
    {
        _firstByte = value;
        _waitsForSecondByte = true;
        // Mode 0: the first byte disables counting and sets OUT low.
        if (_mode != 0)
            return;
        var now = Now();
        if (_isLoaded && _suspendedAfter is null)
            _suspendedAfter = Elapsed(now);
        ReportOutput();
    }

    private void WriteCount(ushort raw)
    {
        var now = Now();
        var count = Decode(raw);
        switch (_mode)
        {
            case 1 or 5:
                _pendingCount = count;
                break;
            case 2 or 3 when _isLoaded && _suspendedAfter is null:
                if (now < _loaded)
                {
                    _count = count;
                    break;
                }

                _pendingCount = count;
                _takeOver = PeriodEnd(now);
                break;
            case 2 or 3 when !_gate:
                _pendingCount = count;
                break;
            default:
                _count = count;
                _loaded = now + 1;
                _isLoaded = true;
                _suspendedAfter = _mode is 0 or 4 && !_gate ? 0 : null;
                break;
        }

        ReportOutput();
    }

    private void SetGate(bool gate)
    {
        if (gate == _gate)
            return;
        var now = Now();
        _gate = gate;
        switch (_mode)
        {
            case 0 or 4 when _isLoaded:
                if (!gate)
                {
                    _suspendedAfter ??= Elapsed(now);
                }
                else if (_suspendedAfter is { } counted && !_waitsForSecondByte)
                {
                    _suspendedAfter = null;
                    _loaded = now - counted;
                }

                break;
            case 1 or 5 when gate && (_isLoaded || _pendingCount is not null):
                Load(now + 1);
                break;
            case 2 or 3 when gate && (_isLoaded || _pendingCount is not null):
                _suspendedAfter = null;
                Load(now + 1);
                break;
            case 2 or 3 when !gate && _isLoaded:
                _suspendedAfter = Elapsed(now);
                break;
        }

        ReportOutput();
    }

    private void Load(ulong tick)
    {
        _count = _pendingCount ?? _count;
        _pendingCount = null;
        _loaded = tick;
        _isLoaded = true;
    }

    /// <summary>Modes 2 and 3 take a new count over when the period (mode 2) or half period (mode 3) ends.</summary>
    private void ApplyPendingCount(ulong now)
    {
        if (_pendingCount is not { } count || _mode is not (2 or 3) || !_isLoaded || _suspendedAfter is not null || now < _loaded)
            return;
        var boundary = _takeOver;
        if (now < boundary)
            return;
        var startsLow = _mode == 3 && (boundary - _loaded) % _count != 0;
        _count = count;
        _pendingCount = null;
        // A half period that starts low continues a period whose high half has just ended.
        _loaded = startsLow ? boundary - HighHalf(count) : boundary;
    }

    private ulong PeriodEnd(ulong now)
    {
        var within = (now - _loaded) % _count;
        var start = now - within;
        return _mode == 3 && within < HighHalf(_count) ? start + HighHalf(_count) : start + _count;
    }

    private static ulong HighHalf(uint count) => (count + 1UL) / 2;

    /// <summary>Ticks since the load; negative loads lie one tick ahead and count as 0.</summary>
    private ulong Elapsed(ulong now) => now > _loaded ? now - _loaded : 0;

    private bool IsNullCount(ulong now) => !_isLoaded || _pendingCount is not null || now < _loaded || _waitsForSecondByte;

    private bool OutputAt(ulong now)
    {
        if (_mode == 0 && _waitsForSecondByte)
            return false;
        if (!_isLoaded || now < _loaded)
            return _mode != 0;
        var elapsed = _suspendedAfter ?? (now - _loaded);
        switch (_mode)
        {
            case 0 or 1:
                return elapsed >= _count;
            case 2:
                return !_gate || elapsed % _count != _count - 1 || _count == 1;
            case 3:
                return !_gate || elapsed % _count < HighHalf(_count);
            default:
                return elapsed != _count;
        }
    }

    /// <summary>The next tick at which OUT may change, or null.</summary>
    private ulong? NextChange(ulong now)
    {
        if (!_isLoaded || _suspendedAfter is not null)
            return null;
        if (now < _loaded)
            return _loaded;
        var elapsed = now - _loaded;
        switch (_mode)
        {
            case 0 or 1:
                return elapsed < _count ? _loaded + _count : null;
            case 2:
                var start = now - (elapsed % _count);
                return elapsed % _count < _count - 1 ? start + _count - 1 : start + _count;
            case 3:
                return PeriodEnd(now);
            default:
                return elapsed < _count ? _loaded + _count : elapsed == _count ? now + 1 : null;
        }
    }

    /// <summary>What the counting element reads as; BCD where that is chosen.</summary>
    private ushort CountAt(ulong now)
    {
        var modulus = _isBcd ? 10_000UL : 0x1_0000UL;
        if (!_isLoaded || now < _loaded)
            return Encode(_count % modulus);
        var elapsed = _suspendedAfter ?? (now - _loaded);
        ulong value;
        switch (_mode)
        {
            case 2:
                value = _count - (elapsed % _count);
                break;
            case 3:
                // Counts by two, twice through each period; an odd count starts each half from the even number below it.
                var within = elapsed % _count;
                var half = within < HighHalf(_count) ? within : within - HighHalf(_count);
                var top = _count & ~1UL;
                value = half * 2 < top ? top - (half * 2) : 0;
                break;
            default:
                value = (_count + modulus - (elapsed % modulus)) % modulus;
                break;
        }

        return Encode(value % modulus);
    }

    private uint Decode(ushort raw)
    {
        if (!_isBcd)
            return raw == 0 ? LargestCount : raw;
        var value = ((raw >> 12) * 1000) + (((raw >> 8) & 15) * 100) + (((raw >> 4) & 15) * 10) + (raw & 15);
        return value == 0 ? 10_000U : (uint)value;
    }

    private ushort Encode(ulong value) => !_isBcd
        ? (ushort)value
        : (ushort)((value / 1000 % 10 << 12) | (value / 100 % 10 << 8) | (value / 10 % 10 << 4) | (value % 10));

    private void ReportOutput()
    {
        if (_outputChanged is null)
            return;
        var now = Now();
        var output = OutputAt(now);
        if (output != _reportedOutput)
        {
            _reportedOutput = output;
            _outputChanged(output);
        }

        if (NextChange(now) is { } next)
            _timer!.Arm(TimeOf(next));
        else
            _timer!.Disarm();
    }
}
