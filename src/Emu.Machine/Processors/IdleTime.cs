using System.Diagnostics;
using Emu.Cpu.Snapshots;
using Emu.Machine.Interrupts;
using Emu.Machine.Time;

namespace Emu.Machine.Processors;

/// <summary>
/// What happens while every vCPU waits: virtual time jumps to the next deadline, or, where a human types, passes as host time does.
/// </summary>
internal sealed class IdleTime : IStateful
{
    /// <summary>The longest wait in host time before cancellation is looked at.</summary>
    private const ulong LongestWait = 100_000_000;

    /// <summary>Idle time shorter than this is not worth a wait in host time; it is added up.</summary>
    private const ulong ShortestWait = 1_000_000;

    private readonly VirtualClock _clock;
    private readonly VcpuScheduler _scheduler;
    private readonly IoApic? _ioApic;
    private readonly ExternalInputs _input;
    private ulong _unpacedIdle;

    /// <summary>Watches over a machine.</summary>
    /// <param name="clock">Its time.</param>
    /// <param name="scheduler">Its vCPUs.</param>
    /// <param name="ioApic">What could send an NMI, or null.</param>
    /// <param name="input">Its inputs.</param>
    public IdleTime(VirtualClock clock, VcpuScheduler scheduler, IoApic? ioApic, ExternalInputs input)
    {
        _clock = clock;
        _scheduler = scheduler;
        _ioApic = ioApic;
        _input = input;
    }

    /// <summary>Lets time pass up to the next event.</summary>
    /// <param name="latest">Time does not go beyond this: nanoseconds since the start.</param>
    /// <returns>False where there will never be one.</returns>
    public bool TryPass(ulong latest)
    {
        // Input that has just come may have ended somebody's wait.
        if (IsAnyRunnable())
            return true;
        if (!CanAnyWake())
            return false;
        if (_input.IsReplay)
            return TryPassToInput(latest);
        if (_input.IsAwaited)
        {
            WaitForInput(_clock.NextDeadline is { } next ? next - _clock.Now : LongestWait, _clock.NextDeadline is not null);
            return true;
        }

        if (_clock.NextDeadline is not { } deadline)
            return false;
        Warp(Math.Max(Math.Min(deadline, latest), _clock.Now) - _clock.Now);
        return true;
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Section("idle time");
        stream.Transfer(ref _unpacedIdle);
        stream.Require(_unpacedIdle < ShortestWait, $"{_unpacedIdle} ns would have been waited for");
    }

    private bool IsAnyRunnable()
    {
        foreach (var processor in _scheduler.Processors)
        {
            if (processor.IsRunnable)
                return true;
        }

        return false;
    }

    /// <summary>Where input is played back, its time is known: nobody waits. It is looked at, as after a wait, before timers that are due then.</summary>
    private bool TryPassToInput(ulong latest)
    {
        var next = Math.Min(_clock.NextDeadline ?? ulong.MaxValue, _input.NextStop);
        if (next == ulong.MaxValue)
            return false;
        Warp(Math.Max(Math.Min(next, latest), _clock.Now) - _clock.Now);
        _input.Poll();
        return true;
    }

    private bool CanAnyWake()
    {
        if (_ioApic?.CanSendUnmaskable == true)
            return true;
        foreach (var processor in _scheduler.Processors)
        {
            if (processor.CanWake)
                return true;
        }

        return false;
    }

    /// <summary>Idle at a human's pace: virtual time passes as host time does, until input comes or the next event is due.</summary>
    private void WaitForInput(ulong idle, bool warps)
    {
        idle = Math.Min(idle, LongestWait);
        _unpacedIdle += idle;
        if (_unpacedIdle < ShortestWait)
        {
            Warp(idle);
            return;
        }

        var started = Stopwatch.GetTimestamp();
        var hasInput = _input.Wait(TimeSpan.FromTicks((long)(_unpacedIdle / 100)));
        _unpacedIdle = 0;
        if (warps)
            Warp(hasInput ? Math.Min(idle, (ulong)Stopwatch.GetElapsedTime(started).Ticks * 100) : idle);
        _input.Poll();
    }

    /// <summary>The time-stamp counter of the vCPU that has the turn goes by its instructions; the others' follow when they are given it.</summary>
    private void Warp(ulong nanoseconds)
    {
        _clock.Warp(nanoseconds);
        _scheduler.Current.Vcpu.AdvanceTimeStamp(nanoseconds);
    }
}
