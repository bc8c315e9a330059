using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// The double extended-precision format of the x87 (SDM Vol. 1, 4.2.2 and 8.2): a sign, a 15-bit exponent of bias 16383 and a
/// 64-bit significand whose integer bit is explicit. The operations are bit- and flag-exact, in integers only.
/// </summary>
/// <remarks>
/// An encoding with a non-zero exponent and a clear integer bit (unnormal, pseudo-NaN, pseudo-infinity) is unsupported and an
/// invalid operand; a pseudo-denormal (zero exponent, set integer bit) is the number with exponent 1, and raises DE.
/// A two-operand instruction passes its operands in the instruction's mathematical order; the NaN that comes out does not
/// depend on it.
/// </remarks>
/// <param name="signExponent">The upper 16 bits: sign and biased exponent.</param>
/// <param name="significand">The lower 64 bits.</param>
public readonly partial struct Float80(ushort signExponent, ulong significand) : IEquatable<Float80>
{
    internal const int Bias = 16383;
    internal const int MaxExponent = 0x7FFF;
    internal const ulong IntegerBit = 1UL << 63;
    internal const ulong QuietBit = 1UL << 62;
    internal const ushort SignMask = 0x8000;

    /// <summary>What a result delivered under an unmasked OE or UE is divided or multiplied by: 2^24576 (SDM Vol. 1, 8.5.4).</summary>
    internal const int ExponentAdjustment = 0x6000;

    /// <summary>The lower 64 bits: the integer bit and the fraction.</summary>
    public readonly ulong Significand = significand;

    /// <summary>The upper 16 bits: the sign and the biased exponent.</summary>
    public readonly ushort SignExponent = signExponent;

    /// <summary>The real indefinite: the QNaN of a masked invalid operation (SDM Vol. 1, 4.8.3.7).</summary>
    public static Float80 Indefinite => new(0xFFFF, 0xC000_0000_0000_0000);

    /// <summary>+0.</summary>
    public static Float80 Zero => default;

    /// <summary>+1.</summary>
    public static Float80 One => new(Bias, IntegerBit);

    /// <summary>The sign bit.</summary>
    public bool IsNegative => (SignExponent & SignMask) != 0;

    /// <summary>+0 or −0.</summary>
    public bool IsZero => Exponent == 0 && Significand == 0;

    /// <summary>Infinity with its integer bit set.</summary>
    public bool IsInfinity => Exponent == MaxExponent && Significand == IntegerBit;

    /// <summary>A NaN with its integer bit set.</summary>
    public bool IsNaN => Exponent == MaxExponent && Significand > IntegerBit;

    /// <summary>A NaN with a clear quiet bit.</summary>
    public bool IsSignaling => IsNaN && (Significand & QuietBit) == 0;

    /// <summary>Unnormal, pseudo-NaN or pseudo-infinity (SDM Vol. 1, 8.2.2).</summary>
    public bool IsUnsupported => Exponent != 0 && (Significand & IntegerBit) == 0;

    /// <summary>Denormal or pseudo-denormal.</summary>
    public bool IsDenormal => Exponent == 0 && Significand != 0;

    internal int Exponent
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => SignExponent & MaxExponent;
    }

    /// <summary>FCHS: raises nothing, NaNs and unsupported encodings included. C1 is cleared by the caller's instruction.</summary>
    /// <param name="a">The operand.</param>
    public static Float80 Negate(Float80 a) => new((ushort)(a.SignExponent ^ SignMask), a.Significand);

    /// <summary>FABS: raises nothing.</summary>
    /// <param name="a">The operand.</param>
    public static Float80 Abs(Float80 a) => new((ushort)(a.SignExponent & MaxExponent), a.Significand);

    /// <inheritdoc/>
    public bool Equals(Float80 other) => Significand == other.Significand && SignExponent == other.SignExponent;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Float80 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Significand, SignExponent);

    /// <summary>The bits, as two hexadecimal numbers.</summary>
    public override string ToString() => $"{SignExponent:X4}:{Significand:X16}";

    /// <summary>Bitwise equality.</summary>
    /// <param name="a">One value.</param>
    /// <param name="b">The other.</param>
    public static bool operator ==(Float80 a, Float80 b) => a.Equals(b);

    /// <summary>Bitwise inequality.</summary>
    /// <param name="a">One value.</param>
    /// <param name="b">The other.</param>
    public static bool operator !=(Float80 a, Float80 b) => !a.Equals(b);

    internal static Float80 SignedZero(bool negative) => new(negative ? SignMask : (ushort)0, 0);

    internal static Float80 SignedInfinity(bool negative) => new((ushort)(negative ? 0xFFFF : MaxExponent), IntegerBit);

    /// <summary>A normal number: the whole of the common case of every operation.</summary>
    private bool IsNormal
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (uint)(Exponent - 1) < MaxExponent - 1 && (long)Significand < 0;
    }

    /// <summary>The normalised significand (bit 63 set) and exponent of a finite, non-zero, supported number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Normalize(Float80 a, out int exponent, ref uint flags)
    {
        exponent = a.Exponent;
        if (exponent != 0) return a.Significand;
        flags |= FloatFlags.Denormal;
        int shift = BitOperations.LeadingZeroCount(a.Significand);
        exponent = 1 - shift;
        return a.Significand << shift;
    }

    private static Float80 Invalid(ref X87Context ctx)
    {
        ctx.Complete(FloatFlags.Invalid, false);
        return Indefinite;
    }

    private static Float80 Exact(Float80 result, uint flags, ref X87Context ctx)
    {
        ctx.Complete(flags, false);
        return result;
    }

    /// <summary>Whether an operand alone decides the result: a NaN or an unsupported encoding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNaNOrUnsupported(Float80 a)
        => a.Exponent == MaxExponent ? a.Significand != IntegerBit : a.Exponent != 0 && (long)a.Significand >= 0;

    /// <summary>
    /// The result for operands of which one at least is a NaN or unsupported (SDM Vol. 1, table 4-7, the x87 column): of two
    /// quiet or two signalling NaNs the larger significand, of one of each the quiet one.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 PropagateNaN(Float80 a, Float80 b, ref X87Context ctx)
    {
        if (a.IsUnsupported || b.IsUnsupported) return Invalid(ref ctx);
        ctx.Complete(a.IsSignaling || b.IsSignaling ? FloatFlags.Invalid : 0, false);
        return Quiet(ChooseNaN(a, b));
    }

    private static Float80 ChooseNaN(Float80 a, Float80 b)
    {
        if (!b.IsNaN) return a;
        if (!a.IsNaN) return b;
        if (a.IsSignaling != b.IsSignaling) return a.IsSignaling ? b : a;
        if (a.Significand != b.Significand) return a.Significand > b.Significand ? a : b;
        return a.IsNegative ? b : a;
    }

    private static Float80 PropagateNaN(Float80 a, ref X87Context ctx) => PropagateNaN(a, a, ref ctx);

    private static Float80 Quiet(Float80 a) => new(a.SignExponent, a.Significand | QuietBit);
}
