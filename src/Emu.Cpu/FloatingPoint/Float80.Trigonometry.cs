namespace Emu.Cpu.FloatingPoint;

/// <content>
/// FSIN, FCOS, FSINCOS, FPTAN, FPATAN. The argument is reduced, exactly, by the value of π that x87 hardware uses: 66 bits of it
/// (SDM Vol. 1, 8.3.8). The rest is computed to more than 110 bits and rounded once, to 64 bits by RC whatever PC says, so that
/// the error against that reduced argument stays below 0.5000001 ulp when rounding to nearest.
/// </content>
public readonly partial struct Float80
{
    /// <summary>π/2 in units of 2^−65: the 66 bits of the SDM's π.</summary>
    private static readonly UInt128 HalfPi66 = new(0x3, 0x243F_6A88_85A3_08D3);

    /// <summary>π to 128 bits, for the results of FPATAN.</summary>
    private static readonly WideFloat WidePi = new(false, 1, new(0xC90F_DAA2_2168_C234, 0xC4C6_628B_80DC_1CD1));

    private static readonly WideFloat WideHalfPi = new(false, 0, WidePi.Significand);

    private static readonly WideFloat WideOne = new(false, 0, UInt128.One << 127);

    /// <summary>arctan(k/32) for k from 0 to 32, as fractions.</summary>
    private static readonly UInt128[] Arctangents = BuildArctangents();

    /// <summary>FSIN. For a magnitude of 2^63 and more, C2 is set and the operand returned.</summary>
    /// <param name="a">The angle in radians.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Sine(Float80 a, ref X87Context ctx)
    {
        if (!IsAngle(a, out Float80 special, ref ctx)) return special;
        if (a.IsZero) return Exact(a, 0, ref ctx);
        uint flags = 0;
        int quadrant = ReduceAngle(a, out WideFloat rest, ref flags);
        return RoundWide(SineOf(rest, quadrant), flags, ref ctx);
    }

    /// <summary>FCOS. For a magnitude of 2^63 and more, C2 is set and the operand returned.</summary>
    /// <param name="a">The angle in radians.</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Cosine(Float80 a, ref X87Context ctx)
    {
        if (!IsAngle(a, out Float80 special, ref ctx)) return special;
        if (a.IsZero) return Exact(One, 0, ref ctx);
        uint flags = 0;
        int quadrant = ReduceAngle(a, out WideFloat rest, ref flags);
        return RoundWide(SineOf(rest, quadrant + 1), flags, ref ctx);
    }

    /// <summary>FSINCOS. For a magnitude of 2^63 and more, C2 is set and nothing is to be pushed.</summary>
    /// <param name="a">The angle in radians.</param>
    /// <param name="cosine">What is pushed; meaningless when C2 is set.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>What replaces ST(0).</returns>
    public static Float80 SineCosine(Float80 a, out Float80 cosine, ref X87Context ctx)
    {
        if (!IsAngle(a, out cosine, ref ctx)) return cosine;
        if (a.IsZero)
        {
            cosine = One;
            return Exact(a, 0, ref ctx);
        }

        uint flags = 0;
        int quadrant = ReduceAngle(a, out WideFloat rest, ref flags);
        X87Context first = ctx;
        cosine = RoundWide(SineOf(rest, quadrant + 1), flags, ref first);
        return RoundWide(SineOf(rest, quadrant), flags | first.Raised, ref ctx);
    }

    /// <summary>FPTAN. For a magnitude of 2^63 and more, C2 is set and nothing is to be pushed.</summary>
    /// <param name="a">The angle in radians.</param>
    /// <param name="pushed">What is pushed: 1, or the NaN when the result is one.</param>
    /// <param name="ctx">Control and status.</param>
    /// <returns>What replaces ST(0).</returns>
    public static Float80 Tangent(Float80 a, out Float80 pushed, ref X87Context ctx)
    {
        if (!IsAngle(a, out pushed, ref ctx)) return pushed;
        pushed = One;
        if (a.IsZero) return Exact(a, 0, ref ctx);
        uint flags = 0;
        int quadrant = ReduceAngle(a, out WideFloat rest, ref flags);
        return RoundWide(WideFloat.Divide(SineOf(rest, quadrant), SineOf(rest, quadrant + 1)), flags, ref ctx);
    }

    /// <summary>FPATAN: the angle of the point (x, y), in [−π, π] (SDM Vol. 2, table 3-30).</summary>
    /// <param name="y">ST(1).</param>
    /// <param name="x">ST(0).</param>
    /// <param name="ctx">Control and status.</param>
    public static Float80 Arctangent(Float80 y, Float80 x, ref X87Context ctx)
    {
        if (IsNaNOrUnsupported(y) || IsNaNOrUnsupported(x)) return PropagateNaN(y, x, ref ctx);
        uint flags = y.IsDenormal || x.IsDenormal ? FloatFlags.Denormal : 0;
        if (y.IsInfinity)
        {
            // π/4, π/2 or 3π/4.
            WideFloat angle = !x.IsInfinity ? WideHalfPi : new(false, -1, WidePi.Significand);
            if (x.IsInfinity && x.IsNegative) angle = WideFloat.Add(angle, WideHalfPi);
            return RoundWide(angle.WithSign(y.IsNegative), flags, ref ctx);
        }

        if (y.IsZero || x.IsInfinity)
        {
            if (!x.IsNegative) return Exact(SignedZero(y.IsNegative), flags, ref ctx);
            return RoundWide(WidePi.WithSign(y.IsNegative), flags, ref ctx);
        }

        if (x.IsZero) return RoundWide(WideHalfPi.WithSign(y.IsNegative), flags, ref ctx);
        WideFloat height = Widen(y, ref flags).Absolute;
        WideFloat width = Widen(x, ref flags).Absolute;
        bool steep = height.Exponent > width.Exponent
            || (height.Exponent == width.Exponent && height.Significand > width.Significand);
        WideFloat ratio = steep ? WideFloat.Divide(width, height) : WideFloat.Divide(height, width);
        WideFloat result = ArctangentOf(ratio);
        if (steep) result = WideFloat.Add(WideHalfPi, result.WithSign(true));
        if (x.IsNegative) result = WideFloat.Add(WidePi, result.WithSign(true));
        return RoundWide(result.WithSign(y.IsNegative), flags, ref ctx);
    }

    /// <summary>Rounds a result that is never exact.</summary>
    private static Float80 RoundWide(WideFloat value, uint flags, ref X87Context ctx)
        => RoundPack(
            value.IsNegative,
            value.Exponent + Bias,
            (ulong)(value.Significand >> 64),
            (ulong)value.Significand | 1,
            FullPrecision,
            flags,
            ref ctx);

    private static WideFloat Widen(Float80 a, ref uint flags)
    {
        ulong significand = Normalize(a, out int exponent, ref flags);
        return new(a.IsNegative, exponent - Bias, new UInt128(significand, 0));
    }

    /// <summary>False where the operand alone decides: NaN, unsupported, infinity, or out of range (C2).</summary>
    private static bool IsAngle(Float80 a, out Float80 special, ref X87Context ctx)
    {
        ctx.ClearCondition2();
        special = a;
        if (a.Exponent < Bias + 63 && !IsNaNOrUnsupported(a)) return true;
        if (IsNaNOrUnsupported(a))
        {
            special = PropagateNaN(a, ref ctx);
        }
        else if (a.IsInfinity)
        {
            special = Invalid(ref ctx);
        }
        else
        {
            ctx.Complete();
            ctx.StatusWord |= X87Context.C2;
        }

        return false;
    }

    /// <summary>
    /// Splits an angle into a number of right angles and a rest of at most π/4, exactly: both are integers in units of 2^−65.
    /// </summary>
    /// <returns>The quadrant of |a|, with the sign moved into what <see cref="SineOf"/> makes of it.</returns>
    private static int ReduceAngle(Float80 a, out WideFloat rest, ref uint flags)
    {
        rest = Widen(a, ref flags);
        if (rest.Exponent < -1) return 0;
        bool negative = rest.IsNegative;
        (UInt128 turns, UInt128 part) = UInt128.DivRem((UInt128)a.Significand << (rest.Exponent + 2), HalfPi66);
        int quadrant = (int)((uint)turns & 3);
        bool past = part << 1 > HalfPi66;
        if (past)
        {
            part = HalfPi66 - part;
            quadrant++;
        }

        rest = WideFloat.FromInteger(past != negative, part, -65);
        // sin(−x) = −sin x and cos(−x) = cos x: the angle −(q·π/2 + r) is (−q)·π/2 − r.
        return (negative ? -quadrant : quadrant) & 3;
    }

    /// <summary>sin(quadrant × π/2 + rest).</summary>
    private static WideFloat SineOf(WideFloat rest, int quadrant)
    {
        UInt128 square = WideFloat.Multiply(rest, rest).ToFraction();
        bool negate = (quadrant & 2) != 0;
        WideFloat value = (quadrant & 1) == 0
            ? rest.Reduce(PowerSeries.Alternating(square, PowerSeries.Sine))
            : WideOne.Reduce(PowerSeries.Alternating(square, PowerSeries.Cosine));
        return value.WithSign(value.IsNegative != negate);
    }

    /// <summary>arctan of a ratio in (0, 1].</summary>
    private static WideFloat ArctangentOf(WideFloat ratio)
    {
        if (ratio.Exponent >= 0) return new(false, -1, WidePi.Significand);
        UInt128 fraction = ratio.ToFraction();
        int index = (int)((uint)(fraction >> 122) + 1) >> 1;
        if (index == 0) return SmallArctangent(ratio);
        // arctan t = arctan c + arctan((t − c)/(1 + t·c)), c = index/32.
        WideFloat center = WideFloat.FromInteger(false, (uint)index, -5);
        WideFloat known = WideFloat.FromFraction(Arctangents[index]);
        if (!WideFloat.TryAdd(ratio, center.WithSign(true), out WideFloat difference)) return known;
        WideFloat scale = WideFloat.Add(WideOne, WideFloat.Multiply(ratio, center));
        return WideFloat.Add(known, SmallArctangent(WideFloat.Divide(difference, scale)));
    }

    /// <summary>arctan by its series, for magnitudes below about 1/64.</summary>
    private static WideFloat SmallArctangent(WideFloat t)
        => t.Reduce(PowerSeries.Alternating(WideFloat.Multiply(t, t).ToFraction(), PowerSeries.Odd));

    private static UInt128[] BuildArctangents()
    {
        // arctan(k/32) − arctan((k − 1)/32) = arctan(32/(1024 + k(k − 1))).
        var table = new UInt128[33];
        for (int k = 1; k < table.Length; k++)
        {
            WideFloat numerator = WideFloat.FromInteger(false, 32, 0);
            WideFloat denominator = WideFloat.FromInteger(false, (uint)(1024 + (k * (k - 1))), 0);
            table[k] = table[k - 1] + SmallArctangent(WideFloat.Divide(numerator, denominator)).ToFraction();
        }

        return table;
    }
}
