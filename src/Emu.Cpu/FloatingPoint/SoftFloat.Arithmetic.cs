using System.Numerics;

namespace Emu.Cpu.FloatingPoint;

internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    internal static ulong Add(ulong a, ulong b, ref SseContext ctx)
        => IsNaN(a) || IsNaN(b) ? PropagateNaN(a, b, ref ctx) : AddNumbers(a, b, ref ctx);

    // A NaN operand keeps its sign when it is subtracted: only numbers are negated.
    internal static ulong Subtract(ulong a, ulong b, ref SseContext ctx)
        => IsNaN(a) || IsNaN(b) ? PropagateNaN(a, b, ref ctx) : AddNumbers(a, b ^ SignBit, ref ctx);

    internal static ulong Multiply(ulong a, ulong b, ref SseContext ctx)
    {
        if (IsNaN(a) || IsNaN(b)) return PropagateNaN(a, b, ref ctx);
        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        ulong sign = (a ^ b) & SignBit;
        if (IsInfinity(a) || IsInfinity(b))
        {
            if (IsZero(a) || IsZero(b)) return RaiseInvalid(ref ctx);
            ctx.Raise(flags);
            return sign | Infinity;
        }

        if (IsZero(a) || IsZero(b))
        {
            ctx.Raise(flags);
            return sign;
        }

        ulong high = Math.BigMul(Unpack(a, out int exponentA) << 1, Unpack(b, out int exponentB), out ulong low);
        // Factors in [1, 2) at bits 63 and 62: the product leads at bit 61 or 62 of the upper half.
        int exponent = exponentA + exponentB - Bias;
        ulong significand = high | (low != 0 ? 1UL : 0UL);
        if (significand >> Lead == 0)
        {
            significand = (high << 1) | (low >> 63) | (low << 1 != 0 ? 1UL : 0UL);
        }
        else
        {
            exponent++;
        }

        return RoundPack(sign != 0, exponent, significand, flags, ref ctx);
    }

    internal static ulong Divide(ulong a, ulong b, ref SseContext ctx)
    {
        if (IsNaN(a) || IsNaN(b)) return PropagateNaN(a, b, ref ctx);
        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        ulong sign = (a ^ b) & SignBit;
        if (IsInfinity(a))
        {
            if (IsInfinity(b)) return RaiseInvalid(ref ctx);
            ctx.Raise(flags);
            return sign | Infinity;
        }

        if (IsInfinity(b))
        {
            ctx.Raise(flags);
            return sign;
        }

        if (IsZero(b))
        {
            if (IsZero(a)) return RaiseInvalid(ref ctx);
            // ZE is reported alone: a denormal dividend raises no DE beside it.
            ctx.Raise(FloatFlags.DivideByZero);
            return sign | Infinity;
        }

        if (IsZero(a))
        {
            ctx.Raise(flags);
            return sign;
        }

        ulong dividend = Unpack(a, out int exponentA);
        ulong divisor = Unpack(b, out int exponentB);
        ulong quotient;
        if (TFormat.FractionBits <= 23)
        {
            // 63 bits over 24: a quotient of 39 or 40 bits, in one machine division.
            ulong small = divisor >> RoundShift;
            (quotient, ulong rest) = Math.DivRem(dividend, small);
            quotient = (quotient << (Lead - 39)) | (rest != 0 ? 1UL : 0UL);
        }
        else
        {
            quotient = WideInteger.Divide(dividend >> 1, dividend << 63, divisor << 1, out ulong rest);
            quotient |= rest != 0 ? 1UL : 0UL;
        }

        int exponent = exponentA - exponentB + Bias;
        if (quotient >> Lead == 0)
        {
            quotient = (quotient << 1) | (quotient & 1);
            exponent--;
        }

        return RoundPack(sign != 0, exponent, quotient, flags, ref ctx);
    }

    internal static ulong SquareRoot(ulong a, ref SseContext ctx)
    {
        if (IsNaN(a)) return PropagateNaN(a, a, ref ctx);
        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        if (IsZero(a)) return a;
        if (IsNegative(a)) return RaiseInvalid(ref ctx);
        if (IsInfinity(a)) return a;
        ulong significand = Unpack(a, out int exponent);
        int unbiased = exponent - Bias;
        // Radicand in [1, 4) with an even exponent; its upper half has the one at bit 62 or 63, so the root leads at bit 63.
        ulong radicand = (unbiased & 1) != 0 ? significand << 1 : significand;
        ulong root = WideInteger.SquareRoot(radicand, 0, out UInt128 remainder);
        ulong sticky = remainder != UInt128.Zero ? 1UL : 0UL;
        return RoundPack(false, (unbiased >> 1) + Bias, (root >> 1) | (root & 1) | sticky, flags, ref ctx);
    }

    /// <summary>a × b + c with one rounding (SDM Vol. 1, 14.5): NaNs in the order a, b, c.</summary>
    internal static ulong FusedMultiplyAdd(
        ulong a, ulong b, ulong c, bool negateProduct, bool negateAddend, ref SseContext ctx)
    {
        uint flags = 0;
        if (IsNaN(a) || IsNaN(b) || IsNaN(c))
        {
            if (IsSignaling(a) || IsSignaling(b) || IsSignaling(c)) ctx.Raise(FloatFlags.Invalid);
            return (IsNaN(a) ? a : IsNaN(b) ? b : c) | QuietBit;
        }

        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        c = AdmitDenormal(c, ctx, ref flags);
        if (negateProduct) a ^= SignBit;
        if (negateAddend) c ^= SignBit;
        ulong productSign = (a ^ b) & SignBit;
        if (IsInfinity(a) || IsInfinity(b))
        {
            bool opposed = IsInfinity(c) && (c & SignBit) != productSign;
            if (IsZero(a) || IsZero(b) || opposed) return RaiseInvalid(ref ctx);
            ctx.Raise(flags);
            return productSign | Infinity;
        }

        if (IsInfinity(c))
        {
            ctx.Raise(flags);
            return c;
        }

        if (IsZero(a) || IsZero(b))
        {
            if (!IsZero(c)) return RoundPack(IsNegative(c), ExponentOf(c, out ulong own), own, flags, ref ctx);
            if ((c & SignBit) != productSign) return CancelledZero(flags, ref ctx);
            ctx.Raise(flags);
            return productSign;
        }

        // The product's leading one comes to bit 125, the addend's too; 20 or more bits below the product stay for alignment.
        UInt128 product = Math.BigMul(Unpack(a, out int exponentA), Unpack(b, out int exponentB));
        int exponent = exponentA + exponentB - Bias;
        if ((ulong)(product >> 125) == 0)
        {
            product <<= 1;
        }
        else
        {
            exponent++;
        }

        bool negative = productSign != 0;
        if (!IsZero(c))
        {
            UInt128 addend = (UInt128)Unpack(c, out int exponentC) << (125 - Lead);
            if (exponent >= exponentC)
            {
                addend = WideInteger.ShiftRightJam(addend, exponent - exponentC);
            }
            else
            {
                product = WideInteger.ShiftRightJam(product, exponentC - exponent);
                exponent = exponentC;
            }

            if (IsNegative(c) == negative)
            {
                product += addend;
            }
            else if (product == addend)
            {
                return CancelledZero(flags, ref ctx);
            }
            else if (product > addend)
            {
                product -= addend;
            }
            else
            {
                product = addend - product;
                negative = !negative;
            }
        }

        int shift = (int)UInt128.LeadingZeroCount(product) - 1;
        product <<= shift;
        exponent += 1 - shift;
        ulong significand = (ulong)(product >> 64) | ((ulong)product != 0 ? 1UL : 0UL);
        return RoundPack(negative, exponent, significand, flags, ref ctx);
    }

    private static int ExponentOf(ulong a, out ulong significand)
    {
        significand = Unpack(a, out int exponent);
        return exponent;
    }

    private static ulong AddNumbers(ulong a, ulong b, ref SseContext ctx)
    {
        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        bool negative = IsNegative(a);
        bool subtract = negative != IsNegative(b);
        if (IsInfinity(a) || IsInfinity(b))
        {
            if (subtract && IsInfinity(a) && IsInfinity(b)) return RaiseInvalid(ref ctx);
            ctx.Raise(flags);
            return IsInfinity(a) ? a : b;
        }

        if (IsZero(a) || IsZero(b))
        {
            ulong other = IsZero(a) ? b : a;
            if (!IsZero(other)) return RoundPack(IsNegative(other), ExponentOf(other, out ulong own), own, flags, ref ctx);
            if (subtract) return CancelledZero(flags, ref ctx);
            ctx.Raise(flags);
            return a;
        }

        ulong significandA = Unpack(a, out int exponent);
        ulong significandB = Unpack(b, out int exponentB);
        int distance = exponent - exponentB;
        if (distance >= 0)
        {
            significandB = WideInteger.ShiftRightJam(significandB, distance);
        }
        else
        {
            significandA = WideInteger.ShiftRightJam(significandA, -distance);
            exponent = exponentB;
        }

        ulong sum;
        if (!subtract)
        {
            sum = significandA + significandB;
            if (sum >> (Lead + 1) != 0)
            {
                sum = (sum >> 1) | (sum & 1);
                exponent++;
            }
        }
        else
        {
            if (significandA == significandB) return CancelledZero(flags, ref ctx);
            if (significandA > significandB)
            {
                sum = significandA - significandB;
            }
            else
            {
                sum = significandB - significandA;
                negative = !negative;
            }

            int shift = BitOperations.LeadingZeroCount(sum) - (63 - Lead);
            sum <<= shift;
            exponent -= shift;
        }

        return RoundPack(negative, exponent, sum, flags, ref ctx);
    }
}
