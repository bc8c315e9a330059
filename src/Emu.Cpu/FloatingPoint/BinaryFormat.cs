namespace Emu.Cpu.FloatingPoint;

/// <summary>An IEEE 754 interchange format, as constants that the JIT folds into <see cref="SoftFloat{TFormat}"/>.</summary>
internal interface IBinaryFormat
{
    /// <summary>Stored bits of the significand, without the implied leading bit.</summary>
    static abstract int FractionBits { get; }

    /// <summary>Bits of the biased exponent.</summary>
    static abstract int ExponentBits { get; }
}

/// <summary>binary16, the half precision of F16C.</summary>
internal readonly struct Binary16 : IBinaryFormat
{
    public static int FractionBits => 10;

    public static int ExponentBits => 5;
}

/// <summary>binary32, single precision.</summary>
internal readonly struct Binary32 : IBinaryFormat
{
    public static int FractionBits => 23;

    public static int ExponentBits => 8;
}

/// <summary>binary64, double precision.</summary>
internal readonly struct Binary64 : IBinaryFormat
{
    public static int FractionBits => 52;

    public static int ExponentBits => 11;
}
