using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.TestDevices;

/// <summary>
/// What QEMU calls pc-testdev (hw/misc/pc-testdev.c), without its memory, which is <see cref="TestMemory"/>: a scratch register at four
/// ports, and one port for each interrupt line. The x86 tests of kvm-unit-tests are written against it.
/// </summary>
public sealed class PcTestDevice : IPortDevice, IStateful
{
    /// <summary>Ports of the scratch register.</summary>
    public const int RegisterLength = 4;

    /// <summary>
    /// Ports behind the scratch register, to which a guest writes the address of a page that the host shall drop from its own tables; a guest
    /// can see nothing of that.
    /// </summary>
    public const int FlushLength = 4;

    /// <summary>One port for each interrupt line: 1 drives it high, 0 low.</summary>
    public const int LineCount = 24;

    private readonly Action<int, bool> _setLine;
    private readonly byte[] _register = new byte[RegisterLength];

    /// <summary>Makes the device.</summary>
    /// <param name="setLine">Drives a global system interrupt, 0 to 23.</param>
    public PcTestDevice(Action<int, bool> setLine) => _setLine = setLine;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        uint value = 0;
        for (var i = 0; i < size; i++)
            value |= (uint)Read((ushort)(port + i)) << (8 * i);
        return value;
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port - AddressMap.TestLines is var line and >= 0 and < LineCount)
        {
            _setLine(line, value != 0);
            return;
        }

        for (var i = 0; i < size && port + i - AddressMap.TestRegister < RegisterLength; i++)
            _register[port + i - AddressMap.TestRegister] = (byte)(value >> (8 * i));
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("test device");
        stream.Transfer(_register.AsSpan());
    }

    private byte Read(ushort port) => port - AddressMap.TestRegister is var at and >= 0 and < RegisterLength ? _register[at] : (byte)0xFF;
}
