using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

public class Float80Tests
{
    private const uint Inexact = FloatFlags.Precision;

    /// <summary>
    /// References to 260 bits from an arbitrary-precision library, rounded to nearest; the angles are reduced by the 66-bit π.
    /// </summary>
    public static TheoryData<string, string, string, string> CorrectlyRounded => new()
    {
        { "sin", "3FDA:8D348B634DA4F9FC", "0000:0000000000000000", "3FDA:8D348B634DA4F9FC" },
        { "sin", "BFDE:8B8867A927AC435A", "0000:0000000000000000", "BFDE:8B8867A927AC435A" },
        { "sin", "BFFE:F57F8D048CA59966", "0000:0000000000000000", "BFFE:D190145898674EFA" },
        { "sin", "3FFD:C29A7A2B38D048EC", "0000:0000000000000000", "3FFD:BDF39C9C7EF939D8" },
        { "sin", "4001:9619DF05C79D6793", "0000:0000000000000000", "BFFE:FFF086CB8342884F" },
        { "sin", "4001:F8B2E46736E2F24B", "0000:0000000000000000", "3FFE:FF2304419AC5C1F7" },
        { "sin", "401D:A1500201CE80C4B0", "0000:0000000000000000", "3FFD:D4022EA5DA28384A" },
        { "sin", "C00F:A7A929D02A318785", "0000:0000000000000000", "BFFE:FE1A7F3026DDC09C" },
        { "sin", "403C:ED651E03F5FF0C03", "0000:0000000000000000", "3FFE:F403C2FCE6C12E83" },
        { "sin", "4036:EC220DAB16332ACA", "0000:0000000000000000", "3FFE:C26573818C2E8E3D" },
        { "cos", "BFE1:C0C317E4634F806F", "0000:0000000000000000", "3FFE:FFFFFFFFFFFFFFEE" },
        { "cos", "BFDA:A3D6F613793D0E45", "0000:0000000000000000", "3FFF:8000000000000000" },
        { "cos", "BFFF:A66E73D3D7288FF6", "0000:0000000000000000", "3FFD:88D691C34A5ACF50" },
        { "cos", "3FFE:DA3A63F49286A175", "0000:0000000000000000", "3FFE:A87BBA076517CED1" },
        { "cos", "4000:B63CD1EF69F85E31", "0000:0000000000000000", "BFFE:F501876F22D30552" },
        { "cos", "C002:94A62751738D243A", "0000:0000000000000000", "BFFE:FDB2A155EB26A75E" },
        { "cos", "C011:E610E744D0060CC5", "0000:0000000000000000", "3FFE:AB0DE54B078DF193" },
        { "cos", "400A:D02C42D67671863C", "0000:0000000000000000", "3FFE:C75D01174D8D6FBE" },
        { "cos", "C039:D2F199E588DCF943", "0000:0000000000000000", "BFFD:F1FE6294DD882C7F" },
        { "cos", "4036:FFA6D5882522D538", "0000:0000000000000000", "3FFE:F60F84D16C92817B" },
        { "tan", "BFD8:F4EE9C5C69ACE913", "0000:0000000000000000", "BFD8:F4EE9C5C69ACE913" },
        { "tan", "BFE1:A35DF4F470EF55B1", "0000:0000000000000000", "BFE1:A35DF4F470EF55B7" },
        { "tan", "BFFE:CB5CC5AFBF37A2BE", "0000:0000000000000000", "BFFF:82524640F5A7343A" },
        { "tan", "BFFF:F3C098E032DECD6B", "0000:0000000000000000", "4000:B8B98FD998E48528" },
        { "tan", "BFFF:9D4B9800B54A2302", "0000:0000000000000000", "C000:B3D294A8F4E97865" },
        { "tan", "4000:AA6067341F44EBD1", "0000:0000000000000000", "BFFE:8519AC56F865FDA9" },
        { "tan", "C012:83495A9A758240DF", "0000:0000000000000000", "BFFB:DB26E1E2C25D1582" },
        { "tan", "400B:FB73E83CE55B85DD", "0000:0000000000000000", "3FFF:979A2087F4B796E3" },
        { "tan", "C03C:FADCF0FAACDAC615", "0000:0000000000000000", "3FFA:F4CE353722EFD318" },
        { "tan", "4036:A92CAED749FBAC36", "0000:0000000000000000", "C000:938729E01B42C19B" },
        { "exp2m1", "3FE1:EE4179296911C9DD", "0000:0000000000000000", "3FE1:A525743DC68E773F" },
        { "exp2m1", "BFE0:E8B1DBB2AE17584A", "0000:0000000000000000", "BFE0:A14AADE2D1BF733E" },
        { "exp2m1", "BFE0:F271557E31009624", "0000:0000000000000000", "BFE0:A80C6946562D7B56" },
        { "exp2m1", "3FFC:B0D9675D40031AD6", "0000:0000000000000000", "3FFC:8238B0D17957BEFF" },
        { "exp2m1", "BFFC:C95B03EA54D08CE6", "0000:0000000000000000", "BFFC:8279AFA59883E178" },
        { "exp2m1", "BFFC:95B45F77746CCFCD", "0000:0000000000000000", "BFFB:C55D9E91922920B1" },
        { "exp2m1", "3FFE:A529AC1DFF478895", "0000:0000000000000000", "3FFE:905D16FD38EF3C92" },
        { "exp2m1", "BFFE:9A86BBAEFB53E13D", "0000:0000000000000000", "BFFD:AF0D57C875F17ECB" },
        { "exp2m1", "BFFE:879870021D1615AD", "0000:0000000000000000", "BFFD:9D54AF56B6EEF515" },
        { "ylog2x", "4057:CC3A7C412B2DF98D", "4004:93276BC3F87A7976", "400A:CBE2F45F21A0533F" },
        { "ylog2x", "4026:CA94C4E07D9C649A", "BFFD:FFB28DC852496E1E", "C003:9E7641DB62AE0369" },
        { "ylog2x", "4022:E30B9ECA4AFBFAE4", "C000:FE6B8EA1A6D00E34", "C006:8E6C46B6636E8331" },
        { "ylog2x", "3FFF:B82B10393DEAADDD", "C000:84B8212D7DEFB12B", "BFFF:8B52CD3C8E83D434" },
        { "ylog2x", "3FFF:D2DF2BEC3FA3549B", "C000:9B9CB4ABD4BF8115", "BFFF:E0268DA13C7D8B75" },
        { "ylog2x", "3FFF:A08FF8BC096C1DBB", "BFFE:C34963793E0D36B7", "BFFC:FF6D636528542E4D" },
        { "ylog2x", "3FFE:EF52A4356AC9573D", "BFFE:A99A0FAD24469138", "3FFB:83DCF8849A4FCCC4" },
        { "ylog2x", "3FFE:8EF5233890BA65D0", "4003:FB3B901967288581", "C003:D32CE259199F9CA6" },
        { "ylog2x", "3FFE:B198B4837E89A8ED", "3FFB:9AFF78066E1B8793", "BFFA:A3891044710428DC" },
        { "ylog2x", "3FFF:8000000000000001", "4000:A5EA08F3562ABC30", "3FC1:EF5D14612B822576" },
        { "ylog2xp1", "BFDC:D23D3DAFE6941CDF", "4000:9B8CEB34872C92EA", "BFDE:B84C2E07147B1150" },
        { "ylog2xp1", "BFD8:A2579F89CD152D1A", "C000:BF89B8D4F4CEB45F", "3FDA:AF3C2F9F0D130437" },
        { "ylog2xp1", "3FCB:D05DBFDBF636CF00", "3FFA:F31170956511993D", "3FC8:8EB638618B3A1F20" },
        { "ylog2xp1", "BFFB:ED9BA9AFAACCF55D", "BFFC:D14DE622B0171DE1", "3FFA:94F3CDE1BA74CE73" },
        { "ylog2xp1", "3FFB:B3AD4C3CBF1A4478", "BFFD:806B4024CC4A9885", "BFF9:F9491362B985E1E3" },
        { "ylog2xp1", "3FFA:CE14C664035B31E4", "3FFB:E7A9E59265520B8F", "3FF8:833FE2C211C4E6CD" },
        { "atan2", "4007:9C757C65E0BC9AA3", "3FF0:D5F31D8A29726010", "3FE8:AF0894FEA44F876A" },
        { "atan2", "C01E:E4652B0CC608EFB1", "C01A:8360DC68708C6668", "C000:C6C314107464C535" },
        { "atan2", "4023:BE92058D1CE81809", "BFF7:E316211C9BAE16E6", "BFD3:9886D2ABB7A99C4E" },
        { "atan2", "4005:E2400B6414668EEA", "BFD8:EB39645C4C042869", "BFD2:8513B6BEF8315F5A" },
        { "atan2", "3FE0:FADCF47315CBCD0B", "4007:E4C91CE63491FEA1", "3FFF:C90FDAA220500E12" },
        { "atan2", "C000:E11D76C93BD3CD5A", "C000:89E180541859C35C", "C000:A5E3F9BCB1165F23" },
        { "atan2", "C001:F152EA7FCC60E673", "4000:EDCDD4A56A77F367", "4000:ABC35193D60406B3" },
        { "atan2", "4000:D075B7E01121879A", "3FFE:A6B1F203A30E4C93", "3FFC:CA0C103F23B34BCE" },
        { "atan2", "4000:8F2046A76C26A143", "BFFE:EFE8A4395F215ED4", "BFFD:CB2C2C7444B2DC77" },
        { "atan2", "3FFE:BF43C1595399187B", "3FFF:FCA42F248AB78912", "3FFF:9ABE5D171675490E" },
    };

    [Theory]
    [MemberData(nameof(CorrectlyRounded))]
    public void Transcendental_result_is_correctly_rounded(string function, string first, string second, string expected)
    {
        Float80 a = Parse(first);
        Float80 b = Parse(second);
        var ctx = new X87Context(X87Context.InitialControl);
        Float80 result = function switch
        {
            "sin" => Float80.Sine(a, ref ctx),
            "cos" => Float80.Cosine(a, ref ctx),
            "tan" => Float80.Tangent(a, out _, ref ctx),
            "exp2m1" => Float80.Exp2MinusOne(a, ref ctx),
            "ylog2x" => Float80.YLog2X(b, a, ref ctx),
            "ylog2xp1" => Float80.YLog2XPlusOne(b, a, ref ctx),
            _ => Float80.Arctangent(b, a, ref ctx),
        };
        Assert.Equal(Parse(expected), result);
        Assert.Equal(Inexact, ctx.Raised);
    }

    [Theory]
    [InlineData(0x037F, 0x4000, 0xC90F_DAA2_2168_C235)]
    [InlineData(0x077F, 0x4000, 0xC90F_DAA2_2168_C234)]
    [InlineData(0x0B7F, 0x4000, 0xC90F_DAA2_2168_C235)]
    [InlineData(0x0F7F, 0x4000, 0xC90F_DAA2_2168_C234)]
    public void Pi_is_rounded_by_the_control_word(int control, int exponent, ulong significand)
        => Assert.Equal(new Float80((ushort)exponent, significand), Float80.Pi(new X87Context((ushort)control).Rounding));

    [Fact]
    public void Angle_of_two_to_the_63_is_left_alone_with_C2()
    {
        var angle = new Float80(0x3FFF + 63, 1UL << 63);
        var ctx = new X87Context(X87Context.InitialControl);
        Assert.Equal(angle, Float80.Sine(angle, ref ctx));
        Assert.Equal(X87Context.C2, ctx.StatusWord);
        Assert.NotEqual(angle, Float80.Sine(new Float80(0x3FFF + 62, ulong.MaxValue), ref ctx));
        Assert.Equal(0, ctx.StatusWord & X87Context.C2);
    }

    [Fact]
    public void Unmasked_overflow_delivers_the_exponent_reduced_by_24576()
    {
        var ctx = new X87Context(0x0377);
        var big = new Float80(0x7FFE, 1UL << 63);
        Float80 result = Float80.Multiply(big, new Float80(0x4003, 1UL << 63), ref ctx);
        Assert.Equal(new Float80(0x7FFE + 4 - 0x6000, 1UL << 63), result);
        Assert.Equal(FloatFlags.Overflow, ctx.Raised);
        Assert.Equal(X87Context.ErrorSummary | X87Context.Busy, ctx.StatusWord & 0xFFC0);
        Assert.False(ctx.IsResultSuppressed);
        Assert.True(ctx.IsStoreSuppressed);
    }

    [Fact]
    public void Unmasked_underflow_delivers_the_exponent_raised_by_24576()
    {
        var ctx = new X87Context(0x036F);
        var small = new Float80(1, 1UL << 63);
        Float80 result = Float80.Divide(small, new Float80(0x4003, 1UL << 63), ref ctx);
        Assert.Equal(new Float80(1 - 4 + 0x6000, 1UL << 63), result);
        Assert.Equal(FloatFlags.Underflow, ctx.Raised);
    }

    [Fact]
    public void Unmasked_divide_by_zero_suppresses_the_result()
    {
        var ctx = new X87Context(0x037B);
        _ = Float80.Divide(Float80.One, Float80.Zero, ref ctx);
        Assert.True(ctx.IsResultSuppressed);
        Assert.Equal(FloatFlags.DivideByZero, ctx.Raised);
    }

    [Fact]
    public void Of_two_quiet_NaNs_the_larger_significand_wins()
    {
        var ctx = new X87Context(X87Context.InitialControl);
        var smaller = new Float80(0x7FFF, 0xC000_0000_0000_0001);
        var larger = new Float80(0xFFFF, 0xC000_0000_0000_0002);
        Assert.Equal(larger, Float80.Add(smaller, larger, ref ctx));
        Assert.Equal(larger, Float80.Add(larger, smaller, ref ctx));
        Assert.Equal(0u, ctx.Raised);
    }

    [Fact]
    public void Unnormal_operand_is_invalid()
    {
        var ctx = new X87Context(X87Context.InitialControl);
        Assert.Equal(Float80.Indefinite, Float80.Add(new Float80(0x4000, 1), Float80.One, ref ctx));
        Assert.Equal(FloatFlags.Invalid, ctx.Raised);
    }

    [Fact]
    public void Stack_fault_sets_SF_and_tells_the_direction_in_C1()
    {
        var ctx = new X87Context(X87Context.InitialControl);
        ctx.RaiseStackFault(overflow: true);
        Assert.Equal(X87Context.StackFault | X87Context.C1 | (int)FloatFlags.Invalid, ctx.StatusWord);
        ctx.RaiseStackFault(overflow: false);
        Assert.Equal(X87Context.StackFault | (int)FloatFlags.Invalid, ctx.StatusWord);
    }

    [Fact]
    public void Stack_fault_with_IE_unmasked_suppresses_the_result_and_still_tells_the_direction()
    {
        var ctx = new X87Context(0x037E);
        ctx.RaiseStackFault(overflow: true);
        Assert.True(ctx.IsResultSuppressed);
        Assert.NotEqual(0, ctx.StatusWord & X87Context.C1);
        Assert.NotEqual(0, ctx.StatusWord & X87Context.ErrorSummary);
    }

    [Fact]
    public void Repeated_partial_remainders_reach_the_remainder_of_integers()
    {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++)
        {
            long dividend = random.NextInt64();
            int scale = random.Next(200);
            long divisor = random.NextInt64(1, 1L << random.Next(1, 62));
            var ctx = new X87Context(X87Context.InitialControl);
            Float80 rest = Float80.Scale(Float80.FromInt64(dividend), Float80.FromInt64(scale), ref ctx);
            int steps = 0;
            do
            {
                rest = Float80.Remainder(rest, Float80.FromInt64(divisor), ref ctx);
                Assert.True(++steps < 20);
            }
            while ((ctx.StatusWord & X87Context.C2) != 0);
            var expected = (long)((new System.Numerics.BigInteger(dividend) << scale) % divisor);
            Assert.Equal(expected, Float80.ToInt64(rest, false, ref ctx));
            Assert.Equal(0u, ctx.Raised);
        }
    }

    [Fact]
    public void Packed_decimal_goes_there_and_back()
    {
        var random = new Random(6);
        for (int round = 0; round < 10000; round++)
        {
            long value = random.NextInt64(1_000_000_000_000_000_000) >> random.Next(60);
            if ((round & 1) != 0) value = -value;
            var ctx = new X87Context(X87Context.InitialControl);
            ulong low = Float80.ToBcd(Float80.FromInt64(value), out ushort high, ref ctx);
            Assert.Equal(Math.Abs(value).ToString("D18"), $"{high & 0xFF:X2}{low:X16}");
            Assert.Equal(Float80.FromInt64(value), Float80.FromBcd(low, high) is var back && back.IsZero ? Float80.Zero : back);
        }
    }

    private static Float80 Parse(string text)
    {
        string[] halves = text.Split(':');
        return new Float80(
            Convert.ToUInt16(halves[0], 16), Convert.ToUInt64(halves[1], 16));
    }
}
