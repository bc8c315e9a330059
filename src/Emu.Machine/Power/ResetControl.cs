using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// The reset control register of PCI chip sets, port 0xCF9 (Intel PIIX3 data sheet 290550, section 3.1.2): 1 kind of reset,
/// 2 reset on its change from 0 to 1.
/// </summary>
/// <remarks>
/// It lies inside the double word at 0xCF8 that addresses PCI configuration space, and answers to accesses of one byte alone: a guest
/// that looks for PCI devices writes all kinds of double words there. There is no PCI, so the double word itself reads as ones.
/// </remarks>
public sealed class ResetControl : IPortDevice, IStateful
{
    /// <summary>Ports of the double word in which it lies.</summary>
    public const int Length = 4;

    private const byte ResetProcessor = 0x04;

    private readonly IPowerControl _power;
    private byte _value;

    /// <summary>Makes the register.</summary>
    /// <param name="power">What it acts on.</param>
    public ResetControl(IPowerControl power) => _power = power;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => port == AddressMap.ResetControl && size == 1 ? _value : uint.MaxValue >> (32 - (8 * size));

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("reset control");
        stream.Transfer(ref _value);
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port != AddressMap.ResetControl || size != 1)
            return;
        if ((value & ~_value & ResetProcessor) != 0)
            _power.Reset();
        _value = (byte)(value & 0x0E);
    }
}
