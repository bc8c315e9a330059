namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// The series behind the transcendental functions, in fixed point: fractions in units of 2^−128. The coefficients are derived by
/// integer divisions when first needed, the same on every host.
/// </summary>
internal static class PowerSeries
{
    /// <summary>1/(2k + 3)!, for sin x = x − x³/3! + ….</summary>
    internal static readonly UInt128[] Sine = InverseFactorials(3, 2, 17);

    /// <summary>1/(2k + 2)!, for cos x = 1 − x²/2! + ….</summary>
    internal static readonly UInt128[] Cosine = InverseFactorials(2, 2, 17);

    /// <summary>1/(k + 2)!, for eˣ − 1 = x + x²/2! + ….</summary>
    internal static readonly UInt128[] Exponential = InverseFactorials(2, 1, 31);

    /// <summary>1/(2k + 3), for artanh x = x + x³/3 + … and arctan x = x − x³/3 + ….</summary>
    internal static readonly UInt128[] Odd = InverseOdds(27);

    /// <summary>z·(c0 − z·(c1 − z·(c2 − …))): the relative decrease of an alternating series.</summary>
    internal static UInt128 Alternating(UInt128 z, UInt128[] coefficients)
    {
        UInt128 sum = UInt128.Zero;
        for (int term = TermsFor(z, coefficients) - 1; term >= 0; term--)
            sum = WideInteger.MultiplyHigh(z, coefficients[term] - sum);
        return sum;
    }

    /// <summary>z·(c0 + z·(c1 + z·(c2 + …))): the relative increase of a series of one sign.</summary>
    internal static UInt128 Growing(UInt128 z, UInt128[] coefficients)
    {
        UInt128 sum = UInt128.Zero;
        for (int term = TermsFor(z, coefficients) - 1; term >= 0; term--)
            sum = WideInteger.MultiplyHigh(z, coefficients[term] + sum);
        return sum;
    }

    /// <summary>
    /// How many terms can count: all (enough for z = 0.62 with factorials in steps of two, for 0.7 in steps of one, for 0.03 with
    /// plain divisors), or fewer for a small z.
    /// </summary>
    private static int TermsFor(UInt128 z, UInt128[] coefficients)
    {
        int zeros = (int)UInt128.LeadingZeroCount(z);
        return zeros == 0 ? coefficients.Length : Math.Min(coefficients.Length, (128 / zeros) + 1);
    }

    private static UInt128[] InverseFactorials(int first, int step, int terms)
    {
        var coefficients = new UInt128[terms];
        UInt128 inverse = UInt128.MaxValue;
        int factor = 1;
        for (int term = 0; term < terms; term++)
        {
            while (factor < first + (term * step)) inverse /= (uint)++factor;
            coefficients[term] = inverse;
        }

        return coefficients;
    }

    private static UInt128[] InverseOdds(int terms)
    {
        var coefficients = new UInt128[terms];
        for (int term = 0; term < terms; term++) coefficients[term] = UInt128.MaxValue / (uint)((2 * term) + 3);
        return coefficients;
    }
}
