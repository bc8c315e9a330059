namespace Emu.Differential.Generation;

/// <summary>Values that find faults: edges of integers and of every floating-point format, and plain random ones.</summary>
internal static class Values
{
    private static readonly ulong[] Special64 =
    [
        0, 0x8000_0000_0000_0000, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000,
        0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0xFFF4_0000_0000_1234, 1, 0x800F_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000,
        0x7FEF_FFFF_FFFF_FFFF, 0x41DF_FFFF_FFC0_0000, 0xC1E0_0000_0000_0000, 0x43E0_0000_0000_0000, 0xC3E0_0000_0000_0000, 0x3FE0_0000_0000_0000,
        0x380F_FFFF_FFFF_FFFF, 0x36A0_0000_0000_0000, 0x47EF_FFFF_F000_0000, 0x4059_0000_0000_0000, 0x3FB9_9999_9999_999A,
        0x7FFF_7FFF_8000_8000, 0x0102_0304_0506_0708, 0xFFFF_FFFF_FFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0x0000_0000_8000_0000, 0x0000_0001_0000_0000,
    ];

    private static readonly uint[] Special32 =
    [
        0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0001, 0xFFC0_0000, 0x7F80_0001, 0xFFA0_1234, 1, 0x807F_FFFF,
        0x0080_0000, 0x7F7F_FFFF, 0x4EFF_FFFF, 0xCF00_0000, 0x5F00_0000, 0xDF00_0000, 0x3F00_0000, 0x4040_0000, 0x3DCC_CCCD, 0x8000_7FFF, 0xFF00_FF00,
        0x7FFF_FFFF, 0xFFFF_FFFF, 0x7C00_FC00, 0x0001_83FF, 0x7BFF_3C00, 0x7E01_FE00,
    ];

    private static readonly ushort[] Exponents80 =
        [0, 1, 0x3FFE, 0x3FFF, 0x4000, 0x403E, 0x7FFE, 0x7FFF, 0x43FE, 0x43FF, 0x3C00, 0x3C01, 0x407E, 0x3F81, 0x3F6A, 0x3FC0, 0x3BCD, 0x400E, 0x401E];

    private static readonly ulong[] Significands80 =
        [0, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0xC000_0000_0000_0000, 1, 0x8000_0000_0000_0001, 0xA000_0000_0000_0000, 0x4000_0000_0000_0000];

    /// <summary>For a general register.</summary>
    public static ulong Integer(Randomness random) => random.Below(10) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 => 1UL << random.Below(64),
        3 => (1UL << random.Below(64)) - 1,
        4 => (ulong)(long)(sbyte)random.Next(),
        5 => Special64[random.Below(Special64.Length)],
        6 => (uint)random.Next(),
        _ => random.Next(),
    };

    /// <summary>For eight bytes of a vector register or of memory.</summary>
    public static ulong Vector(Randomness random)
    {
        switch (random.Below(5))
        {
            case 0:
                return Special64[random.Below(Special64.Length)];
            case 1:
                return Special32[random.Below(Special32.Length)] | ((ulong)Special32[random.Below(Special32.Length)] << 32);
            case 2:
                // A double or two singles of ordinary size.
                var bits = random.Next();
                return random.OneIn(2)
                    ? (bits & 0x800F_FFFF_FFFF_FFFF) | ((ulong)(0x3FF + random.Between(-70, 70)) << 52)
                    : (bits & 0x807F_FFFF_807F_FFFF) | ((ulong)(0x7F + random.Between(-40, 40)) << 23) | ((ulong)(0x7F + random.Between(-40, 40)) << 55);
            default:
                return random.Next();
        }
    }

    /// <summary>An x87 register: significand, then sign and exponent.</summary>
    public static (ulong Significand, ushort SignExponent) Extended(Randomness random)
    {
        var significand = random.OneIn(3) ? random.Pick<ulong>(Significands80) : random.Next() | (random.OneIn(6) ? 0 : 1UL << 63);
        var exponent = random.OneIn(3) ? random.Pick<ushort>(Exponents80) : (ushort)random.Between(0x3FC0, 0x4041);
        if (random.OneIn(2))
        {
            significand |= 1UL << 63;
            exponent = (ushort)random.Between(0x3FE0, 0x4030);
        }
        return (significand, (ushort)(exponent | (random.OneIn(2) ? 0x8000 : 0)));
    }
}
