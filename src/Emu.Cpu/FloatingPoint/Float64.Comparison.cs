using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <content>Comparisons, minimum and maximum.</content>
public static partial class Float64
{
    /// <summary>COMISD: a QNaN is invalid.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>ZF, PF and CF at their positions in EFLAGS; OF, SF and AF are to be cleared (SDM Vol. 2, COMISD).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint CompareOrdered(ulong a, ulong b, ref SseContext ctx)
        => IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostFlags(Value(a), Value(b))
            : FloatComparison.EFlags(SoftFloat<Binary64>.Compare(a, b, true, ref ctx));

    /// <summary>UCOMISD: only an SNaN is invalid.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>ZF, PF and CF at their positions in EFLAGS; OF, SF and AF are to be cleared (SDM Vol. 2, UCOMISD).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint CompareUnordered(ulong a, ulong b, ref SseContext ctx)
        => IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostFlags(Value(a), Value(b))
            : FloatComparison.EFlags(SoftFloat<Binary64>.Compare(a, b, false, ref ctx));

    /// <summary>CMPSD with any of the 32 predicates of AVX; the first eight are those of SSE (SDM Vol. 2, CMPPD, table 3-1).</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="predicate">The immediate; bits above 4 are ignored. An SSE instruction passes imm8 and 7.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>Whether the predicate holds: the lane becomes all ones or zero.</returns>
    public static bool Compare(ulong a, ulong b, int predicate, ref SseContext ctx)
    {
        Relation relation = IsPlain(a) && IsPlain(b)
            ? FloatComparison.HostRelation(Value(a), Value(b))
            : SoftFloat<Binary64>.Compare(a, b, FloatComparison.IsSignaling(predicate), ref ctx);
        return (FloatComparison.Truth(predicate) & relation) != 0;
    }

    /// <summary>MINSD: the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Minimum(ulong a, ulong b, ref SseContext ctx)
    {
        if (IsPlain(a) && IsPlain(b)) return Value(a) < Value(b) ? a : b;
        return (ulong)SoftFloat<Binary64>.Minimum(a, b, ref ctx);
    }

    /// <summary>MAXSD: the second operand where either is a NaN or both are zeros.</summary>
    /// <param name="a">The first operand's bits.</param>
    /// <param name="b">The second operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Maximum(ulong a, ulong b, ref SseContext ctx)
    {
        if (IsPlain(a) && IsPlain(b)) return Value(a) > Value(b) ? a : b;
        return (ulong)SoftFloat<Binary64>.Maximum(a, b, ref ctx);
    }

    /// <summary>Neither NaN nor denormal: compares without raising anything, whatever MXCSR says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPlain(ulong a) => !IsDenormal(a) && !IsNaN(a);
}
