namespace Emu.Cpu.FloatingPoint;

/// <content>The constants that the x87 loads, rounded by RC (SDM Vol. 1, 8.3.8; Vol. 2, FLD1 and its kin). They raise nothing.</content>
public readonly partial struct Float80
{
    /// <summary>FLDPI.</summary>
    /// <param name="mode">RC.</param>
    public static Float80 Pi(RoundingMode mode) => Constant(0x4000, 0xC90F_DAA2_2168_C234, true, mode);

    /// <summary>FLDL2T: log2 10.</summary>
    /// <param name="mode">RC.</param>
    public static Float80 Log2Of10(RoundingMode mode) => Constant(0x4000, 0xD49A_784B_CD1B_8AFE, false, mode);

    /// <summary>FLDL2E: log2 e.</summary>
    /// <param name="mode">RC.</param>
    public static Float80 Log2OfE(RoundingMode mode) => Constant(0x3FFF, 0xB8AA_3B29_5C17_F0BB, true, mode);

    /// <summary>FLDLG2: log10 2.</summary>
    /// <param name="mode">RC.</param>
    public static Float80 Log10Of2(RoundingMode mode) => Constant(0x3FFD, 0x9A20_9A84_FBCF_F798, true, mode);

    /// <summary>FLDLN2: ln 2.</summary>
    /// <param name="mode">RC.</param>
    public static Float80 LnOf2(RoundingMode mode) => Constant(0x3FFE, 0xB172_17F7_D1CF_79AB, true, mode);

    /// <param name="exponent">The biased exponent.</param>
    /// <param name="truncated">The significand, rounded down.</param>
    /// <param name="isCloserToNext">The first bit dropped is one.</param>
    /// <param name="mode">RC.</param>
    private static Float80 Constant(ushort exponent, ulong truncated, bool isCloserToNext, RoundingMode mode)
    {
        bool up = mode == RoundingMode.Up || (mode == RoundingMode.Nearest && isCloserToNext);
        return new(exponent, up ? truncated + 1 : truncated);
    }
}
