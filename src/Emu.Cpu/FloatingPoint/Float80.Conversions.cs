using System.Numerics;

namespace Emu.Cpu.FloatingPoint;

/// <content>Conversions from and to single, double, integers and packed BCD.</content>
public readonly partial struct Float80
{
    /// <summary>The packed BCD indefinite: its upper 16 bits; the lower 64 are <see cref="BcdIndefiniteLow"/> (SDM Vol. 1, 4.7).</summary>
    private const ushort BcdIndefiniteHigh = 0xFFFF;

    private const ulong BcdIndefiniteLow = 0xC000_0000_0000_0000;

    private const ulong BcdLimit = 1_000_000_000_000_000_000;

    /// <summary>
    /// FLD m32fp. Exact; SNaN raises IE, a denormal DE. <see cref="X87Context.IsLoadSuppressed"/> tells whether to push.
    /// </summary>
    /// <param name="bits">The single's bits.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 FromFloat32(uint bits, ref X87Context ctx)
        => FromInterchange<Binary32>(bits, ref ctx);

    /// <summary>
    /// FLD m64fp. Exact; SNaN raises IE, a denormal DE. <see cref="X87Context.IsLoadSuppressed"/> tells whether to push.
    /// </summary>
    /// <param name="bits">The double's bits.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 FromFloat64(ulong bits, ref X87Context ctx)
        => FromInterchange<Binary64>(bits, ref ctx);

    /// <summary>
    /// A single as the memory operand of an arithmetic instruction or comparison: nothing is raised yet, and an SNaN stays one,
    /// since the operation itself has to see it.
    /// </summary>
    /// <param name="bits">The single's bits.</param>
    /// <param name="operandFlags">DE where it was a denormal, since the value is normal here; to be handed to the operation.</param>
    public static Float80 WidenFloat32(uint bits, out uint operandFlags) => Widen<Binary32>(bits, out operandFlags);

    /// <summary>As <see cref="WidenFloat32"/>, for a double.</summary>
    /// <param name="bits">The double's bits.</param>
    /// <param name="operandFlags">DE where it was a denormal, since the value is normal here; to be handed to the operation.</param>
    public static Float80 WidenFloat64(ulong bits, out uint operandFlags) => Widen<Binary64>(bits, out operandFlags);

    /// <summary>FILD, FIADD and their kin: exact, raises nothing.</summary>
    /// <param name="value">The integer, sign-extended.</param>
    public static Float80 FromInt64(long value)
    {
        if (value == 0) return default;
        ulong magnitude = value < 0 ? (ulong)-value : (ulong)value;
        int shift = BitOperations.LeadingZeroCount(magnitude);
        return new((ushort)((value < 0 ? SignMask : 0) | (Bias + 63 - shift)), magnitude << shift);
    }

    /// <summary>FST m32fp. A denormal source raises no DE.</summary>
    /// <param name="a">The value.</param>
    /// <param name="ctx">Control and status; memory is not written where <see cref="X87Context.IsStoreSuppressed"/>.</param>
    /// <returns>The single's bits.</returns>
    public static uint ToFloat32(Float80 a, ref X87Context ctx) => (uint)ToInterchange<Binary32>(a, ref ctx);

    /// <summary>FST m64fp. A denormal source raises no DE.</summary>
    /// <param name="a">The value.</param>
    /// <param name="ctx">Control and status; memory is not written where <see cref="X87Context.IsStoreSuppressed"/>.</param>
    /// <returns>The double's bits.</returns>
    public static ulong ToFloat64(Float80 a, ref X87Context ctx) => ToInterchange<Binary64>(a, ref ctx);

    /// <summary>FIST m16int, or FISTTP.</summary>
    /// <param name="a">The value.</param>
    /// <param name="truncate">FISTTP: toward zero whatever RC says.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>The integer; 0x8000 with IE where it does not fit.</returns>
    public static short ToInt16(Float80 a, bool truncate, ref X87Context ctx) => (short)ToInteger(a, 16, truncate, ref ctx);

    /// <summary>FIST m32int, or FISTTP.</summary>
    /// <param name="a">The value.</param>
    /// <param name="truncate">FISTTP: toward zero whatever RC says.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>The integer; 0x80000000 with IE where it does not fit.</returns>
    public static int ToInt32(Float80 a, bool truncate, ref X87Context ctx) => (int)ToInteger(a, 32, truncate, ref ctx);

    /// <summary>FISTP m64int, or FISTTP.</summary>
    /// <param name="a">The value.</param>
    /// <param name="truncate">FISTTP: toward zero whatever RC says.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>The integer; 2^63 with IE where it does not fit.</returns>
    public static long ToInt64(Float80 a, bool truncate, ref X87Context ctx) => ToInteger(a, 64, truncate, ref ctx);

    /// <summary>FBLD: exact, raises nothing. Digits above 9 count as what their bits say (undefined by the SDM).</summary>
    /// <param name="low">The lower 16 digits.</param>
    /// <param name="high">The sign (bit 15) and the upper two digits (bits 7:0).</param>
    public static Float80 FromBcd(ulong low, ushort high)
    {
        ulong value = (ulong)(((high >> 4) & 15) * 10) + (ulong)(high & 15);
        for (int shift = 60; shift >= 0; shift -= 4) value = (value * 10) + ((low >> shift) & 15);
        bool negative = (high & SignMask) != 0;
        if (value == 0) return SignedZero(negative);
        Float80 magnitude = FromInt64((long)value);
        return negative ? Negate(magnitude) : magnitude;
    }

    /// <summary>FBSTP: rounded by RC to an integer of 18 digits.</summary>
    /// <param name="a">The value.</param>
    /// <param name="high">The sign (bit 15) and the upper two digits.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>The lower 16 digits; with <paramref name="high"/> the BCD indefinite and IE where it does not fit.</returns>
    public static ulong ToBcd(Float80 a, out ushort high, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a) || !SplitInteger(a, ctx.Rounding, out ulong integer, out bool inexact, out bool up)
            || integer >= BcdLimit)
        {
            ctx.Complete(FloatFlags.Invalid, false);
            high = BcdIndefiniteHigh;
            return BcdIndefiniteLow;
        }

        ctx.Complete(inexact ? FloatFlags.Precision : 0, up);
        ulong low = 0;
        for (int shift = 0; shift < 64; shift += 4)
        {
            (integer, ulong digit) = Math.DivRem(integer, 10);
            low |= digit << shift;
        }

        high = (ushort)((uint)(a.SignExponent & SignMask) | (uint)(((integer / 10) << 4) | (integer % 10)));
        return low;
    }

    private static Float80 FromInterchange<TFormat>(ulong bits, ref X87Context ctx)
        where TFormat : struct, IBinaryFormat
    {
        Float80 wide = Widen<TFormat>(bits, out uint operandFlags);
        if (wide.IsSignaling)
        {
            ctx.Complete(FloatFlags.Invalid, false);
            return Quiet(wide);
        }

        ctx.Complete(operandFlags, false);
        return wide;
    }

    private static Float80 Widen<TFormat>(ulong bits, out uint operandFlags)
        where TFormat : struct, IBinaryFormat
    {
        ushort sign = (bits & SoftFloat<TFormat>.SignBit) != 0 ? SignMask : (ushort)0;
        ulong magnitude = bits & ~SoftFloat<TFormat>.SignBit;
        int biased = (int)(magnitude >> TFormat.FractionBits);
        if ((uint)(biased - 1) < (uint)(SoftFloat<TFormat>.InfinityExponent - 1))
        {
            operandFlags = 0;
            int rebiased = biased - SoftFloat<TFormat>.Bias + Bias;
            return new((ushort)(sign | rebiased), (magnitude << (63 - TFormat.FractionBits)) | IntegerBit);
        }

        operandFlags = magnitude - 1 < SoftFloat<TFormat>.FractionMask ? FloatFlags.Denormal : 0;
        if (magnitude == 0) return new(sign, 0);
        if (magnitude >= SoftFloat<TFormat>.Infinity)
        {
            ulong fraction = (bits & SoftFloat<TFormat>.FractionMask) << (63 - TFormat.FractionBits);
            return new((ushort)(sign | MaxExponent), IntegerBit | fraction);
        }

        // What is left is denormal there, and normal here.
        ulong significand = SoftFloat<TFormat>.Unpack(magnitude, out int exponent);
        return new((ushort)(sign | (exponent - SoftFloat<TFormat>.Bias + Bias)), significand << 1);
    }

    /// <summary>Rounds to a narrower format. The rules of MXCSR's exceptions fit, with the control word's RC and masks.</summary>
    private static ulong ToInterchange<TFormat>(Float80 a, ref X87Context ctx)
        where TFormat : struct, IBinaryFormat
    {
        ulong sign = a.IsNegative ? SoftFloat<TFormat>.SignBit : 0;
        int rebiased = a.Exponent - Bias + SoftFloat<TFormat>.Bias;
        if ((uint)(rebiased - 1) < (uint)(SoftFloat<TFormat>.InfinityExponent - 2) && (long)a.Significand < 0)
        {
            // Normal there too, and no carry overflows.
            int dropped = 63 - TFormat.FractionBits;
            ulong kept = a.Significand >> dropped;
            ulong lost = a.Significand << (64 - dropped);
            bool carry = lost != 0 && IsRoundedUp(ctx.Rounding, a.IsNegative, kept & 1, lost);
            if (carry) kept++;
            ctx.Complete(lost != 0 ? FloatFlags.Precision : 0, carry);
            return sign | (((ulong)(uint)(rebiased - 1) << TFormat.FractionBits) + kept);
        }

        if (a.IsZero)
        {
            ctx.Complete();
            return sign;
        }

        if (IsNaNOrUnsupported(a))
        {
            if (a.IsUnsupported)
            {
                ctx.Complete(FloatFlags.Invalid, false);
                return SoftFloat<TFormat>.Indefinite;
            }

            ctx.Complete(a.IsSignaling ? FloatFlags.Invalid : 0, false);
            ulong fraction = (a.Significand & ~IntegerBit) >> (63 - TFormat.FractionBits);
            return sign | SoftFloat<TFormat>.Infinity | SoftFloat<TFormat>.QuietBit | fraction;
        }

        if (a.IsInfinity)
        {
            ctx.Complete();
            return sign | SoftFloat<TFormat>.Infinity;
        }

        uint flags = 0;
        ulong significand = Normalize(a, out int exponent, ref flags);
        SseContext narrow = new((uint)ctx.ControlWord << 7 & SseContext.AllMasks) { Rounding = ctx.Rounding };
        int narrowExponent = exponent - Bias + SoftFloat<TFormat>.Bias;
        ulong jammed = (significand >> 1) | (significand & 1);
        ulong result = SoftFloat<TFormat>.RoundPack(sign != 0, narrowExponent, jammed, 0, ref narrow);
        bool up = (narrow.Mxcsr & FloatFlags.Precision) != 0 && IsLarger<TFormat>(result, narrowExponent, jammed);
        ctx.CompleteStore(narrow.Mxcsr & FloatFlags.All, up);
        return result;
    }

    /// <summary>Whether a rounded result exceeds in magnitude what it was rounded from.</summary>
    private static bool IsLarger<TFormat>(ulong result, int exponent, ulong significand)
        where TFormat : struct, IBinaryFormat
    {
        ulong magnitude = result & ~SoftFloat<TFormat>.SignBit;
        if (magnitude == SoftFloat<TFormat>.Infinity) return true;
        if (magnitude == 0) return false;
        ulong own = SoftFloat<TFormat>.Unpack(magnitude, out int ownExponent);
        return ownExponent != exponent ? ownExponent > exponent : own > significand;
    }

    private static long ToInteger(Float80 a, int bits, bool truncate, ref X87Context ctx)
    {
        RoundingMode mode = truncate ? RoundingMode.TowardZero : ctx.Rounding;
        if (!IsNaNOrUnsupported(a) && SplitInteger(a, mode, out ulong integer, out bool inexact, out bool up)
            && integer <= (1UL << (bits - 1)) - (a.IsNegative ? 0UL : 1UL))
        {
            ctx.Complete(inexact ? FloatFlags.Precision : 0, up);
            return a.IsNegative ? -(long)integer : (long)integer;
        }

        ctx.Complete(FloatFlags.Invalid, false);
        return long.MinValue >> (64 - bits);
    }

    /// <summary>The rounded magnitude of a number; false where it does not fit 64 bits.</summary>
    private static bool SplitInteger(Float80 a, RoundingMode mode, out ulong integer, out bool inexact, out bool up)
    {
        integer = a.Significand;
        inexact = false;
        up = false;
        int exponent = Math.Max(a.Exponent, 1);
        if (exponent > Bias + 63) return false;
        ulong fraction = 0;
        WideInteger.ShiftRightJam(ref integer, ref fraction, Bias + 63 - exponent);
        inexact = fraction != 0;
        up = IsRoundedUp(mode, a.IsNegative, integer & 1, fraction);
        if (up) integer++;
        return true;
    }
}
