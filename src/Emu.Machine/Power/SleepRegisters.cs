using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// The sleep control and status registers of hardware-reduced ACPI (ACPI 6.5, section 4.8.3.7) and a reset register (4.8.3.6), as
/// QEMU's microvm places them.
/// </summary>
/// <remarks>
/// <code>
/// 0  sleep control  5 SLP_EN | 4:2 SLP_TYPx, of which 5 is S5
/// 1  sleep status   7 WAK_STS: never set, as only S5 is offered
/// 2  reset          0x42 resets
/// </code>
/// </remarks>
public sealed class SleepRegisters : IMmioDevice
{
    /// <summary>Bytes that the registers take.</summary>
    public const int Length = 3;

    /// <summary>SLP_TYP of S5, soft off.</summary>
    public const byte SoftOff = 5;

    /// <summary>What the reset register wants to be written.</summary>
    public const byte ResetValue = 0x42;

    private const byte SleepEnable = 0x20;

    private readonly IPowerControl _power;

    /// <summary>Makes the registers.</summary>
    /// <param name="power">What they act on.</param>
    public SleepRegisters(IPowerControl power) => _power = power;

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size) => 0;

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        for (var i = 0; i < size; i++)
            WriteByte(offset + (ulong)i, (byte)(value >> (8 * i)));
    }

    private void WriteByte(ulong offset, byte value)
    {
        switch (offset)
        {
            case 0 when (value & SleepEnable) != 0 && ((value >> 2) & 7) == SoftOff:
                _power.PowerOff();
                break;
            case 2 when value == ResetValue:
                _power.Reset();
                break;
        }
    }
}
