using Emu.Cpu.Memory;

namespace Emu.Machine.Firmware;

/// <summary>A ROM that the machine starts from instead of a kernel: the processor begins at its last 16 bytes, as after a reset.</summary>
/// <remarks>
/// <code>
/// guest-physical                      what
/// 0x000E_0000 - 0x000F_FFFF           the last 128 KiB of the ROM, or all of a smaller one, so that it ends here
/// 0xFF00_0000 - 0xFFFF_FFFF           the ROM, so that it ends here; the processor starts at 0xFFFF_FFF0 in real mode
/// </code>
/// Writes to either place are ignored. SDM Vol. 3, 10.1.4 for the first instruction.
/// </remarks>
public sealed class FirmwareImage
{
    /// <summary>ROMs are multiples of this many bytes: 64 KiB.</summary>
    public const int Unit = 64 << 10;

    /// <summary>The largest ROM in bytes: 16 MiB. The interrupt controllers lie below.</summary>
    public const int Largest = 16 << 20;

    private FirmwareImage(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The ROM's bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>How much of its end shows below 1 MiB, in bytes.</summary>
    public ulong LowSize => Math.Min((ulong)Bytes.Length, PhysicalMemory.LargestLowRom);

    /// <summary>Takes a file's contents as a ROM.</summary>
    /// <param name="bytes">The contents; they must not change afterwards.</param>
    /// <returns>The ROM.</returns>
    /// <exception cref="MachineConfigurationException">Its size is no multiple of 64 KiB from 64 KiB to 16 MiB.</exception>
    public static FirmwareImage FromBytes(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > Largest)
            throw new MachineConfigurationException("A firmware ROM has at most 16 MiB, a multiple of 64 KiB; this one is larger.");
        if (bytes.Length == 0 || bytes.Length % Unit != 0)
            throw new MachineConfigurationException($"A firmware ROM has a multiple of 64 KiB from 64 KiB to 16 MiB; {bytes.Length} bytes are not.");
        return new FirmwareImage(bytes);
    }
}
