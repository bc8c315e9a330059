namespace Emu.Machine.Buses;

/// <summary>A device in the I/O port space.</summary>
public interface IPortDevice
{
    /// <summary>Reads one of the device's ports.</summary>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes: 1, 2 or 4, all of them the device's.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes.</returns>
    uint Read(ushort port, int size);

    /// <summary>Writes one of the device's ports.</summary>
    /// <param name="port">First port.</param>
    /// <param name="size">Bytes: 1, 2 or 4, all of them the device's.</param>
    /// <param name="value">The value in the low <paramref name="size"/> bytes.</param>
    void Write(ushort port, int size, uint value);
}

/// <summary>A device with an 8-bit bus: wider accesses reach it as consecutive bytes, the lowest port first, as the ISA bus does it.</summary>
public abstract class BytePortDevice : IPortDevice
{
    /// <summary>Reads a port.</summary>
    /// <param name="port">The port.</param>
    /// <returns>Its value.</returns>
    public abstract byte Read(ushort port);

    /// <summary>Writes a port.</summary>
    /// <param name="port">The port.</param>
    /// <param name="value">The value.</param>
    public abstract void Write(ushort port, byte value);

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
        for (var i = 0; i < size; i++)
            Write((ushort)(port + i), (byte)(value >> (8 * i)));
    }
}
