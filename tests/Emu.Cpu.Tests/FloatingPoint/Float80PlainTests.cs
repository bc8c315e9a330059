using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>The short ways of x87 arithmetic give what the general operations give, or decline.</summary>
public sealed unsafe class Float80PlainTests
{
    private const int Rounds = 300_000;
    private const ulong IntegerBit = 1UL << 63;

    private delegate uint Short(ulong* place, Float80 a, Float80 b);

    private delegate Float80 General(Float80 a, Float80 b, ref X87Context context);

    [Fact]
    public void A_sum_is_the_general_one() =>
        Hold(0.3, Float80.AddPlain, (Float80 a, Float80 b, ref X87Context context) => Float80.Add(a, b, ref context));

    [Fact]
    public void A_product_is_the_general_one() =>
        Hold(0.5, Float80.MultiplyPlain, (Float80 a, Float80 b, ref X87Context context) => Float80.Multiply(a, b, ref context));

    [Fact]
    public void A_quotient_is_the_general_one() =>
        Hold(0.5, Float80.DividePlain, (Float80 a, Float80 b, ref X87Context context) => Float80.Divide(a, b, ref context));

    [Fact]
    public void A_root_is_the_general_one() =>
        Hold(0.2, static (place, a, _) => Float80.SquareRootPlain(place, a),
            (Float80 a, Float80 b, ref X87Context context) => Float80.SquareRoot(a, ref context));

    [Fact]
    public void A_rounded_single_is_the_general_one() =>
        Hold(0.2, static (place, a, _) => Float80.StoreFloat32Plain((uint*)place, a),
            (Float80 a, Float80 b, ref X87Context context) => new Float80(0, Float80.ToFloat32(a, ref context)));

    [Fact]
    public void A_rounded_double_is_the_general_one() =>
        Hold(0.3, static (place, a, _) => Float80.StoreFloat64Plain(place, a),
            (Float80 a, Float80 b, ref X87Context context) => new Float80(0, Float80.ToFloat64(a, ref context)));

    [Fact]
    public void Only_normal_singles_and_doubles_are_widened()
    {
        var samples = new FloatSamples(5);
        for (var round = 0; round < Rounds; round++)
        {
            var single = samples.Next32();
            var value = BitConverter.UInt32BitsToSingle(single);
            Assert.Equal(float.IsNormal(value) ? Float80.WidenFloat32(single, out _) : Float80.Unplain, Float80.WidenFloat32Plain(single));
            var bits = samples.Next64();
            Assert.Equal(
                double.IsNormal(BitConverter.UInt64BitsToDouble(bits)) ? Float80.WidenFloat64(bits, out _) : Float80.Unplain,
                Float80.WidenFloat64Plain(bits));
        }
    }

    [Fact]
    public void A_comparison_is_the_general_one()
    {
        var random = new Random(6);
        for (var round = 0; round < Rounds; round++)
        {
            var a = Next(random);
            var b = random.Next(4) == 0 ? new Float80((ushort)(a.SignExponent ^ (random.Next(2) << 15)), a.Significand) : Next(random);
            var relation = Float80.ComparePlain(a, b);
            if (relation == Relation.Unordered)
            {
                Assert.False(IsNormalOrZero(a) && IsNormalOrZero(b));
                continue;
            }
            var context = new X87Context(X87Context.InitialControl);
            Assert.Equal(FloatComparison.EFlags(relation), Float80.CompareToEFlags(a, b, true, ref context));
            Assert.Equal(0u, context.Raised);
        }
    }

    [Theory]
    [InlineData(0x037F, 0x3800, true)]
    [InlineData(0x137F, 0x7F7F, true)]
    [InlineData(0x037E, 0, false)]
    [InlineData(0x035F, 0, false)]
    [InlineData(0x027F, 0, false)]
    [InlineData(0x077F, 0, false)]
    [InlineData(0x0F7F, 0, false)]
    [InlineData(0x037F, 0x8080, false)]
    public void The_common_case_is_to_nearest_to_64_bits_with_everything_masked(ushort control, ushort status, bool isPlain) =>
        Assert.Equal(isPlain, X87Context.IsPlain((uint)status << 16 | control));

    // The share that must not be declined shows that the short way is taken at all.
    private static void Hold(double share, Short shortWay, General general)
    {
        var random = new Random(4);
        var taken = 0;
        var place = stackalloc ulong[2];
        for (var round = 0; round < Rounds; round++)
        {
            var a = Next(random);
            var b = Next(random);
            var bits = shortWay(place, a, b);
            if (bits == Float80.NotPlain)
                continue;
            taken++;
            var context = new X87Context(X87Context.InitialControl);
            var expected = general(a, b, ref context);
            if (expected != new Float80((ushort)place[1], place[0]) || bits != context.StatusWord)
                Assert.Fail($"{a}, {b}: {place[1]:X4}:{place[0]:X16} {bits:X4}, not {expected} {context.StatusWord:X4}");
        }
        Assert.InRange(taken, (int)(share * Rounds), Rounds);
    }

    private static bool IsNormalOrZero(Float80 a) => a.IsZero || (!a.IsDenormal && !a.IsUnsupported && !a.IsNaN && !a.IsInfinity);

    // Mostly exponents near one another, and significands with few bits or with ties below the 24th, 53rd or 64th.
    private static Float80 Next(Random random)
    {
        var sign = random.Next(2) << 15;
        var exponent = random.Next(16) switch
        {
            0 => 0,
            1 => 0x7FFF,
            2 => random.Next(3),
            3 => 0x7FFC + random.Next(3),
            4 => random.Next(0x7FFF),
            5 or 6 => 0x3FFF + random.Next(-150, 150),
            _ => 0x3FFF + random.Next(-33, 34),
        };
        var significand = (ulong)random.NextInt64() << 1 ^ (ulong)random.NextInt64();
        significand = random.Next(8) switch
        {
            0 => 0,
            1 => significand & ~0UL << random.Next(64),
            2 => significand & ~0UL << 39 | 1UL << 39,
            3 => significand & ~0UL << 10 | 1UL << 10,
            4 => ~0UL << random.Next(64),
            5 => significand & 0xFF,
            _ => significand,
        };
        return new Float80((ushort)(sign | exponent), random.Next(16) == 0 ? significand : significand | IntegerBit);
    }
}
