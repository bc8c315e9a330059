using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// System control port A, port 0x92 (IBM PS/2 technical reference): 1 A20 gate, 0 fast reset on its change from 0 to 1.
/// Bit 1 reads back the gate's state, whoever has changed it.
/// </summary>
public sealed class SystemControlA : BytePortDevice, IStateful
{
    private const byte A20 = 0x02;

    private readonly IPowerControl _power;
    private readonly A20Gate _a20;
    private byte _value;

    /// <summary>Makes the port.</summary>
    /// <param name="power">What its reset bit acts on.</param>
    /// <param name="a20">What its A20 bit acts on.</param>
    public SystemControlA(IPowerControl power, A20Gate a20)
    {
        _power = power;
        _a20 = a20;
    }

    /// <inheritdoc/>
    public override byte Read(ushort port) => (byte)((_value & ~A20) | (_a20.IsOpen ? A20 : 0));

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("system control port A");
        stream.Transfer(ref _value);
    }

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if ((value & ~_value & 1) != 0)
            _power.Reset();
        _value = value;
        _a20.IsOpen = (value & A20) != 0;
    }
}
