using Emu.Cpu.Snapshots;

namespace Emu.Xen.Domains;

/// <summary>The two watchdogs of a domain (SCHEDOP_watchdog, xen/common/sched/core.c): one that runs out ends the domain.</summary>
public sealed class Watchdogs : IStateful
{
    private const int Count = 2;
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly Domain _domain;
    private readonly IXenTimer[] _timers = new IXenTimer[Count];
    private readonly bool[] _inUse = new bool[Count];

    internal Watchdogs(Domain domain)
    {
        _domain = domain;
        for (var i = 0; i < Count; i++)
            _timers[i] = domain.Host.CreateTimer($"watchdog {i + 1}", () => domain.End(ShutdownReason.Watchdog));
    }

    /// <summary>Starts, winds or stops a watchdog.</summary>
    /// <param name="id">1 or 2; 0 for one that is not in use.</param>
    /// <param name="seconds">When it runs out, from now; 0 stops one that is in use, while a new one runs out at once.</param>
    /// <returns>The id of a new one; 0; -EINVAL where it is not in use; -ENOSPC where all are.</returns>
    public long Set(uint id, uint seconds)
    {
        if (id > Count)
            return XenError.Invalid;
        if (id == 0)
        {
            var free = Array.IndexOf(_inUse, false);
            if (free < 0)
                return XenError.NoSpace;
            Start(free, seconds);
            return free + 1;
        }

        var index = (int)id - 1;
        if (!_inUse[index])
            return XenError.Invalid;
        if (seconds == 0)
        {
            _timers[index].Disarm();
            _inUse[index] = false;
        }
        else
        {
            Start(index, seconds);
        }

        return 0;
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("watchdogs");
        stream.Transfer(_inUse.AsSpan());
        foreach (var timer in _timers)
            timer.Transfer(stream);
    }

    private void Start(int index, uint seconds)
    {
        _inUse[index] = true;
        _timers[index].Arm(_domain.Host.Now + (seconds * NanosecondsPerSecond));
    }
}
