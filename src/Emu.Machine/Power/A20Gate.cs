using Emu.Cpu.Snapshots;

namespace Emu.Machine.Power;

/// <summary>
/// The gate of address line 20, which the keyboard controller's output port and system control port A both work (IBM PS/2 technical
/// reference): closed, it makes the second mebibyte look like the first, as on an 8086. It is open when the machine starts, as the PVH ABI
/// wants it.
/// </summary>
/// <param name="changed">Takes the gate's new state to the processors.</param>
public sealed class A20Gate(Action<bool> changed) : IStateful
{
    private bool _isOpen = true;

    /// <summary>True where addresses reach memory as they are.</summary>
    public bool IsOpen
    {
        get => _isOpen;
        set
        {
            if (value == _isOpen)
                return;
            _isOpen = value;
            changed(value);
        }
    }

    /// <summary>Transfers the gate's state; the processors have their own, and hear nothing.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("A20 gate");
        stream.Transfer(ref _isOpen);
    }
}
