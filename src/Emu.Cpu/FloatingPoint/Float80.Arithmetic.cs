using System.Numerics;

namespace Emu.Cpu.FloatingPoint;

/// <content>Add, subtract, multiply, divide, square root: rounded by RC to the precision of PC.</content>
public readonly partial struct Float80
{
    /// <summary>FADD: a + b.</summary>
    /// <param name="a">One term.</param>
    /// <param name="b">The other.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static Float80 Add(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
        => IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b) ? PropagateNaN(a, b, ref ctx) : AddNumbers(a, b, operandFlags, ref ctx);

    /// <summary>FSUB: a − b. FSUBR passes its operands the other way round.</summary>
    /// <param name="a">The minuend.</param>
    /// <param name="b">The subtrahend; a NaN keeps its sign.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static Float80 Subtract(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
        => IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b) ? PropagateNaN(a, b, ref ctx) : AddNumbers(a, Negate(b), operandFlags, ref ctx);

    /// <summary>FMUL: a × b.</summary>
    /// <param name="a">One factor.</param>
    /// <param name="b">The other.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static Float80 Multiply(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
    {
        bool negative = ((a.SignExponent ^ b.SignExponent) & SignMask) != 0;
        uint flags = operandFlags;
        if (!a.IsNormal || !b.IsNormal)
        {
            if (IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b)) return PropagateNaN(a, b, ref ctx);
            if (a.IsDenormal || b.IsDenormal) flags |= FloatFlags.Denormal;
            if (a.IsInfinity || b.IsInfinity)
                return a.IsZero || b.IsZero ? Invalid(ref ctx) : Exact(SignedInfinity(negative), flags, ref ctx);
            if (a.IsZero || b.IsZero) return Exact(SignedZero(negative), flags, ref ctx);
        }

        ulong significandA = Normalize(a, out int exponentA, ref flags);
        ulong significandB = Normalize(b, out int exponentB, ref flags);
        int exponent = exponentA + exponentB - Bias + 1;
        ulong high = Math.BigMul(significandA, significandB, out ulong low);
        if ((long)high >= 0)
        {
            high = (high << 1) | (low >> 63);
            low <<= 1;
            exponent--;
        }

        return RoundPack(negative, exponent, high, low, ctx.PrecisionControl, flags, ref ctx);
    }

    /// <summary>FDIV: a ÷ b. FDIVR passes its operands the other way round.</summary>
    /// <param name="a">The dividend.</param>
    /// <param name="b">The divisor.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static Float80 Divide(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
    {
        bool negative = ((a.SignExponent ^ b.SignExponent) & SignMask) != 0;
        uint flags = operandFlags;
        if (!a.IsNormal || !b.IsNormal)
        {
            if (IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b)) return PropagateNaN(a, b, ref ctx);
            if (a.IsDenormal || b.IsDenormal) flags |= FloatFlags.Denormal;
            if (a.IsInfinity) return b.IsInfinity ? Invalid(ref ctx) : Exact(SignedInfinity(negative), flags, ref ctx);
            if (b.IsInfinity) return Exact(SignedZero(negative), flags, ref ctx);
            if (b.IsZero)
            {
                if (a.IsZero) return Invalid(ref ctx);
                return Exact(SignedInfinity(negative), FloatFlags.DivideByZero, ref ctx);
            }

            if (a.IsZero) return Exact(SignedZero(negative), flags, ref ctx);
        }

        ulong dividend = Normalize(a, out int exponentA, ref flags);
        ulong divisor = Normalize(b, out int exponentB, ref flags);
        int exponent = exponentA - exponentB + Bias;
        ulong quotient;
        ulong remainder;
        if (dividend >= divisor)
        {
            quotient = WideInteger.Divide(dividend >> 1, dividend << 63, divisor, out remainder);
        }
        else
        {
            quotient = WideInteger.Divide(dividend, 0, divisor, out remainder);
            exponent--;
        }

        return RoundPack(
            negative, exponent, quotient, HalfAndSticky(remainder, divisor), ctx.PrecisionControl, flags, ref ctx);
    }

    /// <summary>FSQRT: √a.</summary>
    /// <param name="a">The radicand.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 SquareRoot(Float80 a, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a)) return PropagateNaN(a, ref ctx);
        if (a.IsZero)
        {
            ctx.Complete();
            return a;
        }

        if (a.IsNegative) return Invalid(ref ctx);
        if (a.IsInfinity)
        {
            ctx.Complete();
            return a;
        }

        uint flags = 0;
        ulong significand = Normalize(a, out int exponent, ref flags);
        int unbiased = exponent - Bias;
        ulong root = RootOf(significand, unbiased, out ulong rest);
        return RoundPack(false, (unbiased >> 1) + Bias, root, rest, ctx.PrecisionControl, flags, ref ctx);
    }

    /// <summary>The root of a significand and of its exponent's last bit, and what follows it.</summary>
    private static ulong RootOf(ulong significand, int unbiased, out ulong rest)
    {
        bool odd = (unbiased & 1) != 0;
        ulong high = odd ? significand : significand >> 1;
        ulong low = odd ? 0 : significand << 63;
        ulong root = WideInteger.SquareRoot(high, low, out UInt128 remainder);
        // (root + ½)² = root² + root + ¼: the remainder tells the half, and there is no tie.
        rest = remainder == UInt128.Zero ? 0 : remainder > root ? IntegerBit | 1 : 1;
        return root;
    }

    /// <summary>What follows a quotient: whether the remainder exceeds, meets or stays below half the divisor.</summary>
    private static ulong HalfAndSticky(ulong remainder, ulong divisor)
    {
        if (remainder == 0) return 0;
        ulong other = divisor - remainder;
        if (remainder == other) return IntegerBit;
        return remainder > other ? IntegerBit | 1 : 1;
    }

    private static Float80 AddNumbers(Float80 a, Float80 b, uint flags, ref X87Context ctx)
    {
        bool negative = a.IsNegative;
        bool subtract = ((a.SignExponent ^ b.SignExponent) & SignMask) != 0;
        if (!a.IsNormal || !b.IsNormal)
        {
            if (a.IsDenormal || b.IsDenormal) flags |= FloatFlags.Denormal;
            if (a.IsInfinity)
                return subtract && b.IsInfinity ? Invalid(ref ctx) : Exact(a, flags, ref ctx);
            if (b.IsInfinity) return Exact(b, flags, ref ctx);
            if (a.IsZero || b.IsZero)
            {
                Float80 other = a.IsZero ? b : a;
                if (other.IsZero)
                    return subtract ? CancelledZero(flags, ref ctx) : Exact(a, flags, ref ctx);
                ulong own = Normalize(other, out int ownExponent, ref flags);
                return RoundPack(other.IsNegative, ownExponent, own, 0, ctx.PrecisionControl, flags, ref ctx);
            }
        }

        ulong high = Normalize(a, out int exponent, ref flags);
        ulong otherHigh = Normalize(b, out int otherExponent, ref flags);
        int distance = exponent - otherExponent;
        if (distance < 0 || (distance == 0 && high < otherHigh))
        {
            (high, otherHigh) = (otherHigh, high);
            exponent = otherExponent;
            distance = -distance;
            negative = b.IsNegative;
        }

        ulong low = 0;
        ulong otherLow = 0;
        WideInteger.ShiftRightJam(ref otherHigh, ref otherLow, distance);
        if (!subtract)
        {
            low = otherLow;
            high += otherHigh;
            if (high < otherHigh)
            {
                low = (low >> 1) | (high << 63) | (low & 1);
                high = (high >> 1) | IntegerBit;
                exponent++;
            }
        }
        else
        {
            low = 0 - otherLow;
            high = high - otherHigh - (otherLow != 0 ? 1UL : 0UL);
            if ((long)high >= 0)
            {
                if (high == 0)
                {
                    if (low == 0) return CancelledZero(flags, ref ctx);
                    high = low;
                    low = 0;
                    exponent -= 64;
                }

                int shift = BitOperations.LeadingZeroCount(high);
                if (shift != 0)
                {
                    high = (high << shift) | (low >> (64 - shift));
                    low <<= shift;
                    exponent -= shift;
                }
            }
        }

        return RoundPack(negative, exponent, high, low, ctx.PrecisionControl, flags, ref ctx);
    }

    private static Float80 CancelledZero(uint flags, ref X87Context ctx)
        => Exact(SignedZero(ctx.Rounding == RoundingMode.Down), flags, ref ctx);
}
