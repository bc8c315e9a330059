using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <content>Comparisons, minimum and maximum.</content>
public abstract partial class ScalarFloat<TFormat, TValue, TBits>
{
    /// <summary>COMISS, COMISD: a QNaN is invalid.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>ZF, PF and CF at their positions in EFLAGS; OF, SF and AF are to be cleared (SDM Vol. 2, COMISD).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint CompareOrdered(TBits a, TBits b, ref SseContext ctx)
        => IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostFlags(Value(a), Value(b))
            : FloatComparison.EFlags(SoftFloat<TFormat>.Compare(Widen(a), Widen(b), true, ref ctx));

    /// <summary>UCOMISS, UCOMISD: only an SNaN is invalid.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>ZF, PF and CF at their positions in EFLAGS; OF, SF and AF are to be cleared (SDM Vol. 2, UCOMISD).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint CompareUnordered(TBits a, TBits b, ref SseContext ctx)
        => IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostFlags(Value(a), Value(b))
            : FloatComparison.EFlags(SoftFloat<TFormat>.Compare(Widen(a), Widen(b), false, ref ctx));

    /// <summary>CMPSS, CMPSD with any of the 32 predicates of AVX; the first eight are those of SSE (SDM Vol. 2, CMPPD, table 3-1).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="predicate">The immediate; bits above 4 are ignored. An SSE instruction passes imm8 and 7.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>Whether the predicate holds: the lane becomes all ones or zero.</returns>
    public static bool Compare(TBits a, TBits b, int predicate, ref SseContext ctx)
    {
        Relation relation = IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostRelation(Value(a), Value(b))
            : SoftFloat<TFormat>.Compare(Widen(a), Widen(b), FloatComparison.IsSignaling(predicate), ref ctx);
        return (FloatComparison.Truth(predicate) & relation) != 0;
    }

    /// <summary>MINSS, MINSD: the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Minimum(TBits a, TBits b, ref SseContext ctx)
    {
        if (IsPlain(a) && IsPlain(b)) return Value(a) < Value(b) ? a : b;
        return Narrow(SoftFloat<TFormat>.Minimum(Widen(a), Widen(b), ref ctx));
    }

    /// <summary>MAXSS, MAXSD: the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBits Maximum(TBits a, TBits b, ref SseContext ctx)
    {
        if (IsPlain(a) && IsPlain(b)) return Value(a) > Value(b) ? a : b;
        return Narrow(SoftFloat<TFormat>.Maximum(Widen(a), Widen(b), ref ctx));
    }

    /// <summary>Neither is a NaN or denormal: they compare without raising anything, whatever MXCSR says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlain(TBits a, TBits b) => IsPlain(a) && IsPlain(b);

    /// <summary>Neither NaN nor denormal: compares without raising anything, whatever MXCSR says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected static bool IsPlain(TBits a) => !IsDenormal(a) && !IsNaN(a);
}
