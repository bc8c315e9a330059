using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <content>Rounding to 24, 53 or 64 bits, with overflow and underflow as the control word asks.</content>
public readonly partial struct Float80
{
    /// <summary>Precision control (SDM Vol. 1, table 8-2): to the full 64 bits.</summary>
    private const int FullPrecision = 3;

    /// <summary>Rounds, packs and completes the operation.</summary>
    /// <param name="negative">The sign.</param>
    /// <param name="exponent">The biased exponent, without bounds.</param>
    /// <param name="high">The significand, bit 63 set.</param>
    /// <param name="low">What follows it; only its top bit and whether the rest is zero matter.</param>
    /// <param name="precision">The encoding of PC.</param>
    /// <param name="flags">Exceptions met on the way here.</param>
    /// <param name="ctx">Control and status.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Float80 RoundPack(
        bool negative, int exponent, ulong high, ulong low, int precision, uint flags, ref X87Context ctx)
    {
        if (precision == FullPrecision && (uint)(exponent - 1) < MaxExponent - 2)
        {
            // Neither tiny, nor can a carry overflow.
            bool up = low != 0 && IsRoundedUp(ctx.Rounding, negative, high & 1, low);
            if (up)
            {
                high++;
                if (high == 0)
                {
                    high = IntegerBit;
                    exponent++;
                }
            }

            ctx.Complete(low != 0 ? flags | FloatFlags.Precision : flags, up);
            return new((ushort)(exponent | (negative ? SignMask : 0)), high);
        }

        return RoundPackSlow(negative, exponent, high, low, precision, flags, ref ctx);
    }

    /// <summary>Whether the magnitude grows.</summary>
    /// <param name="mode">RC.</param>
    /// <param name="negative">The sign.</param>
    /// <param name="lastBit">Not zero if the last kept bit is one.</param>
    /// <param name="lost">What is dropped, as a fraction of the last kept bit's unit; not zero.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsRoundedUp(RoundingMode mode, bool negative, ulong lastBit, ulong lost)
        => mode switch
        {
            RoundingMode.Nearest => lost > IntegerBit || (lost == IntegerBit && lastBit != 0),
            RoundingMode.Down => negative && lost != 0,
            RoundingMode.Up => !negative && lost != 0,
            _ => false,
        };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Float80 RoundPackSlow(
        bool negative, int exponent, ulong high, ulong low, int precision, uint flags, ref X87Context ctx)
    {
        // Bits dropped from the 64: the reserved encoding 1 means full precision.
        int dropped = precision switch { 0 => 40, 2 => 11, _ => 0 };
        ulong unit = 1UL << dropped;
        ulong kept = high & ~(unit - 1);
        ulong lost = Lost(high, low, dropped);
        bool up = IsRoundedUp(ctx.Rounding, negative, kept & unit, lost);
        if (exponent <= 0)
        {
            // x86 finds tininess after rounding, with an unbounded exponent (SDM Vol. 1, 4.9.1.5).
            bool tiny = exponent < 0 || !(up && unchecked(kept + unit) == 0);
            if (!tiny || ctx.IsUnderflowMasked)
            {
                WideInteger.ShiftRightJam(ref high, ref low, 1 - exponent);
                kept = high & ~(unit - 1);
                lost = Lost(high, low, dropped);
                up = IsRoundedUp(ctx.Rounding, negative, kept & unit, lost);
                if (up) kept += unit;
                if (lost != 0) flags |= tiny ? FloatFlags.Underflow | FloatFlags.Precision : FloatFlags.Precision;
                ctx.Complete(flags, up);
                return new((ushort)((negative ? SignMask : 0) | (kept >> 63 != 0 ? 1 : 0)), kept);
            }

            flags |= FloatFlags.Underflow;
            exponent += ExponentAdjustment;
            if (exponent < 0)
            {
                // Out of reach even so: only FSCALE gets here.
                ctx.Complete(flags | FloatFlags.Precision, false);
                return SignedZero(negative);
            }
        }

        if (up)
        {
            kept = unchecked(kept + unit);
            if (kept == 0)
            {
                kept = IntegerBit;
                exponent++;
            }
        }

        if (lost != 0) flags |= FloatFlags.Precision;
        if (exponent >= MaxExponent)
        {
            flags |= FloatFlags.Overflow;
            if (!ctx.IsOverflowMasked)
            {
                exponent -= ExponentAdjustment;
                if (exponent >= MaxExponent)
                {
                    ctx.Complete(flags | FloatFlags.Precision, true);
                    return SignedInfinity(negative);
                }
            }
            else
            {
                bool toInfinity = ctx.Rounding == RoundingMode.Nearest
                    || ctx.Rounding == (negative ? RoundingMode.Down : RoundingMode.Up);
                ctx.Complete(flags | FloatFlags.Precision, toInfinity);
                return toInfinity
                    ? SignedInfinity(negative)
                    : new((ushort)((negative ? SignMask : 0) | (MaxExponent - 1)), ~(unit - 1));
            }
        }

        ctx.Complete(flags, up);
        return new((ushort)((negative ? SignMask : 0) | exponent), kept);
    }

    /// <summary>The part of (high:low) below the lowest kept bit, as a 64-bit fraction with a sticky last bit.</summary>
    private static ulong Lost(ulong high, ulong low, int dropped)
        => dropped == 0 ? low : (high << (64 - dropped)) | (low != 0 ? 1UL : 0UL);

    /// <summary>FRNDINT: to an integral value by RC (SDM Vol. 2, FRNDINT).</summary>
    /// <param name="a">The operand.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 RoundToIntegral(Float80 a, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a)) return PropagateNaN(a, ref ctx);
        int exponent = a.Exponent;
        if (exponent >= Bias + 63 || a.IsZero)
        {
            ctx.Complete();
            return a;
        }

        uint flags = a.IsDenormal ? FloatFlags.Denormal : 0;
        ulong integer = a.Significand;
        ulong fraction = 0;
        WideInteger.ShiftRightJam(ref integer, ref fraction, Bias + 63 - exponent);
        if (fraction == 0) return Exact(a, flags, ref ctx);
        bool up = IsRoundedUp(ctx.Rounding, a.IsNegative, integer & 1, fraction);
        if (up) integer++;
        ctx.Complete(flags | FloatFlags.Precision, up);
        if (integer == 0) return SignedZero(a.IsNegative);
        int shift = System.Numerics.BitOperations.LeadingZeroCount(integer);
        return new((ushort)((a.SignExponent & SignMask) | (Bias + 63 - shift)), integer << shift);
    }
}
