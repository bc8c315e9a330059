using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.TestDevices;

/// <summary>The memory of QEMU's pc-testdev: it keeps what is written, but is no RAM, so that instructions meet a device as their operand.</summary>
public sealed class TestMemory : IMmioDevice, IStateful
{
    /// <summary>Its size in bytes.</summary>
    public const int Length = 0x1_0000;

    private readonly byte[] _bytes = new byte[Length];

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size)
    {
        ulong value = 0;
        for (var i = 0; i < size && offset + (ulong)i < Length; i++)
            value |= (ulong)_bytes[offset + (ulong)i] << (8 * i);
        return value;
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("test memory");
        stream.Transfer(_bytes.AsSpan());
    }

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        for (var i = 0; i < size && offset + (ulong)i < Length; i++)
            _bytes[offset + (ulong)i] = (byte)(value >> (8 * i));
    }
}
