using Emu.Cpu.Snapshots;

namespace Emu.Machine.Time;

/// <summary>One deadline in virtual time; a device owns as many as it has independent things to wait for.</summary>
public sealed class VirtualTimer : IStateful
{
    private readonly VirtualClock _clock;
    private readonly Action<ulong> _expired;

    internal VirtualTimer(VirtualClock clock, string name, Action<ulong> expired)
    {
        _clock = clock;
        Name = name;
        _expired = expired;
    }

    /// <summary>What it is for.</summary>
    public string Name { get; }

    /// <summary>True while it waits.</summary>
    public bool IsArmed { get; private set; }

    /// <summary>When it fires or last fired, in nanoseconds since the start.</summary>
    public ulong Deadline { get; private set; }

    /// <summary>How many timers were armed before this one: which of two fires first that are due at the same time.</summary>
    internal ulong Order { get; private set; }

    /// <summary>Waits for a time, instead of what it waited for before. A time in the past fires after the current instruction.</summary>
    /// <param name="deadline">Nanoseconds since the start.</param>
    public void Arm(ulong deadline)
    {
        if (IsArmed)
            _clock.Remove(this);
        IsArmed = true;
        Deadline = deadline;
        Order = _clock.NextOrder();
        _clock.Insert(this);
        _clock.LimitRunTo(this);
    }

    /// <summary>Stops waiting.</summary>
    public void Disarm()
    {
        if (!IsArmed)
            return;
        IsArmed = false;
        _clock.Remove(this);
    }

    /// <summary>Transfers what it waits for; the clock, which forgets all timers where state is restored, comes before.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section(Name);
        IsArmed = stream.Transferred(IsArmed);
        Deadline = stream.Transferred(Deadline);
        Order = stream.Transferred(Order);
        if (stream.IsRestoring && IsArmed)
            _clock.Insert(this);
    }

    internal void Expire()
    {
        IsArmed = false;
        _expired(Deadline);
    }
}
