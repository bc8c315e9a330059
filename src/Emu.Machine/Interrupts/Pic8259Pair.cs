using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.Interrupts;

/// <summary>The two 8259A of a PC: the second one's INT is the first one's input 2. ISA interrupts 0–15.</summary>
public sealed class Pic8259Pair : BytePortDevice, IStateful
{
    private const int CascadeInput = 2;

    private readonly Pic8259 _master;
    private readonly Pic8259 _slave;

    /// <summary>Makes the pair.</summary>
    /// <param name="outputChanged">Called with the new level of the first chip's INT on every change.</param>
    public Pic8259Pair(Action<bool> outputChanged)
    {
        _master = new Pic8259(isMaster: true, outputChanged);
        _slave = new Pic8259(isMaster: false, high => _master.SetInput(CascadeInput, high));
    }

    /// <summary>INT: an interrupt waits to be acknowledged.</summary>
    public bool Output => _master.Output;

    /// <summary>Drives an ISA interrupt line.</summary>
    /// <param name="irq">0–15, not 2.</param>
    /// <param name="high">The level.</param>
    public void SetIrq(int irq, bool high)
    {
        if (irq < 8)
            _master.SetInput(irq, high);
        else
            _slave.SetInput(irq - 8, high);
    }

    /// <summary>The interrupt-acknowledge cycle.</summary>
    /// <returns>The vector; a spurious interrupt has that of input 7.</returns>
    public byte Acknowledge()
    {
        var input = _master.Acknowledge();
        return input == CascadeInput ? _slave.VectorOf(_slave.Acknowledge()) : _master.VectorOf(input);
    }

    /// <inheritdoc/>
    public override byte Read(ushort port) => port switch
    {
        AddressMap.EdgeLevelControl => _master.EdgeLevelControl,
        AddressMap.EdgeLevelControl + 1 => _slave.EdgeLevelControl,
        _ => Chip(port).Read((port & 1) != 0),
    };

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        switch (port)
        {
            case AddressMap.EdgeLevelControl:
                _master.EdgeLevelControl = value;
                break;
            case AddressMap.EdgeLevelControl + 1:
                _slave.EdgeLevelControl = value;
                break;
            default:
                Chip(port).Write((port & 1) != 0, value);
                break;
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("8259A");
        _master.Transfer(stream);
        _slave.Transfer(stream);
    }

    private Pic8259 Chip(ushort port) => port < AddressMap.SlavePic ? _master : _slave;
}
