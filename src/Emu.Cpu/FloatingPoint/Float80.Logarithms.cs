namespace Emu.Cpu.FloatingPoint;

/// <content>
/// F2XM1, FYL2X, FYL2XP1: computed to more than 110 bits and rounded once, to 64 bits by RC whatever PC says.
/// </content>
public readonly partial struct Float80
{
    private static readonly WideFloat WideLnOf2 = new(false, -1, new(0xB172_17F7_D1CF_79AB, 0xC9E3_B398_03F2_F6AF));

    /// <summary>2 ÷ ln 2.</summary>
    private static readonly WideFloat WideTwoLog2OfE = new(false, 1, new(0xB8AA_3B29_5C17_F0BB, 0xBE87_FED0_691D_3E88));

    /// <summary>√2, rounded down to 64 bits: where the logarithm's argument changes to the next power of two.</summary>
    private const ulong SquareRootOf2 = 0xB504_F333_F9DE_6484;

    /// <summary>
    /// F2XM1: 2^a − 1 for a in [−1, 1] (SDM Vol. 2, F2XM1). Beyond, where the SDM leaves it undefined, the operand comes back with PE.
    /// </summary>
    /// <param name="a">The exponent.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Exp2MinusOne(Float80 a, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(a)) return PropagateNaN(a, ref ctx);
        if (a.IsInfinity) return Exact(a.IsNegative ? Negate(One) : a, 0, ref ctx);
        if (a.IsZero) return Exact(a, 0, ref ctx);
        uint flags = 0;
        if (a.Exponent >= Bias)
        {
            // Hardware reports PE for ±1 too, although 1 and −½ are exact.
            bool isMinusOne = a.Exponent == Bias && a.Significand == IntegerBit && a.IsNegative;
            return Exact(isMinusOne ? new(SignMask | (Bias - 1), IntegerBit) : a, FloatFlags.Precision, ref ctx);
        }

        WideFloat power = WideFloat.Multiply(Widen(a, ref flags), WideLnOf2);
        UInt128 fraction = power.ToFraction();
        WideFloat result = a.IsNegative
            ? power.Reduce(PowerSeries.Alternating(fraction, PowerSeries.Exponential))
            : power.Enlarge(PowerSeries.Growing(fraction, PowerSeries.Exponential));
        return RoundWide(result, flags, ref ctx);
    }

    /// <summary>FYL2X: y × log2 x (SDM Vol. 2, FYL2X).</summary>
    /// <param name="y">ST(1).</param>
    /// <param name="x">ST(0).</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 YLog2X(Float80 y, Float80 x, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(y) || IsNaNOrUnsupported(x)) return PropagateNaN(y, x, ref ctx);
        uint flags = y.IsDenormal || x.IsDenormal ? FloatFlags.Denormal : 0;
        if (x.IsZero)
        {
            if (y.IsZero) return Invalid(ref ctx);
            return Exact(SignedInfinity(!y.IsNegative), y.IsInfinity ? 0 : FloatFlags.DivideByZero, ref ctx);
        }

        if (x.IsNegative) return Invalid(ref ctx);
        bool isOne = x.Exponent == Bias && x.Significand == IntegerBit;
        bool logIsNegative = x.Exponent < Bias;
        if (x.IsInfinity || y.IsInfinity)
        {
            if (y.IsZero || isOne) return Invalid(ref ctx);
            return Exact(SignedInfinity(y.IsNegative != logIsNegative), flags, ref ctx);
        }

        if (y.IsZero || isOne) return Exact(SignedZero(y.IsNegative != logIsNegative), flags, ref ctx);
        WideFloat factor = Widen(y, ref flags);
        WideFloat argument = Widen(x, ref flags);
        return RoundProduct(factor, Log2(argument, out bool exact), exact, flags, ref ctx);
    }

    /// <summary>
    /// FYL2XP1: y × log2(x + 1), precise for a small x (SDM Vol. 2, FYL2XP1). For x up to −1, where
    /// the SDM leaves it undefined, x comes back with PE; above the documented range the result is right.
    /// </summary>
    /// <param name="y">ST(1).</param>
    /// <param name="x">ST(0).</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 YLog2XPlusOne(Float80 y, Float80 x, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(y) || IsNaNOrUnsupported(x)) return PropagateNaN(y, x, ref ctx);
        uint flags = y.IsDenormal || x.IsDenormal ? FloatFlags.Denormal : 0;
        if (x.IsInfinity)
        {
            if (x.IsNegative || y.IsZero) return Invalid(ref ctx);
            return Exact(SignedInfinity(y.IsNegative), flags, ref ctx);
        }

        bool negative = x.IsNegative != y.IsNegative;
        if (y.IsInfinity) return x.IsZero ? Invalid(ref ctx) : Exact(SignedInfinity(negative), flags, ref ctx);
        if (x.IsZero || y.IsZero) return Exact(SignedZero(negative), flags, ref ctx);
        WideFloat factor = Widen(y, ref flags);
        WideFloat offset = Widen(x, ref flags);
        if (offset.Exponent < -2) return RoundProduct(factor, Log2Near1(offset), false, flags, ref ctx);
        if (x.IsNegative && offset.Exponent >= 0) return Exact(x, flags | FloatFlags.Precision, ref ctx);
        return RoundProduct(factor, Log2(WideFloat.Add(WideOne, offset), out bool exact), exact, flags, ref ctx);
    }

    /// <summary>y × log2. Hardware reports PE (and UE) for a power of two's logarithm too, where the product is exact.</summary>
    private static Float80 RoundProduct(WideFloat y, WideFloat log, bool exact, uint flags, ref X87Context ctx)
    {
        WideFloat product = WideFloat.Multiply(y, log);
        if (!exact) return RoundWide(product, flags, ref ctx);
        int exponent = product.Exponent + Bias;
        flags |= exponent <= 0 && ctx.IsUnderflowMasked ? FloatFlags.Underflow | FloatFlags.Precision : FloatFlags.Precision;
        ulong high = (ulong)(product.Significand >> 64);
        return RoundPack(product.IsNegative, exponent, high, (ulong)product.Significand, FullPrecision, flags, ref ctx);
    }

    /// <summary>log2 of a positive number other than 1; exact for a power of two.</summary>
    private static WideFloat Log2(WideFloat x, out bool exact)
    {
        int exponent = x.Exponent;
        exact = x.Significand == UInt128.One << 127;
        if (exact) return WideFloat.FromInteger(exponent < 0, (uint)Math.Abs(exponent), 0);
        // x = 2^exponent × m, m in [1/√2, √2].
        bool upper = (ulong)(x.Significand >> 64) > SquareRootOf2;
        if (upper) exponent++;
        WideFloat mantissa = new(false, upper ? -1 : 0, x.Significand);
        WideFloat log = Log2Near1(WideFloat.Add(mantissa, WideOne.WithSign(true)));
        if (exponent == 0) return log;
        return WideFloat.Add(WideFloat.FromInteger(exponent < 0, (uint)Math.Abs(exponent), 0), log);
    }

    /// <summary>log2(1 + f) = 2/ln 2 × artanh(f/(2 + f)), for |f| up to about 0.42.</summary>
    private static WideFloat Log2Near1(WideFloat f)
    {
        WideFloat two = new(false, 1, WideOne.Significand);
        WideFloat s = WideFloat.Divide(f, WideFloat.Add(two, f));
        UInt128 square = WideFloat.Multiply(s, s).ToFraction();
        return WideFloat.Multiply(s.Enlarge(PowerSeries.Growing(square, PowerSeries.Odd)), WideTwoLog2OfE);
    }
}
