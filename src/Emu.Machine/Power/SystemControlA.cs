using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// System control port A, port 0x92 (IBM PS/2 technical reference): 1 A20 gate, 0 fast reset on its change from 0 to 1.
/// A20 is always on, as the PVH ABI wants it: bit 1 can be written and read, but has no effect.
/// </summary>
public sealed class SystemControlA : BytePortDevice
{
    private readonly IPowerControl _power;
    private byte _value = 0x02;

    /// <summary>Makes the port.</summary>
    /// <param name="power">What it acts on.</param>
    public SystemControlA(IPowerControl power) => _power = power;

    /// <inheritdoc/>
    public override byte Read(ushort port) => _value;

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if ((value & ~_value & 1) != 0)
            _power.Reset();
        _value = value;
    }
}
