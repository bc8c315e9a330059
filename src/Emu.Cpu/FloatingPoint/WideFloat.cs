namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// A non-zero number with a significand of 128 bits and an exponent without bounds: what the transcendental functions compute
/// with before they round to 64 bits. Operations round down by a few units of 2^−127 of the result.
/// </summary>
/// <param name="negative">The sign.</param>
/// <param name="exponent">The value lies in [2^exponent, 2^(exponent + 1)).</param>
/// <param name="significand">The top bit is set: units of 2^(exponent − 127).</param>
internal readonly struct WideFloat(bool negative, int exponent, UInt128 significand)
{
    internal readonly UInt128 Significand = significand;
    internal readonly int Exponent = exponent;
    internal readonly bool IsNegative = negative;

    internal WideFloat Absolute => new(false, Exponent, Significand);

    /// <summary>A non-zero multiple of a power of two.</summary>
    internal static WideFloat FromInteger(bool negative, UInt128 value, int exponentOfUnit)
    {
        int shift = (int)UInt128.LeadingZeroCount(value);
        return new(negative, 127 - shift + exponentOfUnit, value << shift);
    }

    /// <summary>A fraction in (0, 1), in units of 2^−128.</summary>
    internal static WideFloat FromFraction(UInt128 fraction) => FromInteger(false, fraction, -128);

    /// <summary>The magnitude, below one, in units of 2^−128.</summary>
    internal UInt128 ToFraction() => Exponent < -128 ? UInt128.Zero : Significand >> (-Exponent - 1);

    internal WideFloat WithSign(bool isNegative) => new(isNegative, Exponent, Significand);

    internal static WideFloat Multiply(WideFloat a, WideFloat b)
    {
        UInt128 product = WideInteger.MultiplyHigh(a.Significand, b.Significand);
        bool carry = product >> 127 != UInt128.Zero;
        return new(
            a.IsNegative != b.IsNegative, a.Exponent + b.Exponent + (carry ? 1 : 0), carry ? product : product << 1);
    }

    internal static WideFloat Divide(WideFloat a, WideFloat b)
    {
        bool below = a.Significand < b.Significand;
        UInt128 quotient = WideInteger.DivideFraction(below ? a.Significand : a.Significand >> 1, b.Significand);
        return new(a.IsNegative != b.IsNegative, a.Exponent - b.Exponent - (below ? 1 : 0), quotient);
    }

    /// <summary>a + b; false where they cancel.</summary>
    internal static bool TryAdd(WideFloat a, WideFloat b, out WideFloat sum)
    {
        if (a.Exponent < b.Exponent || (a.Exponent == b.Exponent && a.Significand < b.Significand)) (a, b) = (b, a);
        int distance = a.Exponent - b.Exponent;
        UInt128 aligned = distance >= 128 ? UInt128.Zero : b.Significand >> distance;
        if (a.IsNegative != b.IsNegative)
        {
            UInt128 difference = a.Significand - aligned;
            sum = difference == UInt128.Zero ? default : FromInteger(a.IsNegative, difference, a.Exponent - 127);
            return difference != UInt128.Zero;
        }

        UInt128 total = unchecked(a.Significand + aligned);
        sum = total < aligned
            ? new(a.IsNegative, a.Exponent + 1, (total >> 1) | (UInt128.One << 127))
            : new(a.IsNegative, a.Exponent, total);
        return true;
    }

    /// <summary>a + b, which do not cancel.</summary>
    internal static WideFloat Add(WideFloat a, WideFloat b)
    {
        _ = TryAdd(a, b, out WideFloat sum);
        return sum;
    }

    /// <summary>This × (1 − t), t a fraction below one half; always less than this, even where t vanishes.</summary>
    internal WideFloat Reduce(UInt128 t)
        => FromInteger(
            IsNegative, Significand - WideInteger.MultiplyHigh(Significand, t) - UInt128.One, Exponent - 127);

    /// <summary>This × (1 + t), t a fraction below one.</summary>
    internal WideFloat Enlarge(UInt128 t)
    {
        UInt128 part = WideInteger.MultiplyHigh(Significand, t);
        UInt128 total = unchecked(Significand + part);
        return total < part
            ? new(IsNegative, Exponent + 1, (total >> 1) | (UInt128.One << 127))
            : new(IsNegative, Exponent, total);
    }
}
