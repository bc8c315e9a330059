using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on one double-precision value, given as its bits: bit- and flag-exact under every MXCSR
/// (SDM Vol. 1, 4.8, 4.9, 10.2.3 and 11.5). Where MXCSR asks for what every host does (to nearest, all masked, no DAZ, no FTZ)
/// and nothing special is met, the host's own arithmetic is taken; it is bit-identical there, on any host.
/// </summary>
/// <remarks>
/// An operation raises its exceptions in the context; where <see cref="SseContext.Unmasked"/> is not zero afterwards, the
/// result is meaningless. Two-operand instructions return the first operand's NaN: pass the destination first.
/// </remarks>
public static partial class Float64
{
    /// <summary>The QNaN that a masked invalid operation returns (SDM Vol. 1, 4.8.3.7).</summary>
    public const ulong Indefinite = 0xFFF8_0000_0000_0000;

    private const ulong SignBit = 1UL << 63;
    private const ulong FractionMask = (1UL << 52) - 1;
    private const ulong MinNormal = FractionMask + 1;
    private const ulong Infinity = 0x7FFUL << 52;
    private const ulong ResidualLimit = 200UL << 52;
    private const ulong TwoTo30 = (1023UL + 30) << 52;
    private const ulong TwoTo62 = (1023UL + 62) << 52;
    private const ulong TwoTo31 = (1023UL + 31) << 52;
    private const ulong TwoTo63 = (1023UL + 63) << 52;

    /// <summary>a + b (ADDSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ulong a, ulong b, ref SseContext ctx)
    {
        ulong sum = Bits(Value(a) + Value(b));
        // A denormal sum of normal numbers is exact, so that only the range's upper end matters.
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsFinite(sum)) return sum;
        return AddSlow(a, b, ref ctx);
    }

    /// <summary>a − b (SUBSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Subtract(ulong a, ulong b, ref SseContext ctx)
    {
        ulong difference = Bits(Value(a) - Value(b));
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsFinite(difference)) return difference;
        return SubtractSlow(a, b, ref ctx);
    }

    /// <summary>a × b (MULSD).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Multiply(ulong a, ulong b, ref SseContext ctx)
    {
        ulong product = Bits(Value(a) * Value(b));
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsClearlyNormal(product)) return product;
        return MultiplySlow(a, b, ref ctx);
    }

    /// <summary>a ÷ b (DIVSD).</summary>
    /// <param name="a">The dividend's bits.</param>
    /// <param name="b">The divisor's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Divide(ulong a, ulong b, ref SseContext ctx)
    {
        ulong quotient = Bits(Value(a) / Value(b));
        // A normal quotient is neither x/0 nor x/∞ nor ∞/x.
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsClearlyNormal(quotient)) return quotient;
        return DivideSlow(a, b, ref ctx);
    }

    /// <summary>√a (SQRTSD).</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SquareRoot(ulong a, ref SseContext ctx)
    {
        ulong root = Bits(Math.Sqrt(Value(a)));
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && IsClearlyNormal(root)) return root;
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
    public static ulong FusedMultiplyAdd(
        ulong a, ulong b, ulong c, bool negateProduct, bool negateAddend, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact)
        {
            double result = Math.FusedMultiplyAdd(
                Value(negateProduct ? a ^ SignBit : a), Value(b), Value(negateAddend ? c ^ SignBit : c));
            if (!IsDenormal(a) && !IsDenormal(b) && !IsDenormal(c) && IsClearlyNormal(Bits(result))) return Bits(result);
        }

        return FusedMultiplyAddSlow(a, b, c, negateProduct, negateAddend, ref ctx);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Value(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsDenormal(ulong a) => (a & ~SignBit) - 1 < FractionMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNaN(ulong a) => (a & ~SignBit) > Infinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsFinite(ulong a) => (a & ~SignBit) < Infinity;

    /// <summary>Finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsClearlyNormal(ulong a) => (a & ~SignBit) - (MinNormal + 1) < Infinity - (MinNormal + 1);

    /// <summary>
    /// Normal and so large that the rounding error of a product, or a remainder, is representable too: the residual
    /// that a fused multiply-add gives is then zero only where the result is exact.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasExactResidual(ulong a) => (a & ~SignBit) - ResidualLimit < Infinity - ResidualLimit;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong AddSlow(ulong a, ulong b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            double x = Value(a);
            double y = Value(b);
            double sum = x + y;
            if (IsFinite(Bits(sum)) && IsExactSum(x, y, sum)) return Bits(sum);
        }

        return (ulong)SoftFloat<Binary64>.Add(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong SubtractSlow(ulong a, ulong b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            double x = Value(a);
            double y = -Value(b);
            double sum = x + y;
            if (IsFinite(Bits(sum)) && IsExactSum(x, y, sum)) return Bits(sum);
        }

        return (ulong)SoftFloat<Binary64>.Subtract(a, b, ref ctx);
    }

    /// <summary>Knuth's two-sum: the rounding error of x + y is zero. An overflow on the way gives a NaN, hence false.</summary>
    private static bool IsExactSum(double x, double y, double sum)
    {
        double part = sum - x;
        return (x - (sum - part)) + (y - part) == 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong MultiplySlow(ulong a, ulong b, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            double product = Value(a) * Value(b);
            if (HasExactResidual(Bits(product)) && Math.FusedMultiplyAdd(Value(a), Value(b), -product) == 0)
                return Bits(product);
        }

        return (ulong)SoftFloat<Binary64>.Multiply(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong DivideSlow(ulong a, ulong b, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            double quotient = Value(a) / Value(b);
            if (IsClearlyNormal(Bits(quotient)) && HasExactResidual(a)
                && Math.FusedMultiplyAdd(quotient, Value(b), -Value(a)) == 0)
            {
                return Bits(quotient);
            }
        }

        return (ulong)SoftFloat<Binary64>.Divide(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong SquareRootSlow(ulong a, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && HasExactResidual(a))
        {
            double root = Math.Sqrt(Value(a));
            if (IsFinite(Bits(root)) && Math.FusedMultiplyAdd(root, root, -Value(a)) == 0) return Bits(root);
        }

        return (ulong)SoftFloat<Binary64>.SquareRoot(a, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong FusedMultiplyAddSlow(
        ulong a, ulong b, ulong c, bool negateProduct, bool negateAddend, ref SseContext ctx)
        => (ulong)SoftFloat<Binary64>.FusedMultiplyAdd(a, b, c, negateProduct, negateAddend, ref ctx);
}
