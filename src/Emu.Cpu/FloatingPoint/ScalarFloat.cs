using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on one value of a format, given as its bits: bit- and flag-exact under every MXCSR
/// (SDM Vol. 1, 4.8, 4.9, 10.2.3 and 11.5). Where MXCSR asks for what every host does (to nearest, all masked, no DAZ, no FTZ)
/// and nothing special is met, the host's own arithmetic is taken; it is bit-identical there, on any host.
/// </summary>
/// <remarks>
/// An operation raises its exceptions in the context; where <see cref="SseContext.Unmasked"/> is not zero afterwards, the
/// result is meaningless. Two-operand instructions return the first operand's NaN: pass the destination first.
/// <see cref="Float32"/> and <see cref="Float64"/> are this for the two formats, with their conversions; the JIT compiles each by itself, with
/// the format's properties as constants.
/// </remarks>
/// <typeparam name="TFormat">The format.</typeparam>
/// <typeparam name="TValue">The host's type of it.</typeparam>
/// <typeparam name="TBits">Its bits.</typeparam>
public abstract partial class ScalarFloat<TFormat, TValue, TBits>
    where TFormat : struct, IHostFormat<TValue, TBits>
    where TValue : unmanaged, IBinaryFloatingPointIeee754<TValue>, IMinMaxValue<TValue>
    where TBits : unmanaged, IBinaryInteger<TBits>, IUnsignedNumber<TBits>
{
    private protected ScalarFloat()
    {
    }

    /// <summary>The QNaN that a masked invalid operation returns (SDM Vol. 1, 4.8.3.7).</summary>
    public static TBits Indefinite => SignBit | Infinity | (MinNormal >> 1);

    /// <summary>The sign.</summary>
    private protected static TBits SignBit => TBits.One << (TFormat.FractionBits + TFormat.ExponentBits);

    /// <summary>The stored bits of the significand.</summary>
    private protected static TBits FractionMask => MinNormal - TBits.One;

    /// <summary>The least normal number.</summary>
    private protected static TBits MinNormal => TBits.One << TFormat.FractionBits;

    /// <summary>+∞.</summary>
    private protected static TBits Infinity => ((TBits.One << TFormat.ExponentBits) - TBits.One) << TFormat.FractionBits;

    // From here on the residual of an operation is itself normal: it lies two widths of the significand lower at most.
    private static TBits ResidualLimit => TBits.CreateTruncating(3 * TFormat.FractionBits) << TFormat.FractionBits;

    /// <summary>a + b (ADDSS, ADDSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Add(TBits a, TBits b, ref SseContext ctx)
    {
        TBits sum = Bits(Value(a) + Value(b));
        if (ctx.IsHostLikeAndInexact && IsPlainSum(a, b, sum)) return sum;
        return AddSlow(a, b, ref ctx);
    }

    /// <summary>a − b (SUBSS, SUBSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Subtract(TBits a, TBits b, ref SseContext ctx)
    {
        TBits difference = Bits(Value(a) - Value(b));
        if (ctx.IsHostLikeAndInexact && IsPlainSum(a, b, difference)) return difference;
        return SubtractSlow(a, b, ref ctx);
    }

    /// <summary>a × b (MULSS, MULSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Multiply(TBits a, TBits b, ref SseContext ctx)
    {
        TBits product = Bits(Value(a) * Value(b));
        if (ctx.IsHostLikeAndInexact && IsPlainProduct(a, b, product)) return product;
        return MultiplySlow(a, b, ref ctx);
    }

    /// <summary>a ÷ b (DIVSS, DIVSD).</summary>
    /// <param name="a">The dividend's bits.</param>
    /// <param name="b">The divisor's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Divide(TBits a, TBits b, ref SseContext ctx)
    {
        TBits quotient = Bits(Value(a) / Value(b));
        // A normal quotient is neither x/0 nor x/∞ nor ∞/x.
        if (ctx.IsHostLikeAndInexact && IsPlainProduct(a, b, quotient)) return quotient;
        return DivideSlow(a, b, ref ctx);
    }

    /// <summary>√a (SQRTSS, SQRTSD).</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits SquareRoot(TBits a, ref SseContext ctx)
    {
        TBits root = Bits(TValue.Sqrt(Value(a)));
        if (ctx.IsHostLikeAndInexact && IsPlainProduct(a, a, root)) return root;
        return SquareRootSlow(a, ref ctx);
    }

    /// <summary>±(a × b) ± c with one rounding (SDM Vol. 1, 14.5.1).</summary>
    /// <param name="a">The multiplicand's bits. NaNs are chosen in the order a, b, c.</param>
    /// <param name="b">The multiplier's bits.</param>
    /// <param name="c">The addend's bits.</param>
    /// <param name="negateProduct">The product is negated (the FNM forms).</param>
    /// <param name="negateAddend">The addend is subtracted (the SUB forms).</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits FusedMultiplyAdd(
        TBits a, TBits b, TBits c, bool negateProduct, bool negateAddend, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact)
        {
            TValue result = TValue.FusedMultiplyAdd(
                Value(negateProduct ? a ^ SignBit : a), Value(b), Value(negateAddend ? c ^ SignBit : c));
            if (!IsDenormal(a) && !IsDenormal(b) && !IsDenormal(c) && IsClearlyNormal(Bits(result))) return Bits(result);
        }

        return FusedMultiplyAddSlow(a, b, c, negateProduct, negateAddend, ref ctx);
    }

    /// <summary>ROUNDSS, ROUNDSD (SDM Vol. 2, ROUNDPD). Denormals raise no DE here.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead, bit 3 suppresses PE.</param>
    /// <param name="ctx">MXCSR.</param>
    public static TBits RoundToIntegral(TBits a, int control, ref SseContext ctx)
    {
        RoundingMode mode = (control & 4) != 0 ? ctx.Rounding : (RoundingMode)(control & 3);
        if (IsPlain(a) && ((control & 8) != 0 || ctx.IgnoresInexact))
        {
            // No exception can show, and the sign stays, also on a zero.
            return (a & SignBit) | Bits(mode switch
            {
                RoundingMode.Nearest => TValue.Round(Value(a)),
                RoundingMode.Down => TValue.Floor(Value(a)),
                RoundingMode.Up => TValue.Ceiling(Value(a)),
                _ => TValue.Truncate(Value(a)),
            });
        }

        return Narrow(SoftFloat<TFormat>.RoundToIntegral(Widen(a), mode, (control & 8) != 0, ref ctx));
    }

    /// <summary>
    /// Whether a host's sum or difference is what the guest gets while <see cref="SseContext.IsHostLikeAndInexact"/>, and leaves no trace. A few that
    /// would be (those with a zero operand) are missed: the test is to be cheap.
    /// </summary>
    /// <remarks>
    /// No operand is denormal, and with a finite result none is infinite or a NaN. A denormal sum of normal numbers is exact, so that only the
    /// range's upper end matters.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlainSum(TBits a, TBits b, TBits result) =>
        TFormat.HasExponent(a) && TFormat.HasExponent(b) && TFormat.IsFinite(result);

    /// <summary>The same for a product or quotient, or a root of <paramref name="a"/> given twice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlainProduct(TBits a, TBits b, TBits result) =>
        TFormat.HasExponent(a) && TFormat.HasExponent(b) && TFormat.IsSafelyNormal(result);

    /// <summary>The same for a × b + c with one rounding, whatever the signs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlainFused(TBits a, TBits b, TBits c, TBits result) => TFormat.HasExponent(c) && IsPlainProduct(a, b, result);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static TValue Value(TBits bits) => TFormat.Value(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static TBits Bits(TValue value) => TFormat.Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsZero(TBits a) => (a & ~SignBit) == TBits.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static bool IsDenormal(TBits a) => TFormat.IsDenormal(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static bool IsNaN(TBits a) => TFormat.IsNaN(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static bool IsFinite(TBits a) => TFormat.IsFinite(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsClearlyNormal(TBits a) => TFormat.IsClearlyNormal(a);

    /// <summary>
    /// Normal and so large that the rounding error of a product, or a remainder, is representable too: the residual
    /// that a fused multiply-add gives is then zero only where the result is exact.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasExactResidual(TBits a) => (a & ~SignBit) - ResidualLimit < Infinity - ResidualLimit;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits AddSlow(TBits a, TBits b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            TValue x = Value(a);
            TValue y = Value(b);
            TValue sum = x + y;
            if (IsFinite(Bits(sum)) && (ctx.IsHostLikeAndInexact || IsExactSum(x, y, sum))) return Bits(sum);
        }

        return Narrow(SoftFloat<TFormat>.Add(Widen(a), Widen(b), ref ctx));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits SubtractSlow(TBits a, TBits b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            TValue x = Value(a);
            TValue y = -Value(b);
            TValue sum = x + y;
            if (IsFinite(Bits(sum)) && (ctx.IsHostLikeAndInexact || IsExactSum(x, y, sum))) return Bits(sum);
        }

        return Narrow(SoftFloat<TFormat>.Subtract(Widen(a), Widen(b), ref ctx));
    }

    /// <summary>Knuth's two-sum: the rounding error of x + y is zero. An overflow on the way gives a NaN, hence false.</summary>
    private static bool IsExactSum(TValue x, TValue y, TValue sum)
    {
        TValue part = sum - x;
        return (x - (sum - part)) + (y - part) == TValue.Zero;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits MultiplySlow(TBits a, TBits b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            TValue product = Value(a) * Value(b);
            if (IsClearlyNormal(Bits(product)) && ctx.IsHostLikeAndInexact) return Bits(product);
            // Zero times a number; zero times infinity is a NaN.
            if ((IsZero(a) || IsZero(b)) && IsFinite(Bits(product))) return Bits(product);
            if (HostArithmetic.HasFusedMultiplyAdd && HasExactResidual(Bits(product))
                && TValue.FusedMultiplyAdd(Value(a), Value(b), -product) == TValue.Zero)
            {
                return Bits(product);
            }
        }

        return Narrow(SoftFloat<TFormat>.Multiply(Widen(a), Widen(b), ref ctx));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits DivideSlow(TBits a, TBits b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            TValue quotient = Value(a) / Value(b);
            if (IsClearlyNormal(Bits(quotient)) && ctx.IsHostLikeAndInexact) return Bits(quotient);
            // Zero through anything but zero and NaNs.
            if (IsZero(a) && IsFinite(Bits(quotient))) return Bits(quotient);
            if (HostArithmetic.HasFusedMultiplyAdd && IsClearlyNormal(Bits(quotient)) && HasExactResidual(a)
                && TValue.FusedMultiplyAdd(quotient, Value(b), -Value(a)) == TValue.Zero)
            {
                return Bits(quotient);
            }
        }

        return Narrow(SoftFloat<TFormat>.Divide(Widen(a), Widen(b), ref ctx));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits SquareRootSlow(TBits a, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && HasExactResidual(a))
        {
            TValue root = TValue.Sqrt(Value(a));
            if (IsFinite(Bits(root)) && TValue.FusedMultiplyAdd(root, root, -Value(a)) == TValue.Zero) return Bits(root);
        }

        return Narrow(SoftFloat<TFormat>.SquareRoot(Widen(a), ref ctx));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TBits FusedMultiplyAddSlow(
        TBits a, TBits b, TBits c, bool negateProduct, bool negateAddend, ref SseContext ctx)
        => Narrow(SoftFloat<TFormat>.FusedMultiplyAdd(Widen(a), Widen(b), Widen(c), negateProduct, negateAddend, ref ctx));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Widen(TBits bits) => ulong.CreateTruncating(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBits Narrow(ulong bits) => TBits.CreateTruncating(bits);
}
