namespace Emu.Cpu.FloatingPoint;

/// <summary>How two numbers stand to each other; exactly one bit.</summary>
[Flags]
internal enum Relation
{
    Less = 1,
    Equal = 2,
    Greater = 4,
    Unordered = 8,
}

internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    /// <summary>Compares; a QNaN is invalid only in a signalling comparison (SDM Vol. 1, 4.9.1.1).</summary>
    internal static Relation Compare(ulong a, ulong b, bool signaling, ref SseContext ctx)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            if (signaling || IsSignaling(a) || IsSignaling(b)) ctx.Raise(FloatFlags.Invalid);
            return Relation.Unordered;
        }

        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        if (flags != 0) ctx.Raise(flags);
        return Order(a, b);
    }

    /// <summary>MIN: the second operand where either is a NaN or both are zeros (SDM Vol. 2, MINSS).</summary>
    internal static ulong Minimum(ulong a, ulong b, ref SseContext ctx)
        => Select(ref a, ref b, ref ctx) == Relation.Less ? a : b;

    /// <summary>MAX: the second operand where either is a NaN or both are zeros (SDM Vol. 2, MAXSS).</summary>
    internal static ulong Maximum(ulong a, ulong b, ref SseContext ctx)
        => Select(ref a, ref b, ref ctx) == Relation.Greater ? a : b;

    private static Relation Select(ref ulong a, ref ulong b, ref SseContext ctx)
    {
        // Under DAZ the operand that is returned is flushed too, even beside a NaN.
        uint flags = 0;
        a = AdmitDenormal(a, ctx, ref flags);
        b = AdmitDenormal(b, ctx, ref flags);
        if (IsNaN(a) || IsNaN(b))
        {
            ctx.Raise(FloatFlags.Invalid);
            return Relation.Unordered;
        }

        if (flags != 0) ctx.Raise(flags);
        return Order(a, b);
    }

    private static Relation Order(ulong a, ulong b)
    {
        if (a == b || IsZero(a | b)) return Relation.Equal;
        bool negative = IsNegative(a);
        if (negative != IsNegative(b)) return negative ? Relation.Less : Relation.Greater;
        return a < b != negative ? Relation.Less : Relation.Greater;
    }
}
