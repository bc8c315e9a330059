namespace Emu.Machine.Buses;

/// <summary>A device in physical memory.</summary>
public interface IMmioDevice
{
    /// <summary>Reads a register.</summary>
    /// <param name="offset">Offset from the start of the device's range.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes.</returns>
    ulong Read(ulong offset, int size);

    /// <summary>Writes a register.</summary>
    /// <param name="offset">Offset from the start of the device's range.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8.</param>
    /// <param name="value">The value in the low <paramref name="size"/> bytes.</param>
    void Write(ulong offset, int size, ulong value);
}
