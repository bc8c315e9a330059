using Emu.Cpu.Snapshots;
using Emu.Machine.Time;

namespace Emu.Machine.Interrupts;

/// <summary>
/// The local APIC's timer (SDM Vol. 3, section 11.5.4): counts down at 1 GHz through a divider, once or periodically, or waits for a
/// time-stamp. The current count is computed when somebody looks.
/// </summary>
internal sealed class LocalApicTimer : IStateful
{
    private const int OneShot = 0;
    private const int Periodic = 1;
    private const int TscDeadline = 2;

    /// <summary>How late a timer can be, in nanoseconds: a run ends at each deadline, give or take an instruction's events.</summary>
    private const ulong LongestDelay = 1000;

    private readonly VirtualClock _clock;
    private readonly ILocalApicHost _host;
    private readonly Action _expired;
    private readonly VirtualTimer _timer;

    private int _mode;
    private uint _initialCount;
    private uint _divideConfiguration;
    private ulong _start;
    private ulong _deadline;

    public LocalApicTimer(VirtualClock clock, ILocalApicHost host, Action expired)
    {
        _clock = clock;
        _host = host;
        _expired = expired;
        _timer = clock.CreateTimer("local APIC timer", Expired);
    }

    /// <summary>LVT timer bits 18:17: 0 one-shot, 1 periodic, 2 TSC deadline. Entering or leaving the last stops the timer.</summary>
    public int Mode
    {
        get => _mode;
        set
        {
            if (_mode == value)
                return;
            // Between one-shot and periodic the count goes on; only what happens at its end changes.
            if (_mode == TscDeadline || value == TscDeadline)
                Stop();
            _mode = value;
        }
    }

    /// <summary>Divide configuration register, bits 3, 1 and 0.</summary>
    public uint DivideConfiguration
    {
        get => _divideConfiguration;
        set
        {
            var count = CurrentCount;
            _divideConfiguration = value & 0xB;
            if (!_timer.IsArmed || _mode == TscDeadline)
                return;
            _start = _clock.Now - ((ulong)(_initialCount - count) * Divisor);
            _timer.Arm(_start + ((ulong)_initialCount * Divisor));
        }
    }

    /// <summary>Initial count register. A write starts the countdown, 0 stops it; in TSC-deadline mode it is ignored.</summary>
    public uint InitialCount
    {
        get => _initialCount;
        set
        {
            if (_mode == TscDeadline)
                return;
            _initialCount = value;
            if (value == 0)
            {
                _timer.Disarm();
                return;
            }

            _start = _clock.Now;
            _timer.Arm(_start + ((ulong)value * Divisor));
        }
    }

    /// <summary>Current count register.</summary>
    public uint CurrentCount
    {
        get
        {
            if (!_timer.IsArmed || _mode == TscDeadline)
                return 0;
            var elapsed = (_clock.Now - _start) / Divisor;
            return elapsed >= _initialCount ? 0 : _initialCount - (uint)elapsed;
        }
    }

    /// <summary>IA32_TSC_DEADLINE: 0 where nothing is awaited. Ignored outside TSC-deadline mode.</summary>
    public ulong Deadline
    {
        get => _deadline;
        set
        {
            if (_mode != TscDeadline)
                return;
            _deadline = value;
            if (value == 0)
                _timer.Disarm();
            else
                _timer.Arm(TimeOf(value));
        }
    }

    private ulong Divisor
    {
        get
        {
            var code = (_divideConfiguration & 3) | ((_divideConfiguration >> 1) & 4);
            return code == 7 ? 1UL : 2UL << (int)code;
        }
    }

    /// <summary>The time-stamp counter was set: a deadline comes sooner or later than it would have.</summary>
    public void TimeStampChanged()
    {
        if (_timer.IsArmed && _mode == TscDeadline)
            _timer.Arm(TimeOf(_deadline));
    }

    /// <summary>Stops and forgets everything but the divider.</summary>
    public void Stop()
    {
        _timer.Disarm();
        _initialCount = 0;
        _deadline = 0;
    }

    /// <summary>Returns to the reset state.</summary>
    public void Reset()
    {
        Stop();
        _mode = OneShot;
        _divideConfiguration = 0;
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _mode);
        stream.Transfer(ref _initialCount);
        stream.Transfer(ref _divideConfiguration);
        stream.Transfer(ref _start);
        stream.Transfer(ref _deadline);
        _timer.Transfer(stream);
        // Each period ends when it is over: they cannot have been left to add up, nor be without length.
        stream.Require(
            !_timer.IsArmed || _mode != Periodic || (_initialCount != 0 && _timer.Deadline + LongestDelay >= _clock.Now),
            "the timer's periods have not been counted");
    }

    private void Expired(ulong deadline)
    {
        switch (_mode)
        {
            case Periodic:
                _start = deadline;
                _timer.Arm(deadline + ((ulong)_initialCount * Divisor));
                break;
            case TscDeadline:
                _deadline = 0;
                break;
        }

        _expired();
    }

    private ulong TimeOf(ulong timeStamp)
    {
        var now = _clock.Now;
        var current = _host.TimeStamp;
        if (timeStamp <= current)
            return now;
        var wait = timeStamp - current;
        return wait > ulong.MaxValue - now ? ulong.MaxValue : now + wait;
    }
}
