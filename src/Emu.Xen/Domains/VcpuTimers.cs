using Emu.Cpu.Snapshots;
using Emu.Xen.EventChannels;
using Emu.Xen.Tracing;

namespace Emu.Xen.Domains;

/// <summary>The timers of a vCPU (xen/common/schedule: singleshot, periodic, poll). The first two raise VIRQ_TIMER.</summary>
public sealed class VcpuTimers : IStateful
{
    /// <summary>The shortest period: 1 ms, in nanoseconds.</summary>
    public const ulong ShortestPeriod = 1_000_000;

    /// <summary>The longest period, in nanoseconds.</summary>
    internal const ulong LongestPeriod = ulong.MaxValue >> 2;

    private readonly IXenHost _host;
    private readonly DomainVcpu _vcpu;
    private readonly IXenTimer _singleshot;
    private readonly IXenTimer _periodic;
    private readonly IXenTimer _poll;
    private ulong _period;

    // When the periodic timer ticked last, with whatever period; Xen goes on from there when the guest sets a new one.
    private ulong _lastTick;

    internal VcpuTimers(IXenHost host, DomainVcpu vcpu)
    {
        _host = host;
        _vcpu = vcpu;
        _singleshot = host.CreateTimer($"vCPU {vcpu.Id} single-shot", () => RaiseTimer(VcpuTimer.Singleshot));
        _periodic = host.CreateTimer($"vCPU {vcpu.Id} periodic", Tick);
        _poll = host.CreateTimer($"vCPU {vcpu.Id} poll", EndPoll);
    }

    /// <summary>Raises VIRQ_TIMER at a time; one in the past comes at once.</summary>
    /// <param name="deadline">Nanoseconds since the domain started.</param>
    public void StartSingleshot(ulong deadline)
    {
        if (deadline >= _host.Now)
        {
            _singleshot.Arm(deadline);
            return;
        }

        _singleshot.Disarm();
        RaiseTimer(VcpuTimer.Singleshot);
    }

    /// <summary>Forgets <see cref="StartSingleshot"/>.</summary>
    public void StopSingleshot() => _singleshot.Disarm();

    /// <summary>Raises VIRQ_TIMER again and again: one period after it ticked last, even if that was long ago.</summary>
    /// <param name="period">Nanoseconds, <see cref="ShortestPeriod"/> at least.</param>
    public void StartPeriodic(ulong period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(period, ShortestPeriod);
        _period = period;
        Tick();
    }

    /// <summary>Forgets <see cref="StartPeriodic"/>.</summary>
    public void StopPeriodic() => _periodic.Disarm();

    /// <summary>Ends SCHEDOP_poll at a time.</summary>
    internal void StartPoll(ulong deadline) => _poll.Arm(deadline);

    internal void StopPoll() => _poll.Disarm();

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("vCPU's timers");
        stream.Transfer(ref _period);
        stream.Transfer(ref _lastTick);
        foreach (var timer in (ReadOnlySpan<IXenTimer>)[_singleshot, _periodic, _poll])
            timer.Transfer(stream);
        // With a period of nothing it would tick without time going on.
        stream.Require(_period is >= ShortestPeriod and <= LongestPeriod || (_period == 0 && !_periodic.IsArmed), "a period cannot be");
    }

    private void Tick()
    {
        var now = _host.Now;
        if (now >= _lastTick + _period)
        {
            _lastTick = now;
            RaiseTimer(VcpuTimer.Periodic);
        }

        _periodic.Arm(_lastTick + _period);
    }

    private void EndPoll()
    {
        _vcpu.NoteExpired(VcpuTimer.Poll);
        _vcpu.Unblock();
    }

    private void RaiseTimer(VcpuTimer timer)
    {
        _vcpu.NoteExpired(timer);
        _vcpu.RaiseVirtualInterrupt(VirtualInterrupt.Timer);
    }
}
