namespace Emu.Cpu.Platform;

/// <summary>The I/O port space as the CPU's IN, OUT, INS and OUTS see it (SDM Vol. 1, chapter 19).</summary>
/// <remarks>Called only at an instruction boundary that the vCPU has made exact: virtual time is that of the accessing instruction.</remarks>
public interface IPortBus
{
    /// <summary>Reads a port.</summary>
    /// <param name="port">First port, 0–0xFFFF.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes; all ones where nothing answers.</returns>
    uint Read(ushort port, int size);

    /// <summary>Writes a port; a write that nothing claims vanishes.</summary>
    /// <param name="port">First port, 0–0xFFFF.</param>
    /// <param name="size">Bytes: 1, 2 or 4.</param>
    /// <param name="value">The value, in the low <paramref name="size"/> bytes.</param>
    void Write(ushort port, int size, uint value);
}
