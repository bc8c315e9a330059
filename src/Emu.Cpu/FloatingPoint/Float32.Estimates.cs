namespace Emu.Cpu.FloatingPoint;

/// <content>
/// RCPSS and RSQRTSS. The architecture bounds their relative error at 1.5 × 2^−12 and leaves the bits to the implementation
/// (SDM Vol. 2, RCPPS and RSQRTPS); real processors differ. Here the exact value is truncated to 14 or 15 significant bits and thus
/// the same on every host. MXCSR is neither read nor written: denormals count as zeros, tiny results become zeros.
/// </content>
public abstract partial class Float32
{
    private const int EstimateBits = 14;

    /// <summary>RCPSS: about 1/a.</summary>
    /// <param name="a">The operand's bits.</param>
    public static uint ReciprocalEstimate(uint a)
    {
        uint sign = a & SignBit;
        uint magnitude = a & ~SignBit;
        if (magnitude > Infinity) return a | QuietBit;
        if (magnitude == Infinity) return sign;
        if (magnitude < MinNormal) return sign | Infinity;
        int exponent = (int)(magnitude >> 23);
        uint significand = (magnitude & FractionMask) | MinNormal;
        // 2^37 over [2^23, 2^24): a quotient in (2^13, 2^14].
        uint quotient = (uint)((1UL << (23 + EstimateBits)) / significand);
        int result = 253 - exponent;
        if (quotient >> EstimateBits != 0)
        {
            quotient >>= 1;
            result++;
        }

        if (result <= 0) return sign;
        return sign | ((uint)result << 23) | ((quotient << (24 - EstimateBits)) & FractionMask);
    }

    /// <summary>RSQRTSS: about 1/√a.</summary>
    /// <param name="a">The operand's bits.</param>
    public static uint ReciprocalSquareRootEstimate(uint a)
    {
        uint sign = a & SignBit;
        uint magnitude = a & ~SignBit;
        if (magnitude > Infinity) return a | QuietBit;
        if (magnitude < MinNormal) return sign | Infinity;
        if (sign != 0) return Indefinite;
        if (magnitude == Infinity) return 0;
        int unbiased = (int)(magnitude >> 23) - 127;
        // a = m × 2^(2·half), m in [1, 4): 2^15/√m lies in (2^14, 2^15].
        int half = unbiased >> 1;
        uint scaled = ((magnitude & FractionMask) | MinNormal) << (unbiased & 1);
        uint root = (uint)Math.Sqrt((1UL << 53) / scaled);
        int result = 126 - half;
        if (root >> 15 != 0)
        {
            root >>= 1;
            result++;
        }

        return ((uint)result << 23) | ((root << 9) & FractionMask);
    }
}
