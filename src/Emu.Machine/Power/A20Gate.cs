namespace Emu.Machine.Power;

/// <summary>
/// Address line 20 of a PC. The keyboard controller's output port and system control port A both set it, and both read it: the last write
/// counts, as in QEMU's machines. It is open at first, as the PVH ABI wants it.
/// </summary>
public sealed class A20Gate
{
    private readonly Action<bool>? _changed;
    private bool _isOpen = true;

    /// <summary>Makes an open gate.</summary>
    /// <param name="changed">Is told the new state whenever it changes; null for nobody.</param>
    public A20Gate(Action<bool>? changed = null) => _changed = changed;

    /// <summary>Whether the line works; while it does not, bit 20 of every physical address is zero.</summary>
    public bool IsOpen
    {
        get => _isOpen;
        set
        {
            if (value == _isOpen)
                return;
            _isOpen = value;
            _changed?.Invoke(value);
        }
    }
}
