using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>The steps of AES (FIPS 197) as AES-NI cuts them (SDM Vol. 1, 12.13). Bytes lie in columns of four.</summary>
internal static class AesRound
{
    private static readonly byte[] SubstitutionBox = BuildSubstitutionBox();
    private static readonly byte[] InverseBox = BuildInverseBox();

    /// <summary>ShiftRows and SubBytes, which commute.</summary>
    public static Vector128<byte> ShiftAndSubstitute(Vector128<byte> state)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
            result = result.WithElement(i, SubstitutionBox[state[(i + (i & 3) * 4) & 15]]);
        return result;
    }

    /// <summary>InvShiftRows and InvSubBytes.</summary>
    public static Vector128<byte> InverseShiftAndSubstitute(Vector128<byte> state)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
            result = result.WithElement(i, InverseBox[state[(i - (i & 3) * 4) & 15]]);
        return result;
    }

    /// <summary>MixColumns with the column (2, 1, 1, 3), InvMixColumns with (14, 9, 13, 11).</summary>
    public static Vector128<byte> MixColumns(Vector128<byte> state, int c0, int c1, int c2, int c3)
    {
        Vector128<byte> result = default;
        for (var i = 0; i < 16; i++)
        {
            var column = i & ~3;
            var value = GaloisField.Multiply(state[column | (i & 3)], c0) ^ GaloisField.Multiply(state[column | ((i + 1) & 3)], c3)
                ^ GaloisField.Multiply(state[column | ((i + 2) & 3)], c2) ^ GaloisField.Multiply(state[column | ((i + 3) & 3)], c1);
            result = result.WithElement(i, (byte)value);
        }
        return result;
    }

    /// <summary>SubWord.</summary>
    public static uint Substitute(uint word) =>
        SubstitutionBox[(byte)word] | (uint)SubstitutionBox[(byte)(word >> 8)] << 8
        | (uint)SubstitutionBox[(byte)(word >> 16)] << 16 | (uint)SubstitutionBox[word >> 24] << 24;

    private static byte[] BuildSubstitutionBox()
    {
        var box = new byte[256];
        for (var value = 0; value < 256; value++)
        {
            var b = GaloisField.Invert((byte)value);
            box[value] = (byte)(b ^ byte.RotateLeft(b, 1) ^ byte.RotateLeft(b, 2) ^ byte.RotateLeft(b, 3) ^ byte.RotateLeft(b, 4) ^ 0x63);
        }
        return box;
    }

    private static byte[] BuildInverseBox()
    {
        var box = new byte[256];
        for (var value = 0; value < 256; value++)
            box[SubstitutionBox[value]] = (byte)value;
        return box;
    }
}

/// <summary>AESENC (SDM Vol. 2A).</summary>
internal readonly struct Aesenc : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Aes.IsSupported ? Aes.Encrypt(a, b) : AesRound.MixColumns(AesRound.ShiftAndSubstitute(a), 2, 1, 1, 3) ^ b;
}

/// <summary>AESENCLAST (SDM Vol. 2A).</summary>
internal readonly struct Aesenclast : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Aes.IsSupported ? Aes.EncryptLast(a, b) : AesRound.ShiftAndSubstitute(a) ^ b;
}

/// <summary>AESDEC (SDM Vol. 2A).</summary>
internal readonly struct Aesdec : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Aes.IsSupported ? Aes.Decrypt(a, b) : AesRound.MixColumns(AesRound.InverseShiftAndSubstitute(a), 14, 9, 13, 11) ^ b;
}

/// <summary>AESDECLAST (SDM Vol. 2A).</summary>
internal readonly struct Aesdeclast : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Aes.IsSupported ? Aes.DecryptLast(a, b) : AesRound.InverseShiftAndSubstitute(a) ^ b;
}

/// <summary>AESIMC (SDM Vol. 2A).</summary>
internal readonly struct Aesimc : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Aes.IsSupported ? Aes.InverseMixColumns(b) : AesRound.MixColumns(b, 14, 9, 13, 11);
}

/// <summary>AESKEYGENASSIST (SDM Vol. 2A).</summary>
internal readonly struct Aeskeygenassist : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var x1 = AesRound.Substitute(b.AsUInt32()[1]);
        var x3 = AesRound.Substitute(b.AsUInt32()[3]);
        return Vector128.Create(x1, BitOperations.RotateRight(x1, 8) ^ (uint)immediate, x3, BitOperations.RotateRight(x3, 8) ^ (uint)immediate).AsByte();
    }
}

/// <summary>PCLMULQDQ (SDM Vol. 2B): a product without carries of the quadwords that bits 0 and 4 choose.</summary>
internal readonly struct Pclmulqdq : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var x = a.AsUInt64().GetElement(immediate & 1);
        var y = b.AsUInt64().GetElement(immediate >> 4 & 1);
        if (System.Runtime.Intrinsics.X86.Pclmulqdq.IsSupported)
            return System.Runtime.Intrinsics.X86.Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(x), Vector128.CreateScalar(y), 0).AsByte();
        ulong low = 0, high = 0;
        for (var i = 0; i < 64; i++)
        {
            if ((y >> i & 1) == 0)
                continue;
            low ^= x << i;
            high ^= i == 0 ? 0 : x >> (64 - i);
        }
        return Vector128.Create(low, high).AsByte();
    }
}
