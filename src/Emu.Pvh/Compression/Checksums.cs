using System.Buffers.Binary;

namespace Emu.Pvh.Compression;

/// <summary>CRC-32 (polynomial 0xEDB88320, reflected), four bytes at a step.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint[] table = Table;
        uint crc = uint.MaxValue;
        while (data.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = table[0x700 + (low & 0xFF)] ^ table[0x600 + ((low >> 8) & 0xFF)] ^ table[0x500 + ((low >> 16) & 0xFF)] ^ table[0x400 + (low >> 24)]
                ^ table[0x300 + (high & 0xFF)] ^ table[0x200 + ((high >> 8) & 0xFF)] ^ table[0x100 + ((high >> 16) & 0xFF)] ^ table[high >> 24];
            data = data[8..];
        }

        foreach (byte b in data)
            crc = (crc >> 8) ^ table[(byte)crc ^ b];
        return ~crc;
    }

    /// <summary>Row n holds the effect of a byte that n further bytes follow.</summary>
    private static uint[] MakeTable()
    {
        uint[] table = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            table[i] = crc;
        }

        for (int i = 256; i < table.Length; i++)
            table[i] = (table[i - 256] >> 8) ^ table[(byte)table[i - 256]];
        return table;
    }
}

/// <summary>CRC-64 as xz uses it (ECMA-182, reflected: 0xC96C5795D7870F42), eight bytes at a step.</summary>
internal static class Crc64
{
    private static readonly ulong[] Table = MakeTable();

    public static ulong Compute(ReadOnlySpan<byte> data)
    {
        ulong[] table = Table;
        ulong crc = ulong.MaxValue;
        while (data.Length >= 8)
        {
            ulong v = BinaryPrimitives.ReadUInt64LittleEndian(data) ^ crc;
            crc = table[0x700 + (int)(v & 0xFF)] ^ table[0x600 + (int)((v >> 8) & 0xFF)]
                ^ table[0x500 + (int)((v >> 16) & 0xFF)] ^ table[0x400 + (int)((v >> 24) & 0xFF)]
                ^ table[0x300 + (int)((v >> 32) & 0xFF)] ^ table[0x200 + (int)((v >> 40) & 0xFF)]
                ^ table[0x100 + (int)((v >> 48) & 0xFF)] ^ table[(int)(v >> 56)];
            data = data[8..];
        }

        foreach (byte b in data)
            crc = (crc >> 8) ^ table[(byte)crc ^ b];
        return ~crc;
    }

    private static ulong[] MakeTable()
    {
        ulong[] table = new ulong[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            ulong crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xC96C5795D7870F42 & (0 - (crc & 1)));
            table[i] = crc;
        }

        for (int i = 256; i < table.Length; i++)
            table[i] = (table[i - 256] >> 8) ^ table[(byte)table[i - 256]];
        return table;
    }
}

/// <summary>Adler-32 (RFC 1950), which lzop uses.</summary>
internal static class Adler32
{
    private const uint Modulus = 65521;

    // So many steps cannot overflow 32 bits.
    private const int Run = 5552;

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint a = 1;
        uint b = 0;
        while (!data.IsEmpty)
        {
            foreach (byte value in data[..Math.Min(Run, data.Length)])
            {
                a += value;
                b += a;
            }

            a %= Modulus;
            b %= Modulus;
            data = data[Math.Min(Run, data.Length)..];
        }

        return (b << 16) | a;
    }
}
