using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on 128 bits of packed values. The host's vector arithmetic is taken where MXCSR asks for what every host does, PE is
/// set already, and no lane is special; any other operation goes lane by lane through <see cref="ScalarFloat{TFormat, TValue, TBits}"/>. Only
/// portable vector operations are used, and a NaN never comes from the host.
/// </summary>
/// <remarks><see cref="PackedFloat32"/> and <see cref="PackedFloat64"/> are this for the two formats, with their conversions.</remarks>
/// <typeparam name="TFormat">The format.</typeparam>
/// <typeparam name="TValue">The host's type of it.</typeparam>
/// <typeparam name="TBits">Its bits.</typeparam>
public abstract partial class PackedFloat<TFormat, TValue, TBits>
    where TFormat : struct, IHostFormat<TValue, TBits>
    where TValue : unmanaged, IBinaryFloatingPointIeee754<TValue>, IMinMaxValue<TValue>
    where TBits : unmanaged, IBinaryInteger<TBits>, IUnsignedNumber<TBits>
{
    private protected PackedFloat()
    {
    }

    /// <summary>ADDPS, ADDPD: a + b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Add(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a + b;
        if (ctx.IsHostLikeAndInexact && ArePlainSums(a, b, result)) return result;
        return AddSlow(a, b, ref ctx);
    }

    /// <summary>SUBPS, SUBPD: a − b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Subtract(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a - b;
        if (ctx.IsHostLikeAndInexact && ArePlainSums(a, b, result)) return result;
        return SubtractSlow(a, b, ref ctx);
    }

    /// <summary>MULPS, MULPD: a × b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Multiply(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a * b;
        if (ctx.IsHostLikeAndInexact && ArePlainProducts(a, b, result)) return result;
        return MultiplySlow(a, b, ref ctx);
    }

    /// <summary>DIVPS, DIVPD: a ÷ b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Divide(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a / b;
        if (ctx.IsHostLikeAndInexact && ArePlainProducts(a, b, result)) return result;
        return DivideSlow(a, b, ref ctx);
    }

    /// <summary>MINPS, MINPD: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Minimum(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.LessThan(a, b), a, b);
        return ByLane<MinimumLane>(a, b, ref ctx);
    }

    /// <summary>MAXPS, MAXPD: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> Maximum(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);
        return ByLane<MaximumLane>(a, b, ref ctx);
    }

    /// <summary>SQRTPS, SQRTPD.</summary>
    /// <param name="a">The operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<TValue> SquareRoot(Vector128<TValue> a, ref SseContext ctx)
    {
        Vector128<TValue> result = Vector128.Sqrt(a);
        if (ctx.IsHostLikeAndInexact && ArePlainProducts(a, a, result)) return result;
        return ByLane<SquareRootLane>(a, a, ref ctx);
    }

    /// <summary>ADDSUBPS, ADDSUBPD: even lanes are subtracted, odd ones added.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<TValue> AddSubtract(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<TBits> x = a.As<TValue, TBits>();
        Vector128<TBits> y = b.As<TValue, TBits>();
        Vector128<TBits> result = default;
        for (int lane = 0; lane < Vector128<TBits>.Count; lane++)
        {
            TBits value = (lane & 1) == 0
                ? ScalarFloat<TFormat, TValue, TBits>.Subtract(x[lane], y[lane], ref ctx)
                : ScalarFloat<TFormat, TValue, TBits>.Add(x[lane], y[lane], ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.As<TBits, TValue>();
    }

    /// <summary>±(a × b) ± c in each lane, with one rounding (SDM Vol. 1, 14.5.1).</summary>
    /// <param name="a">The multiplicands. NaNs are chosen in the order a, b, c.</param>
    /// <param name="b">The multipliers.</param>
    /// <param name="c">The addends.</param>
    /// <param name="negateProduct">The product is negated (the FNM forms).</param>
    /// <param name="negateEven">The addend is subtracted in even lanes (SUB, and ADDSUB forms).</param>
    /// <param name="negateOdd">The addend is subtracted in odd lanes (SUB, and SUBADD forms).</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<TValue> FusedMultiplyAdd(
        Vector128<TValue> a,
        Vector128<TValue> b,
        Vector128<TValue> c,
        bool negateProduct,
        bool negateEven,
        bool negateOdd,
        ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact && negateEven == negateOdd)
        {
            Vector128<TValue> sum = TFormat.FusedMultiplyAdd(negateProduct ? -a : a, b, negateEven ? -c : c);
            if (AreAdmissible(a) && AreAdmissible(b) && AreAdmissible(c) && AreClearlyNormal(sum)) return sum;
        }

        uint before = ctx.Mxcsr;
        Vector128<TBits> result = default;
        for (int lane = 0; lane < Vector128<TBits>.Count; lane++)
        {
            bool negateAddend = (lane & 1) == 0 ? negateEven : negateOdd;
            TBits value = ScalarFloat<TFormat, TValue, TBits>.FusedMultiplyAdd(
                Bits(a, lane), Bits(b, lane), Bits(c, lane), negateProduct, negateAddend, ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.As<TBits, TValue>();
    }

    /// <summary>CMPPS, CMPPD with any of the 32 predicates of AVX.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="predicate">The immediate; bits above 4 are ignored. An SSE instruction passes imm8 and 7.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>All ones or zero in each lane.</returns>
    public static Vector128<TBits> Compare(Vector128<TValue> a, Vector128<TValue> b, int predicate, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
        {
            Relation truth = FloatComparison.Truth(predicate);
            Vector128<TValue> mask = Vector128<TValue>.Zero;
            if ((truth & Relation.Less) != 0) mask |= Vector128.LessThan(a, b);
            if ((truth & Relation.Equal) != 0) mask |= Vector128.Equals(a, b);
            if ((truth & Relation.Greater) != 0) mask |= Vector128.GreaterThan(a, b);
            return mask.As<TValue, TBits>();
        }

        uint before = ctx.Mxcsr;
        Vector128<TBits> result = default;
        for (int lane = 0; lane < Vector128<TBits>.Count; lane++)
        {
            bool holds = ScalarFloat<TFormat, TValue, TBits>.Compare(Bits(a, lane), Bits(b, lane), predicate, ref ctx);
            result = result.WithElement(lane, holds ? ~TBits.Zero : TBits.Zero);
        }

        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>ROUNDPS, ROUNDPD (SDM Vol. 2, ROUNDPD).</summary>
    /// <param name="a">The operand.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead, bit 3 suppresses PE.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<TValue> RoundToIntegral(Vector128<TValue> a, int control, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<TBits> result = default;
        for (int lane = 0; lane < Vector128<TBits>.Count; lane++)
            result = result.WithElement(lane, ScalarFloat<TFormat, TValue, TBits>.RoundToIntegral(Bits(a, lane), control, ref ctx));
        ctx.SettlePacked(before);
        return result.As<TBits, TValue>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static TBits Bits(Vector128<TValue> vector, int lane) => vector.As<TValue, TBits>()[lane];

    /// <summary>No lane is a denormal: each is zero, normal, infinite or a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreAdmissible(Vector128<TValue> a)
    {
        Vector128<TValue> magnitude = Vector128.Abs(a);
        Vector128<TValue> small = Vector128.LessThan(magnitude, Vector128.Create(TFormat.LeastNormal));
        return Vector128.AndNot(small, Vector128.Equals(magnitude, Vector128<TValue>.Zero)).As<TValue, TBits>()
            == Vector128<TBits>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreFinite(Vector128<TValue> a)
        => Vector128.LessThanOrEqualAll(Vector128.Abs(a), Vector128.Create(TValue.MaxValue));

    /// <summary>Every lane is finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreClearlyNormal(Vector128<TValue> a) => AreClearlyNormalOr(Vector128<TValue>.Zero, a);

    /// <summary>The same, but for lanes that are exactly zero.</summary>
    /// <param name="zeros">All ones where that is so.</param>
    /// <param name="a">The results.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreClearlyNormalOr(Vector128<TValue> zeros, Vector128<TValue> a)
    {
        Vector128<TValue> normal = Vector128.GreaterThan(Vector128.Abs(a), Vector128.Create(TFormat.LeastNormal));
        return (normal | zeros).As<TValue, TBits>() == Vector128<TBits>.AllBitsSet && AreFinite(a);
    }

    /// <summary>No lane is a NaN in either.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreOrdered(Vector128<TValue> a, Vector128<TValue> b)
        => Vector128.EqualsAll(a, a) && Vector128.EqualsAll(b, b);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<TValue> AddSlow(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a + b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<AddLane>(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<TValue> SubtractSlow(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a - b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<SubtractLane>(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<TValue> MultiplySlow(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a * b;
        Vector128<TValue> zeros = Vector128.Equals(a, Vector128<TValue>.Zero) | Vector128.Equals(b, Vector128<TValue>.Zero);
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormalOr(zeros, result)) return result;
        return ByLane<MultiplyLane>(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<TValue> DivideSlow(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
    {
        Vector128<TValue> result = a / b;
        Vector128<TValue> zeros = Vector128.Equals(a, Vector128<TValue>.Zero);
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormalOr(zeros, result)) return result;
        return ByLane<DivideLane>(a, b, ref ctx);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<TValue> ByLane<TOperation>(Vector128<TValue> a, Vector128<TValue> b, ref SseContext ctx)
        where TOperation : struct, ILaneOperation<TBits>
    {
        uint before = ctx.Mxcsr;
        Vector128<TBits> result = default;
        for (int lane = 0; lane < Vector128<TBits>.Count; lane++)
            result = result.WithElement(lane, TOperation.Apply(Bits(a, lane), Bits(b, lane), ref ctx));
        ctx.SettlePacked(before);
        return result.As<TBits, TValue>();
    }

    private readonly struct AddLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Add(a, b, ref ctx);
    }

    private readonly struct SubtractLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Subtract(a, b, ref ctx);
    }

    private readonly struct MultiplyLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Multiply(a, b, ref ctx);
    }

    private readonly struct DivideLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Divide(a, b, ref ctx);
    }

    private readonly struct MinimumLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Minimum(a, b, ref ctx);
    }

    private readonly struct MaximumLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.Maximum(a, b, ref ctx);
    }

    private readonly struct SquareRootLane : ILaneOperation<TBits>
    {
        public static TBits Apply(TBits a, TBits b, ref SseContext ctx) => ScalarFloat<TFormat, TValue, TBits>.SquareRoot(a, ref ctx);
    }
}
