namespace Emu.Cpu.FloatingPoint;

/// <content>Comparison and classification.</content>
public readonly partial struct Float80
{
    /// <summary>
    /// FCOM, FTST (b = +0): sets C3, C2 and C0 (SDM Vol. 2, FCOM), clears C1; every NaN is invalid. With an unmasked IE or DE the
    /// conditions are set all the same, but nothing may be popped (<see cref="X87Context.IsResultSuppressed"/>).
    /// </summary>
    /// <param name="a">ST(0).</param>
    /// <param name="b">The source.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static void CompareOrdered(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
        => ctx.SetConditions(Conditions(Compare(a, b, true, operandFlags, ref ctx)));

    /// <summary>FUCOM: as <see cref="CompareOrdered"/>, but of the NaNs only SNaN is invalid.</summary>
    /// <param name="a">ST(0).</param>
    /// <param name="b">The source.</param>
    /// <param name="ctx">Control and status.</param>
    /// <param name="operandFlags">What <see cref="WidenFloat32"/> or <see cref="WidenFloat64"/> said of a memory operand.</param>
    public static void CompareUnordered(Float80 a, Float80 b, ref X87Context ctx, uint operandFlags = 0)
        => ctx.SetConditions(Conditions(Compare(a, b, false, operandFlags, ref ctx)));

    /// <summary>FCOMI and FUCOMI.</summary>
    /// <param name="a">ST(0).</param>
    /// <param name="b">The source.</param>
    /// <param name="signaling">FCOMI: every NaN is invalid.</param>
    /// <param name="ctx">Control and status; C1 is cleared.</param>
    /// <returns>ZF, PF and CF at their positions in EFLAGS, to be written even where IE is unmasked; OF, SF, AF are cleared.</returns>
    public static uint CompareToEFlags(Float80 a, Float80 b, bool signaling, ref X87Context ctx)
        => FloatComparison.EFlags(Compare(a, b, signaling, 0, ref ctx));

    /// <summary>FXAM for a register that is not empty (SDM Vol. 2, FXAM): C3, C2, C0 the class, C1 the sign.</summary>
    /// <param name="a">The operand.</param>
    /// <returns>The condition-code bits at their positions in the status word. An empty register is C3 and C0.</returns>
    public static ushort Examine(Float80 a)
    {
        int sign = a.IsNegative ? X87Context.C1 : 0;
        if (a.IsUnsupported) return (ushort)sign;
        if (a.IsNaN) return (ushort)(sign | X87Context.C0);
        if (a.IsInfinity) return (ushort)(sign | X87Context.C2 | X87Context.C0);
        if (a.IsZero) return (ushort)(sign | X87Context.C3);
        if (a.IsDenormal) return (ushort)(sign | X87Context.C3 | X87Context.C2);
        return (ushort)(sign | X87Context.C2);
    }

    private static Relation Compare(Float80 a, Float80 b, bool signaling, uint flags, ref X87Context ctx)
    {
        if (!a.IsNormal || !b.IsNormal)
        {
            if (IsNaNOrUnsupported(a) || IsNaNOrUnsupported(b))
            {
                bool invalid = signaling || a.IsUnsupported || b.IsUnsupported || a.IsSignaling || b.IsSignaling;
                ctx.Complete(invalid ? FloatFlags.Invalid : 0, false);
                return Relation.Unordered;
            }

            if (a.IsDenormal || b.IsDenormal) flags |= FloatFlags.Denormal;
        }

        ctx.Complete(flags, false);
        if (a.IsZero && b.IsZero) return Relation.Equal;
        if (a.IsNegative != b.IsNegative) return a.IsNegative ? Relation.Less : Relation.Greater;
        // A pseudo-denormal is the number with exponent 1.
        int exponentA = Math.Max(a.Exponent, 1);
        int exponentB = Math.Max(b.Exponent, 1);
        int order = exponentA != exponentB ? exponentA.CompareTo(exponentB) : a.Significand.CompareTo(b.Significand);
        if (order == 0) return Relation.Equal;
        return order < 0 != a.IsNegative ? Relation.Less : Relation.Greater;
    }

    private static uint Conditions(Relation relation)
        => relation switch
        {
            Relation.Greater => 0,
            Relation.Less => X87Context.C0,
            Relation.Equal => X87Context.C3,
            _ => (uint)(X87Context.C3 | X87Context.C2 | X87Context.C0),
        };
}
