using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on 2 packed doubles. The host's vector arithmetic is taken where MXCSR asks for what every host does, PE is
/// set already, and no lane is special; any other operation goes lane by lane through <see cref="Float64"/>. Only portable vector
/// operations are used, and a NaN never comes from the host.
/// </summary>
public static partial class PackedFloat64
{
    private const int Lanes = 2;
    private const double MinNormal = 2.2250738585072014E-308;

    /// <summary>ADDPD: a + b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Add(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        Vector128<double> result = a + b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<AddLane>(a, b, ref ctx);
    }

    /// <summary>SUBPD: a − b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Subtract(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        Vector128<double> result = a - b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<SubtractLane>(a, b, ref ctx);
    }

    /// <summary>MULPD: a × b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Multiply(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        Vector128<double> result = a * b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormal(result)) return result;
        return ByLane<MultiplyLane>(a, b, ref ctx);
    }

    /// <summary>DIVPD: a ÷ b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Divide(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        Vector128<double> result = a / b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormal(result)) return result;
        return ByLane<DivideLane>(a, b, ref ctx);
    }

    /// <summary>MINPD: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Minimum(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.LessThan(a, b), a, b);
        return ByLane<MinimumLane>(a, b, ref ctx);
    }

    /// <summary>MAXPD: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Maximum(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);
        return ByLane<MaximumLane>(a, b, ref ctx);
    }

    /// <summary>SQRTPD.</summary>
    /// <param name="a">The operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> SquareRoot(Vector128<double> a, ref SseContext ctx)
    {
        Vector128<double> result = Vector128.Sqrt(a);
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreClearlyNormal(result)) return result;
        return ByLane<SquareRootLane>(a, a, ref ctx);
    }

    /// <summary>ADDSUBPD: even lanes are subtracted, odd ones added.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<double> AddSubtract(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<ulong> x = a.AsUInt64();
        Vector128<ulong> y = b.AsUInt64();
        Vector128<ulong> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            ulong value = (lane & 1) == 0
                ? Float64.Subtract(x[lane], y[lane], ref ctx)
                : Float64.Add(x[lane], y[lane], ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.AsDouble();
    }

    /// <summary>±(a × b) ± c in each lane, with one rounding (SDM Vol. 1, 14.5.1).</summary>
    /// <param name="a">The multiplicands. NaNs are chosen in the order a, b, c.</param>
    /// <param name="b">The multipliers.</param>
    /// <param name="c">The addends.</param>
    /// <param name="negateProduct">The product is negated (the FNM forms).</param>
    /// <param name="negateEven">The addend is subtracted in even lanes (SUB, and ADDSUB forms).</param>
    /// <param name="negateOdd">The addend is subtracted in odd lanes (SUB, and SUBADD forms).</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<double> FusedMultiplyAdd(
        Vector128<double> a,
        Vector128<double> b,
        Vector128<double> c,
        bool negateProduct,
        bool negateEven,
        bool negateOdd,
        ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact && negateEven == negateOdd)
        {
            Vector128<double> sum = Vector128.FusedMultiplyAdd(negateProduct ? -a : a, b, negateEven ? -c : c);
            if (AreAdmissible(a) && AreAdmissible(b) && AreAdmissible(c) && AreClearlyNormal(sum)) return sum;
        }

        uint before = ctx.Mxcsr;
        Vector128<ulong> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            bool negateAddend = (lane & 1) == 0 ? negateEven : negateOdd;
            ulong value = Float64.FusedMultiplyAdd(
                Bits(a, lane), Bits(b, lane), Bits(c, lane), negateProduct, negateAddend, ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.AsDouble();
    }

    /// <summary>CMPPD with any of the 32 predicates of AVX.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="predicate">The immediate; bits above 4 are ignored. An SSE instruction passes imm8 and 7.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>All ones or zero in each lane.</returns>
    public static Vector128<ulong> Compare(Vector128<double> a, Vector128<double> b, int predicate, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
        {
            Relation truth = FloatComparison.Truth(predicate);
            Vector128<double> mask = Vector128<double>.Zero;
            if ((truth & Relation.Less) != 0) mask |= Vector128.LessThan(a, b);
            if ((truth & Relation.Equal) != 0) mask |= Vector128.Equals(a, b);
            if ((truth & Relation.Greater) != 0) mask |= Vector128.GreaterThan(a, b);
            return mask.AsUInt64();
        }

        uint before = ctx.Mxcsr;
        Vector128<ulong> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            bool holds = Float64.Compare(Bits(a, lane), Bits(b, lane), predicate, ref ctx);
            result = result.WithElement(lane, holds ? ulong.MaxValue : 0);
        }

        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>ROUNDPD (SDM Vol. 2, ROUNDPD).</summary>
    /// <param name="a">The operand.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead, bit 3 suppresses PE.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<double> RoundToIntegral(Vector128<double> a, int control, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<ulong> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, Float64.RoundToIntegral(Bits(a, lane), control, ref ctx));
        ctx.SettlePacked(before);
        return result.AsDouble();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(Vector128<double> vector, int lane) => vector.AsUInt64()[lane];

    /// <summary>No lane is a denormal: each is zero, normal, infinite or a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreAdmissible(Vector128<double> a)
    {
        Vector128<double> magnitude = Vector128.Abs(a);
        Vector128<double> small = Vector128.LessThan(magnitude, Vector128.Create(MinNormal));
        return Vector128.AndNot(small, Vector128.Equals(magnitude, Vector128<double>.Zero)).AsUInt64()
            == Vector128<ulong>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreFinite(Vector128<double> a)
        => Vector128.LessThanOrEqualAll(Vector128.Abs(a), Vector128.Create(double.MaxValue));

    /// <summary>Every lane is finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreClearlyNormal(Vector128<double> a)
    {
        Vector128<double> magnitude = Vector128.Abs(a);
        return Vector128.GreaterThanAll(magnitude, Vector128.Create(MinNormal))
            && Vector128.LessThanOrEqualAll(magnitude, Vector128.Create(double.MaxValue));
    }

    /// <summary>No lane is a NaN in either.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreOrdered(Vector128<double> a, Vector128<double> b)
        => Vector128.EqualsAll(a, a) && Vector128.EqualsAll(b, b);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<double> ByLane<TOperation>(Vector128<double> a, Vector128<double> b, ref SseContext ctx)
        where TOperation : struct, ILaneOperation<ulong>
    {
        uint before = ctx.Mxcsr;
        Vector128<ulong> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, TOperation.Apply(Bits(a, lane), Bits(b, lane), ref ctx));
        ctx.SettlePacked(before);
        return result.AsDouble();
    }

    private readonly struct AddLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Add(a, b, ref ctx);
    }

    private readonly struct SubtractLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Subtract(a, b, ref ctx);
    }

    private readonly struct MultiplyLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Multiply(a, b, ref ctx);
    }

    private readonly struct DivideLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Divide(a, b, ref ctx);
    }

    private readonly struct MinimumLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Minimum(a, b, ref ctx);
    }

    private readonly struct MaximumLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.Maximum(a, b, ref ctx);
    }

    private readonly struct SquareRootLane : ILaneOperation<ulong>
    {
        public static ulong Apply(ulong a, ulong b, ref SseContext ctx) => Float64.SquareRoot(a, ref ctx);
    }
}
