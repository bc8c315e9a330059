using System.Numerics;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Arithmetic on bytes as polynomials over GF(2) modulo x⁸ + x⁴ + x³ + x + 1, the field of AES and GFNI.</summary>
internal static class GaloisField
{
    private const int Polynomial = 0x11B;
    private static readonly byte[] Inverses = BuildInverses();

    /// <summary>The product of two bytes.</summary>
    public static int Multiply(int a, int b)
    {
        var product = 0;
        for (; b != 0; b >>= 1, a = (a << 1) ^ ((a & 0x80) != 0 ? Polynomial : 0))
            product ^= (b & 1) != 0 ? a : 0;
        return product;
    }

    /// <summary>The multiplicative inverse; of zero, zero.</summary>
    public static byte Invert(byte value) => Inverses[value];

    /// <summary>The byte times an 8 × 8 matrix of bits, whose first row is the most significant byte and gives bit 0.</summary>
    public static byte Transform(ulong matrix, byte value)
    {
        var result = 0;
        for (var i = 0; i < 8; i++)
            result |= (BitOperations.PopCount((uint)(matrix >> (56 - i * 8)) & value) & 1) << i;
        return (byte)result;
    }

    // The inverse is the 254th power.
    private static byte[] BuildInverses()
    {
        var inverses = new byte[256];
        for (var value = 0; value < 256; value++)
        {
            var inverse = 1;
            for (var i = 0; i < 254; i++)
                inverse = Multiply(inverse, value);
            inverses[value] = (byte)inverse;
        }
        return inverses;
    }
}

/// <summary>GF2P8MULB (SDM Vol. 2A).</summary>
internal readonly struct Gf2p8mulb : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
            result = result.WithElement(i, (byte)GaloisField.Multiply(a[i], b[i]));
        return result;
    }
}

/// <summary>GF2P8AFFINEQB (SDM Vol. 2A): each byte times the matrix in its half of the second source, plus the immediate.</summary>
internal readonly struct Gf2p8affineqb : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
            result = result.WithElement(i, (byte)(GaloisField.Transform(b.AsUInt64()[i >> 3], a[i]) ^ immediate));
        return result;
    }
}

/// <summary>GF2P8AFFINEINVQB (SDM Vol. 2A): the same with the inverse of each byte.</summary>
internal readonly struct Gf2p8affineinvqb : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
            result = result.WithElement(i, (byte)(GaloisField.Transform(b.AsUInt64()[i >> 3], GaloisField.Invert(a[i])) ^ immediate));
        return result;
    }
}
