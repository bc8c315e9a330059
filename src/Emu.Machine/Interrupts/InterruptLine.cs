using Emu.Cpu.Snapshots;

namespace Emu.Machine.Interrupts;

/// <summary>A wire from a device to interrupt controllers. It carries a level; who listens decides about edges.</summary>
public sealed class InterruptLine : IStateful
{
    private readonly Action<bool> _changed;

    /// <summary>Makes a wire that is low.</summary>
    /// <param name="changed">Called with the new level on every change.</param>
    public InterruptLine(Action<bool> changed) => _changed = changed;

    /// <summary>True while the line is high.</summary>
    public bool IsHigh { get; private set; }

    /// <summary>Drives the line.</summary>
    /// <param name="high">The level.</param>
    public void Set(bool high)
    {
        if (IsHigh == high)
            return;
        IsHigh = high;
        _changed(high);
    }

    /// <summary>Transfers the level; who listens has state of its own, and hears nothing.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        IsHigh = stream.Transferred(IsHigh);
    }
}
