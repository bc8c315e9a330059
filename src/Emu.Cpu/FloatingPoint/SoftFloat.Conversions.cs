using System.Numerics;

namespace Emu.Cpu.FloatingPoint;

internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    /// <summary>Rounds to an integral value in the same format (ROUNDSS and its kin; SDM Vol. 2, ROUNDPD). Never raises DE.</summary>
    internal static ulong RoundToIntegral(ulong a, RoundingMode mode, bool suppressPrecision, ref SseContext ctx)
    {
        if (IsNaN(a)) return PropagateNaN(a, a, ref ctx);
        if (IsDenormal(a) && ctx.IsDenormalsAreZeros) a &= SignBit;
        int unbiased = ((int)(a >> TFormat.FractionBits) & InfinityExponent) - Bias;
        if (IsZero(a) || unbiased >= TFormat.FractionBits) return a;
        ulong sign = a & SignBit;
        ulong result;
        if (unbiased < 0)
        {
            ulong one = (ulong)Bias << TFormat.FractionBits;
            ulong half = (ulong)(Bias - 1) << TFormat.FractionBits;
            bool up = mode switch
            {
                RoundingMode.Nearest => (a & ~SignBit) > half,
                RoundingMode.Down => sign != 0,
                RoundingMode.Up => sign == 0,
                _ => false,
            };
            result = sign | (up ? one : 0);
        }
        else
        {
            int bits = TFormat.FractionBits - unbiased;
            ulong unit = 1UL << bits;
            ulong lost = a & (unit - 1);
            if (lost == 0) return a;
            ulong increment = RoundIncrement(mode, sign != 0, bits);
            // In [1, 2) the unit is the exponent's lowest bit, which is one there as the integer part is: no special case.
            result = (a + increment) & ~(unit - 1);
            if (mode == RoundingMode.Nearest && lost == increment) result &= ~unit;
        }

        if (!suppressPrecision) ctx.Raise(FloatFlags.Precision);
        return result;
    }

    /// <summary>
    /// Converts to a signed integer of 32 or 64 bits; NaN and what does not fit give the integer indefinite and IE alone
    /// (SDM Vol. 1, 4.9.1.1 and 11.5.2.1; SDM Vol. 2, CVTSD2SI).
    /// </summary>
    internal static long ToInteger(ulong a, int bits, RoundingMode mode, ref SseContext ctx)
    {
        long indefinite = long.MinValue >> (64 - bits);
        if (IsZero(a) || (IsDenormal(a) && ctx.IsDenormalsAreZeros)) return 0;
        int unbiased = ((int)(a >> TFormat.FractionBits) & InfinityExponent) - Bias;
        if (unbiased > 63 || IsNaN(a))
        {
            ctx.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        ulong significand = Unpack(a, out int exponent);
        unbiased = exponent - Bias;
        // Integer part and a 64-bit fraction.
        ulong integer = significand << 1;
        ulong fraction = 0;
        WideInteger.ShiftRightJam(ref integer, ref fraction, 63 - unbiased);
        bool negative = IsNegative(a);
        bool up = mode switch
        {
            RoundingMode.Nearest => fraction > 1UL << 63 || (fraction == 1UL << 63 && (integer & 1) != 0),
            RoundingMode.Down => fraction != 0 && negative,
            RoundingMode.Up => fraction != 0 && !negative,
            _ => false,
        };
        if (up) integer++;
        ulong limit = (1UL << (bits - 1)) - (negative ? 0UL : 1UL);
        if (integer > limit)
        {
            ctx.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        if (fraction != 0) ctx.Raise(FloatFlags.Precision);
        return negative ? -(long)integer : (long)integer;
    }

    /// <summary>Converts a signed integer; raises PE at most.</summary>
    internal static ulong FromInteger(long value, ref SseContext ctx)
    {
        if (value == 0) return 0;
        bool negative = value < 0;
        ulong magnitude = negative ? (ulong)-value : (ulong)value;
        int leading = BitOperations.LeadingZeroCount(magnitude);
        ulong significand = leading == 0 ? magnitude >> 1 : magnitude << (leading - 1);
        return RoundPack(negative, Bias + 63 - leading, significand, 0, ref ctx);
    }

    /// <summary>Converts to another format (CVTSS2SD, CVTSD2SS). A NaN keeps the upper bits of its payload and is quieted.</summary>
    internal static ulong ConvertTo<TTarget>(ulong a, ref SseContext ctx)
        where TTarget : struct, IBinaryFormat
    {
        uint flags = 0;
        ulong targetSign = IsNegative(a) ? SoftFloat<TTarget>.SignBit : 0;
        if (IsNaN(a))
        {
            if (IsSignaling(a)) ctx.Raise(FloatFlags.Invalid);
            int shift = TTarget.FractionBits - TFormat.FractionBits;
            ulong fraction = a & FractionMask;
            fraction = shift >= 0 ? fraction << shift : fraction >> -shift;
            return targetSign | SoftFloat<TTarget>.Infinity | SoftFloat<TTarget>.QuietBit | fraction;
        }

        // Half-precision operands know neither DAZ nor DE (SDM Vol. 2, VCVTPH2PS).
        if (TFormat.FractionBits > 10) a = AdmitDenormal(a, ctx, ref flags);
        if (IsZero(a)) return targetSign;
        if (IsInfinity(a)) return targetSign | SoftFloat<TTarget>.Infinity;
        ulong significand = Unpack(a, out int exponent);
        return SoftFloat<TTarget>.RoundPack(
            targetSign != 0, exponent - Bias + SoftFloat<TTarget>.Bias, significand, flags, ref ctx);
    }
}
