using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on one single-precision value, given as its bits: bit- and flag-exact under every MXCSR
/// (SDM Vol. 1, 4.8, 4.9, 10.2.3 and 11.5). Where MXCSR asks for what every host does (to nearest, all masked, no DAZ, no FTZ)
/// and nothing special is met, the host's own arithmetic is taken; it is bit-identical there, on any host.
/// </summary>
/// <remarks>
/// An operation raises its exceptions in the context; where <see cref="SseContext.Unmasked"/> is not zero afterwards, the
/// result is meaningless. Two-operand instructions return the first operand's NaN: pass the destination first.
/// </remarks>
public static partial class Float32
{
    /// <summary>The QNaN that a masked invalid operation returns (SDM Vol. 1, 4.8.3.7).</summary>
    public const uint Indefinite = 0xFFC0_0000;

    private const uint SignBit = 1U << 31;
    private const uint FractionMask = (1U << 23) - 1;
    private const uint QuietBit = 1U << 22;
    private const uint MinNormal = FractionMask + 1;
    private const uint Infinity = 0xFFU << 23;
    private const uint ResidualLimit = 80U << 23;
    private const uint TwoTo30 = (127U + 30) << 23;
    private const uint TwoTo62 = (127U + 62) << 23;
    private const uint TwoTo31 = (127U + 31) << 23;
    private const uint TwoTo63 = (127U + 63) << 23;

    /// <summary>a + b (ADDSS).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Add(uint a, uint b, ref SseContext ctx)
    {
        uint sum = Bits(Value(a) + Value(b));
        // A denormal sum of normal numbers is exact, so that only the range's upper end matters.
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsFinite(sum)) return sum;
        return AddSlow(a, b, ref ctx);
    }

    /// <summary>a − b (SUBSS).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Subtract(uint a, uint b, ref SseContext ctx)
    {
        uint difference = Bits(Value(a) - Value(b));
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsFinite(difference)) return difference;
        return SubtractSlow(a, b, ref ctx);
    }

    /// <summary>a × b (MULSS).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Multiply(uint a, uint b, ref SseContext ctx)
    {
        uint product = Bits(Value(a) * Value(b));
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsClearlyNormal(product)) return product;
        return MultiplySlow(a, b, ref ctx);
    }

    /// <summary>a ÷ b (DIVSS).</summary>
    /// <param name="a">The dividend's bits.</param>
    /// <param name="b">The divisor's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Divide(uint a, uint b, ref SseContext ctx)
    {
        uint quotient = Bits(Value(a) / Value(b));
        // A normal quotient is neither x/0 nor x/∞ nor ∞/x.
        if (ctx.IsHostLikeAndInexact && !IsDenormal(a) && !IsDenormal(b) && IsClearlyNormal(quotient)) return quotient;
        return DivideSlow(a, b, ref ctx);
    }

    /// <summary>√a (SQRTSS).</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SquareRoot(uint a, ref SseContext ctx)
    {
        uint root = Bits(MathF.Sqrt(Value(a)));
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
    public static uint FusedMultiplyAdd(
        uint a, uint b, uint c, bool negateProduct, bool negateAddend, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact)
        {
            float result = MathF.FusedMultiplyAdd(
                Value(negateProduct ? a ^ SignBit : a), Value(b), Value(negateAddend ? c ^ SignBit : c));
            if (!IsDenormal(a) && !IsDenormal(b) && !IsDenormal(c) && IsClearlyNormal(Bits(result))) return Bits(result);
        }

        return FusedMultiplyAddSlow(a, b, c, negateProduct, negateAddend, ref ctx);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Value(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsDenormal(uint a) => (a & ~SignBit) - 1 < FractionMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNaN(uint a) => (a & ~SignBit) > Infinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsFinite(uint a) => (a & ~SignBit) < Infinity;

    /// <summary>Finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsClearlyNormal(uint a) => (a & ~SignBit) - (MinNormal + 1) < Infinity - (MinNormal + 1);

    /// <summary>
    /// Normal and so large that the rounding error of a product, or a remainder, is representable too: the residual
    /// that a fused multiply-add gives is then zero only where the result is exact.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasExactResidual(uint a) => (a & ~SignBit) - ResidualLimit < Infinity - ResidualLimit;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint AddSlow(uint a, uint b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            float x = Value(a);
            float y = Value(b);
            float sum = x + y;
            if (IsFinite(Bits(sum)) && IsExactSum(x, y, sum)) return Bits(sum);
        }

        return (uint)SoftFloat<Binary32>.Add(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint SubtractSlow(uint a, uint b, ref SseContext ctx)
    {
        if (ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            float x = Value(a);
            float y = -Value(b);
            float sum = x + y;
            if (IsFinite(Bits(sum)) && IsExactSum(x, y, sum)) return Bits(sum);
        }

        return (uint)SoftFloat<Binary32>.Subtract(a, b, ref ctx);
    }

    /// <summary>Knuth's two-sum: the rounding error of x + y is zero. An overflow on the way gives a NaN, hence false.</summary>
    private static bool IsExactSum(float x, float y, float sum)
    {
        float part = sum - x;
        return (x - (sum - part)) + (y - part) == 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint MultiplySlow(uint a, uint b, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            float product = Value(a) * Value(b);
            if (HasExactResidual(Bits(product)) && MathF.FusedMultiplyAdd(Value(a), Value(b), -product) == 0)
                return Bits(product);
        }

        return (uint)SoftFloat<Binary32>.Multiply(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint DivideSlow(uint a, uint b, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && !IsDenormal(a) && !IsDenormal(b))
        {
            float quotient = Value(a) / Value(b);
            if (IsClearlyNormal(Bits(quotient)) && HasExactResidual(a)
                && MathF.FusedMultiplyAdd(quotient, Value(b), -Value(a)) == 0)
            {
                return Bits(quotient);
            }
        }

        return (uint)SoftFloat<Binary32>.Divide(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint SquareRootSlow(uint a, ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLike && HasExactResidual(a))
        {
            float root = MathF.Sqrt(Value(a));
            if (IsFinite(Bits(root)) && MathF.FusedMultiplyAdd(root, root, -Value(a)) == 0) return Bits(root);
        }

        return (uint)SoftFloat<Binary32>.SquareRoot(a, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint FusedMultiplyAddSlow(
        uint a, uint b, uint c, bool negateProduct, bool negateAddend, ref SseContext ctx)
        => (uint)SoftFloat<Binary32>.FusedMultiplyAdd(a, b, c, negateProduct, negateAddend, ref ctx);
}
