using System.Numerics;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>SHA1RNDS4 (SDM Vol. 2B): four rounds; a holds A, B, C, D from the top, b the words with E added to the first.</summary>
internal readonly struct Sha1rnds4 : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var state = a.AsUInt32();
        var words = b.AsUInt32();
        uint ra = state[3], rb = state[2], rc = state[1], rd = state[0], re = 0;
        for (var i = 3; i >= 0; i--)
        {
            var (f, k) = (immediate & 3) switch
            {
                0 => ((rb & rc) ^ (~rb & rd), 0x5A82_7999u),
                1 => (rb ^ rc ^ rd, 0x6ED9_EBA1u),
                2 => ((rb & rc) ^ (rb & rd) ^ (rc & rd), 0x8F1B_BCDCu),
                _ => (rb ^ rc ^ rd, 0xCA62_C1D6u),
            };
            var next = f + BitOperations.RotateLeft(ra, 5) + words[i] + re + k;
            (re, rd, rc, rb, ra) = (rd, rc, BitOperations.RotateLeft(rb, 30), ra, next);
        }
        return Vector128.Create(rd, rc, rb, ra).AsByte();
    }
}

/// <summary>SHA1NEXTE (SDM Vol. 2B).</summary>
internal readonly struct Sha1nexte : IVectorOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        b.AsUInt32().WithElement(3, b.AsUInt32()[3] + BitOperations.RotateLeft(a.AsUInt32()[3], 30)).AsByte();
}

/// <summary>SHA1MSG1 (SDM Vol. 2B).</summary>
internal readonly struct Sha1msg1 : IVectorOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        a ^ Vector128.Create(b.AsUInt64()[1], a.AsUInt64()[0]).AsByte();
}

/// <summary>SHA1MSG2 (SDM Vol. 2B).</summary>
internal readonly struct Sha1msg2 : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<uint> x = a.AsUInt32(), y = b.AsUInt32();
        var w16 = BitOperations.RotateLeft(x[3] ^ y[2], 1);
        var w17 = BitOperations.RotateLeft(x[2] ^ y[1], 1);
        var w18 = BitOperations.RotateLeft(x[1] ^ y[0], 1);
        var w19 = BitOperations.RotateLeft(x[0] ^ w16, 1);
        return Vector128.Create(w19, w18, w17, w16).AsByte();
    }
}

/// <summary>SHA256MSG1 (SDM Vol. 2B).</summary>
internal readonly struct Sha256msg1 : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var x = a.AsUInt32();
        return Vector128.Create(x[0] + Sigma(x[1]), x[1] + Sigma(x[2]), x[2] + Sigma(x[3]), x[3] + Sigma(b.AsUInt32()[0])).AsByte();
    }

    private static uint Sigma(uint w) => BitOperations.RotateRight(w, 7) ^ BitOperations.RotateRight(w, 18) ^ (w >> 3);
}

/// <summary>SHA256MSG2 (SDM Vol. 2B).</summary>
internal readonly struct Sha256msg2 : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<uint> x = a.AsUInt32(), y = b.AsUInt32();
        var w16 = x[0] + Sigma(y[2]);
        var w17 = x[1] + Sigma(y[3]);
        var w18 = x[2] + Sigma(w16);
        var w19 = x[3] + Sigma(w17);
        return Vector128.Create(w16, w17, w18, w19).AsByte();
    }

    private static uint Sigma(uint w) => BitOperations.RotateRight(w, 17) ^ BitOperations.RotateRight(w, 19) ^ (w >> 10);
}

/// <summary>SHA256RNDS2 (SDM Vol. 2B): two rounds; a holds C, D, G, H, b holds A, B, E, F, c two words with their constants.</summary>
internal readonly struct Sha256rnds2 : IThreeSourceOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c)
    {
        Vector128<uint> x = a.AsUInt32(), y = b.AsUInt32();
        uint ra = y[3], rb = y[2], rc = x[3], rd = x[2], re = y[1], rf = y[0], rg = x[1], rh = x[0];
        for (var i = 0; i < 2; i++)
        {
            var t1 = ((re & rf) ^ (~re & rg)) + c.AsUInt32()[i] + rh
                + (BitOperations.RotateRight(re, 6) ^ BitOperations.RotateRight(re, 11) ^ BitOperations.RotateRight(re, 25));
            var t2 = ((ra & rb) ^ (ra & rc) ^ (rb & rc))
                + (BitOperations.RotateRight(ra, 2) ^ BitOperations.RotateRight(ra, 13) ^ BitOperations.RotateRight(ra, 22));
            (rh, rg, rf, re, rd, rc, rb, ra) = (rg, rf, re, rd + t1, rc, rb, ra, t1 + t2);
        }
        return Vector128.Create(rf, re, rb, ra).AsByte();
    }
}
