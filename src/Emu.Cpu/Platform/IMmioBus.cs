namespace Emu.Cpu.Platform;

/// <summary>Physical addresses that are not RAM.</summary>
/// <remarks>Called only at an instruction boundary that the vCPU has made exact: virtual time is that of the accessing instruction.</remarks>
public interface IMmioBus
{
    /// <summary>Reads physical memory outside RAM.</summary>
    /// <param name="address">Guest-physical address.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8. The access may be unaligned, but never crosses a 4 KiB page.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes; all ones where nothing answers.</returns>
    ulong Read(ulong address, int size);

    /// <summary>Writes physical memory outside RAM; a write that nothing claims vanishes.</summary>
    /// <param name="address">Guest-physical address.</param>
    /// <param name="size">Bytes: 1, 2, 4 or 8. The access may be unaligned, but never crosses a 4 KiB page.</param>
    /// <param name="value">The value, in the low <paramref name="size"/> bytes.</param>
    void Write(ulong address, int size, ulong value);
}
