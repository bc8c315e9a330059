using Emu.Cpu.Snapshots;
using Emu.Machine.Recording;

namespace Emu.Machine.Time;

/// <summary>
/// The only clock of the machine. One retired instruction is one nanosecond; while every vCPU idles, time jumps ("warps") to the next
/// deadline. Host time has no way in.
/// </summary>
/// <remarks>
/// Timers fire in the order of their deadlines, equal ones in the order in which they were armed: the order of events is a function
/// of what the guest did and of nothing else.
/// </remarks>
public sealed class VirtualClock : IStateful
{
    /// <summary>Nanoseconds in a second.</summary>
    public const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>
    /// What is due later, 146 years from the start, never happens. So a guest that asks for the end of time and idles until then
    /// cannot make the clock wrap.
    /// </summary>
    public const ulong Horizon = 1UL << 62;

    private readonly List<VirtualTimer> _armed = [];
    private readonly IInstructionCounter _counter;
    private ulong _offset;
    private ulong _armings;

    /// <summary>Starts a clock at 0 ns.</summary>
    /// <param name="counter">Counts the instructions that drive it.</param>
    public VirtualClock(IInstructionCounter counter)
    {
        _counter = counter;
        _offset = 0 - counter.InstructionsRetired;
    }

    /// <summary>Virtual time in nanoseconds since the machine started: exact even in the middle of a run.</summary>
    public ulong Now => _counter.InstructionsRetired + _offset;

    /// <summary>How many timers have fired since the machine started.</summary>
    public ulong Expirations { get; private set; }

    /// <summary>The place in the run.</summary>
    public InputPosition Position => new(Now, _counter.InstructionsRetired, Expirations);

    /// <summary>The earliest deadline, in nanoseconds since the start; null where no timer is armed.</summary>
    public ulong? NextDeadline => _armed.Count == 0 ? null : _armed[0].Deadline;

    /// <summary>Makes a timer, disarmed.</summary>
    /// <param name="name">What it is for, in a few words.</param>
    /// <param name="expired">Called when it fires, with its deadline.</param>
    /// <returns>The timer.</returns>
    public VirtualTimer CreateTimer(string name, Action<ulong> expired) => new(this, name, expired);

    /// <summary>The instruction count at which a time is reached.</summary>
    /// <param name="time">Nanoseconds since the start; the past counts as now.</param>
    /// <returns>Instructions since reset, of all vCPUs together.</returns>
    public ulong InstructionCountAt(ulong time)
    {
        var retired = _counter.InstructionsRetired;
        var now = retired + _offset;
        if (time <= now)
            return retired;
        var wait = time - now;
        return wait > ulong.MaxValue - retired ? ulong.MaxValue : retired + wait;
    }

    /// <summary>Lets time pass without instructions.</summary>
    /// <param name="nanoseconds">How much; not beyond the next deadline.</param>
    public void Warp(ulong nanoseconds) => _offset += nanoseconds;

    /// <summary>Fires every timer whose deadline has come.</summary>
    public void FireDue()
    {
        while (_armed.Count != 0 && _armed[0].Deadline <= Now)
        {
            var timer = _armed[0];
            _armed.RemoveAt(0);
            Expirations++;
            timer.Expire();
        }
    }

    /// <summary>Transfers the time, and forgets all timers where it is restored: each comes back with the device that owns it.</summary>
    /// <remarks>What counts instructions comes before, timers come after.</remarks>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("virtual time");
        stream.Transfer(ref _offset);
        stream.Transfer(ref _armings);
        Expirations = stream.Transferred(Expirations);
        // Nothing warps beyond the horizon, and no run lasts another 146 years: so sums of times and spans of time do not wrap.
        stream.Require(Now <= 2 * Horizon, $"{Now} ns are longer than any run");
        if (stream.IsRestoring)
            _armed.Clear();
    }

    internal ulong NextOrder() => _armings++;

    internal void Insert(VirtualTimer timer)
    {
        if (timer.Deadline > Horizon)
            return;
        // Behind all that are due no later: what was armed first fires first.
        var at = _armed.Count;
        while (at > 0 && IsBefore(timer, _armed[at - 1]))
            at--;
        _armed.Insert(at, timer);
    }

    /// <summary>Sees to it that a run under way ends when the timer is due, if it is the next one.</summary>
    internal void LimitRunTo(VirtualTimer timer)
    {
        if (_armed.Count != 0 && _armed[0] == timer)
            _counter.LimitRun(InstructionCountAt(timer.Deadline));
    }

    internal void Remove(VirtualTimer timer)
    {
        // What is due beyond the horizon is not there.
        for (var at = 0; at < _armed.Count; at++)
        {
            if (_armed[at] != timer)
                continue;
            _armed.RemoveAt(at);
            return;
        }
    }

    private static bool IsBefore(VirtualTimer a, VirtualTimer b) =>
        a.Deadline < b.Deadline || (a.Deadline == b.Deadline && a.Order < b.Order);
}
