namespace Emu.Cpu.FloatingPoint;

/// <content>Partial remainder, scaling, extraction.</content>
public readonly partial struct Float80
{
    /// <summary>
    /// FPREM: a − b × trunc(a ÷ b), exact (SDM Vol. 2, FPREM). Where the exponents differ by 64 or more, only a part of the
    /// reduction is done and C2 is set; else C2 is clear, and C0, C3, C1 hold bits 2, 1, 0 of the quotient.
    /// </summary>
    /// <param name="a">ST(0), the dividend.</param>
    /// <param name="b">ST(1), the divisor.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Remainder(Float80 a, Float80 b, ref X87Context ctx) => Remainder(a, b, false, ref ctx);

    /// <summary>FPREM1: as <see cref="Remainder(Float80, Float80, ref X87Context)"/>, with the quotient rounded to nearest even.</summary>
    /// <param name="a">ST(0), the dividend.</param>
    /// <param name="b">ST(1), the divisor.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 RemainderToNearest(Float80 a, Float80 b, ref X87Context ctx) => Remainder(a, b, true, ref ctx);

    /// <summary>FSCALE: a × 2^trunc(b), rounded to 64 bits where it is denormal (SDM Vol. 2, FSCALE).</summary>
    /// <param name="a">ST(0).</param>
    /// <param name="b">ST(1).</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Scale(Float80 a, Float80 b, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b)) return PropagateNaN(a, b, ref ctx);
        uint flags = a.IsDenormal || b.IsDenormal ? FloatFlags.Denormal : 0;
        if (b.IsInfinity)
        {
            if (b.IsNegative)
                return a.IsInfinity ? Invalid(ref ctx) : Exact(SignedZero(a.IsNegative), flags, ref ctx);
            return a.IsZero ? Invalid(ref ctx) : Exact(SignedInfinity(a.IsNegative), flags, ref ctx);
        }

        if (a.IsInfinity || a.IsZero) return Exact(a, flags, ref ctx);
        int scale = 0;
        if (b.Exponent >= Bias)
        {
            // Beyond 2^16 every result is out of range in either direction, even with the adjustment of unmasked responses.
            scale = b.Exponent > Bias + 16 ? 1 << 17 : (int)(b.Significand >> (Bias + 63 - b.Exponent));
            if (b.IsNegative) scale = -scale;
        }

        ulong significand = Normalize(a, out int exponent, ref flags);
        return RoundPack(a.IsNegative, exponent + scale, significand, 0, FullPrecision, flags, ref ctx);
    }

    /// <summary>FXTRACT: a = significand × 2^exponent (SDM Vol. 2, FXTRACT).</summary>
    /// <param name="a">ST(0).</param>
    /// <param name="exponent">What replaces ST(0): the unbiased exponent; −∞ with ZE for a zero.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>What is pushed: the significand with the sign, in [1, 2).</returns>
    public static Float80 Extract(Float80 a, out Float80 exponent, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a))
        {
            exponent = PropagateNaN(a, ref ctx);
            return exponent;
        }

        if (a.IsZero)
        {
            ctx.Complete(FloatFlags.DivideByZero, false);
            exponent = SignedInfinity(true);
            return a;
        }

        if (a.IsInfinity)
        {
            ctx.Complete();
            exponent = SignedInfinity(false);
            return a;
        }

        uint flags = 0;
        ulong significand = Normalize(a, out int biased, ref flags);
        ctx.Complete(flags, false);
        exponent = FromInt64(biased - Bias);
        return new((ushort)((a.SignExponent & SignMask) | Bias), significand);
    }

    private static Float80 Remainder(Float80 a, Float80 b, bool nearest, ref X87Context ctx)
    {
        // Without a quotient C0 and C3 stay.
        ctx.SetConditions((uint)ctx.StatusWord & (X87Context.C0 | X87Context.C3));
        if (IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b)) return PropagateNaN(a, b, ref ctx);
        if (a.IsInfinity || b.IsZero) return Invalid(ref ctx);
        ctx.SetConditions(0);
        uint flags = a.IsDenormal || b.IsDenormal ? FloatFlags.Denormal : 0;
        if (a.IsZero) return Exact(a, flags, ref ctx);
        ulong dividend = Normalize(a, out int exponentA, ref flags);
        if (b.IsInfinity) return RoundPack(a.IsNegative, exponentA, dividend, 0, FullPrecision, flags, ref ctx);
        ulong divisor = Normalize(b, out int exponent, ref flags);
        int distance = exponentA - exponent;
        bool negative = a.IsNegative;
        ulong quotient = 0;
        bool partial = distance >= 64;
        if (partial)
        {
            // An implementation's choice between 32 and 63 (SDM): how far the exponent comes down at once.
            int step = (distance & 31) | 32;
            exponent += distance - step;
            distance = step;
        }

        if (distance < -1 || (distance < 0 && !nearest))
            return RoundPack(negative, exponentA, dividend, 0, FullPrecision, flags, ref ctx);
        if (distance < 0)
        {
            // Here a < b; 2a > b decides. The remainder is in units of half the divisor's last bit.
            if (dividend <= divisor) return RoundPack(negative, exponentA, dividend, 0, FullPrecision, flags, ref ctx);
            UInt128 rest = ((UInt128)divisor << 1) - dividend;
            return PackRemainder(!negative, exponentA, rest, 1, flags, ref ctx);
        }

        if (dividend >= divisor)
        {
            quotient = 1UL << distance;
            dividend -= divisor;
        }

        ulong high = distance == 0 ? 0 : dividend >> (64 - distance);
        quotient += WideInteger.Divide(high, dividend << distance, divisor, out ulong remainder);
        if (partial)
        {
            Float80 part = PackRemainder(negative, exponent, remainder, 0, flags, ref ctx);
            if (!ctx.IsResultSuppressed) ctx.SetConditions(X87Context.C2);
            return part;
        }

        if (nearest)
        {
            ulong other = divisor - remainder;
            if (remainder > other || (remainder == other && (quotient & 1) != 0))
            {
                remainder = other;
                quotient++;
                negative = !negative;
            }
        }

        return PackRemainder(negative, exponent, remainder, quotient, flags, ref ctx);
    }

    /// <summary>Normalises a remainder in units of 2^(exponent − 63), and reports the quotient.</summary>
    private static Float80 PackRemainder(
        bool negative, int exponent, UInt128 remainder, ulong quotient, uint flags, ref X87Context ctx)
    {
        Float80 result;
        if (remainder == UInt128.Zero)
        {
            result = Exact(SignedZero(negative), flags, ref ctx);
        }
        else
        {
            int shift = (int)UInt128.LeadingZeroCount(remainder) - 64;
            ulong significand = shift >= 0 ? (ulong)remainder << shift : (ulong)(remainder >> -shift);
            result = RoundPack(negative, exponent - shift, significand, 0, FullPrecision, flags, ref ctx);
        }

        if (!ctx.IsResultSuppressed) FinishConditions(quotient, ref ctx);
        return result;
    }

    /// <summary>C0, C3, C1: bits 2, 1, 0 of the quotient.</summary>
    private static void FinishConditions(ulong quotient, ref X87Context ctx)
    {
        uint conditions = ((quotient & 4) != 0 ? X87Context.C0 : 0u) | ((quotient & 2) != 0 ? X87Context.C3 : 0u);
        ctx.SetConditions(conditions);
        if ((quotient & 1) != 0) ctx.StatusWord |= X87Context.C1;
    }
}
