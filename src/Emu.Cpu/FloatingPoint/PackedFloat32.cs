using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on 4 packed singles. The host's vector arithmetic is taken where MXCSR asks for what every host does, PE is
/// set already, and no lane is special; any other operation goes lane by lane through <see cref="Float32"/>. Only portable vector
/// operations are used, and a NaN never comes from the host.
/// </summary>
public static partial class PackedFloat32
{
    private const int Lanes = 4;
    private const float MinNormal = 1.17549435E-38f;

    /// <summary>ADDPS: a + b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        Vector128<float> result = a + b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<AddLane>(a, b, ref ctx);
    }

    /// <summary>SUBPS: a − b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        Vector128<float> result = a - b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreFinite(result)) return result;
        return ByLane<SubtractLane>(a, b, ref ctx);
    }

    /// <summary>MULPS: a × b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        Vector128<float> result = a * b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormal(result)) return result;
        return ByLane<MultiplyLane>(a, b, ref ctx);
    }

    /// <summary>DIVPS: a ÷ b in each lane.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        Vector128<float> result = a / b;
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreAdmissible(b) && AreClearlyNormal(result)) return result;
        return ByLane<DivideLane>(a, b, ref ctx);
    }

    /// <summary>MINPS: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Minimum(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.LessThan(a, b), a, b);
        return ByLane<MinimumLane>(a, b, ref ctx);
    }

    /// <summary>MAXPS: in each lane, the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand (the destination of a two-operand form).</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Maximum(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
            return Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);
        return ByLane<MaximumLane>(a, b, ref ctx);
    }

    /// <summary>SQRTPS.</summary>
    /// <param name="a">The operand.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SquareRoot(Vector128<float> a, ref SseContext ctx)
    {
        Vector128<float> result = Vector128.Sqrt(a);
        if (ctx.IsHostLikeAndInexact && AreAdmissible(a) && AreClearlyNormal(result)) return result;
        return ByLane<SquareRootLane>(a, a, ref ctx);
    }

    /// <summary>ADDSUBPS: even lanes are subtracted, odd ones added.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<float> AddSubtract(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> y = b.AsUInt32();
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            uint value = (lane & 1) == 0
                ? Float32.Subtract(x[lane], y[lane], ref ctx)
                : Float32.Add(x[lane], y[lane], ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.AsSingle();
    }

    /// <summary>±(a × b) ± c in each lane, with one rounding (SDM Vol. 1, 14.5.1).</summary>
    /// <param name="a">The multiplicands. NaNs are chosen in the order a, b, c.</param>
    /// <param name="b">The multipliers.</param>
    /// <param name="c">The addends.</param>
    /// <param name="negateProduct">The product is negated (the FNM forms).</param>
    /// <param name="negateEven">The addend is subtracted in even lanes (SUB, and ADDSUB forms).</param>
    /// <param name="negateOdd">The addend is subtracted in odd lanes (SUB, and SUBADD forms).</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<float> FusedMultiplyAdd(
        Vector128<float> a,
        Vector128<float> b,
        Vector128<float> c,
        bool negateProduct,
        bool negateEven,
        bool negateOdd,
        ref SseContext ctx)
    {
        if (HostArithmetic.HasFusedMultiplyAdd && ctx.IsHostLikeAndInexact && negateEven == negateOdd)
        {
            Vector128<float> sum = Vector128.FusedMultiplyAdd(negateProduct ? -a : a, b, negateEven ? -c : c);
            if (AreAdmissible(a) && AreAdmissible(b) && AreAdmissible(c) && AreClearlyNormal(sum)) return sum;
        }

        uint before = ctx.Mxcsr;
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            bool negateAddend = (lane & 1) == 0 ? negateEven : negateOdd;
            uint value = Float32.FusedMultiplyAdd(
                Bits(a, lane), Bits(b, lane), Bits(c, lane), negateProduct, negateAddend, ref ctx);
            result = result.WithElement(lane, value);
        }

        ctx.SettlePacked(before);
        return result.AsSingle();
    }

    /// <summary>CMPPS with any of the 32 predicates of AVX.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="predicate">The immediate; bits above 4 are ignored. An SSE instruction passes imm8 and 7.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>All ones or zero in each lane.</returns>
    public static Vector128<uint> Compare(Vector128<float> a, Vector128<float> b, int predicate, ref SseContext ctx)
    {
        if (AreAdmissible(a) && AreAdmissible(b) && AreOrdered(a, b))
        {
            Relation truth = FloatComparison.Truth(predicate);
            Vector128<float> mask = Vector128<float>.Zero;
            if ((truth & Relation.Less) != 0) mask |= Vector128.LessThan(a, b);
            if ((truth & Relation.Equal) != 0) mask |= Vector128.Equals(a, b);
            if ((truth & Relation.Greater) != 0) mask |= Vector128.GreaterThan(a, b);
            return mask.AsUInt32();
        }

        uint before = ctx.Mxcsr;
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
        {
            bool holds = Float32.Compare(Bits(a, lane), Bits(b, lane), predicate, ref ctx);
            result = result.WithElement(lane, holds ? uint.MaxValue : 0);
        }

        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>ROUNDPS (SDM Vol. 2, ROUNDPD).</summary>
    /// <param name="a">The operand.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead, bit 3 suppresses PE.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<float> RoundToIntegral(Vector128<float> a, int control, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, Float32.RoundToIntegral(Bits(a, lane), control, ref ctx));
        ctx.SettlePacked(before);
        return result.AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(Vector128<float> vector, int lane) => vector.AsUInt32()[lane];

    /// <summary>No lane is a denormal: each is zero, normal, infinite or a NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreAdmissible(Vector128<float> a)
    {
        Vector128<float> magnitude = Vector128.Abs(a);
        Vector128<float> small = Vector128.LessThan(magnitude, Vector128.Create(MinNormal));
        return Vector128.AndNot(small, Vector128.Equals(magnitude, Vector128<float>.Zero)).AsUInt32()
            == Vector128<uint>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreFinite(Vector128<float> a)
        => Vector128.LessThanOrEqualAll(Vector128.Abs(a), Vector128.Create(float.MaxValue));

    /// <summary>Every lane is finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreClearlyNormal(Vector128<float> a)
    {
        Vector128<float> magnitude = Vector128.Abs(a);
        return Vector128.GreaterThanAll(magnitude, Vector128.Create(MinNormal))
            && Vector128.LessThanOrEqualAll(magnitude, Vector128.Create(float.MaxValue));
    }

    /// <summary>No lane is a NaN in either.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreOrdered(Vector128<float> a, Vector128<float> b)
        => Vector128.EqualsAll(a, a) && Vector128.EqualsAll(b, b);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<float> ByLane<TOperation>(Vector128<float> a, Vector128<float> b, ref SseContext ctx)
        where TOperation : struct, ILaneOperation<uint>
    {
        uint before = ctx.Mxcsr;
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, TOperation.Apply(Bits(a, lane), Bits(b, lane), ref ctx));
        ctx.SettlePacked(before);
        return result.AsSingle();
    }

    private readonly struct AddLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Add(a, b, ref ctx);
    }

    private readonly struct SubtractLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Subtract(a, b, ref ctx);
    }

    private readonly struct MultiplyLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Multiply(a, b, ref ctx);
    }

    private readonly struct DivideLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Divide(a, b, ref ctx);
    }

    private readonly struct MinimumLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Minimum(a, b, ref ctx);
    }

    private readonly struct MaximumLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.Maximum(a, b, ref ctx);
    }

    private readonly struct SquareRootLane : ILaneOperation<uint>
    {
        public static uint Apply(uint a, uint b, ref SseContext ctx) => Float32.SquareRoot(a, ref ctx);
    }
}
