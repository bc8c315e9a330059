using System.Buffers.Binary;
using Emu.Machine.Buses;

namespace Emu.Machine.Firmware;

/// <summary>
/// A ROM as the bus sees it: writes vanish. Reads seldom come here, because the processor reads ROM as it reads RAM; those of
/// read-modify-write instructions do.
/// </summary>
internal sealed class RomWrites : IMmioDevice
{
    private readonly ReadOnlyMemory<byte> _bytes;

    public RomWrites(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    /// <summary>Puts a ROM on the bus at both of its places.</summary>
    public static void Claim(MmioBus bus, FirmwareImage firmware)
    {
        var low = (int)firmware.LowSize;
        var high = firmware.Bytes.Length;
        bus.Claim(new RomWrites(firmware.Bytes[^low..]), AddressMap.ExtendedMemory - (ulong)low, (ulong)low);
        bus.Claim(new RomWrites(firmware.Bytes), AddressMap.HighMemory - (ulong)high, (ulong)high);
    }

    public ulong Read(ulong offset, int size)
    {
        // What an access has beyond the end of the ROM belongs to nobody.
        Span<byte> value = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        var from = _bytes.Span[(int)offset..];
        from[..Math.Min(size, from.Length)].CopyTo(value);
        return BinaryPrimitives.ReadUInt64LittleEndian(value) & (ulong.MaxValue >> (64 - (8 * size)));
    }

    public void Write(ulong offset, int size, ulong value)
    {
    }
}
