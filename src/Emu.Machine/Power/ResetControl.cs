using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// The reset control register of PCI chip sets, port 0xCF9 (Intel PIIX3 data sheet 290550, section 3.1.2): 1 kind of reset,
/// 2 reset on its change from 0 to 1.
/// </summary>
public sealed class ResetControl : BytePortDevice
{
    private const byte ResetProcessor = 0x04;

    private readonly IPowerControl _power;
    private byte _value;

    /// <summary>Makes the register.</summary>
    /// <param name="power">What it acts on.</param>
    public ResetControl(IPowerControl power) => _power = power;

    /// <inheritdoc/>
    public override byte Read(ushort port) => _value;

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if ((value & ~_value & ResetProcessor) != 0)
            _power.Reset();
        _value = (byte)(value & 0x0E);
    }
}
