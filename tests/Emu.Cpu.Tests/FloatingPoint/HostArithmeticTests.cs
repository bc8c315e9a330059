using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>The integer path, forced by a clear PM, against what the host computes: both round to nearest.</summary>
public class HostArithmeticTests
{
    private const int Rounds = 300_000;
    private const uint IntegerPath = SseContext.ResetValue & ~(FloatFlags.Precision << 7);

    [Fact]
    public void Integer_path_rounds_doubles_as_the_host_does()
    {
        var samples = new FloatSamples(21);
        for (int round = 0; round < Rounds; round++)
        {
            ulong a = samples.Next64();
            ulong b = samples.Next64();
            ulong c = samples.Next64();
            double x = BitConverter.UInt64BitsToDouble(a);
            double y = BitConverter.UInt64BitsToDouble(b);
            double z = BitConverter.UInt64BitsToDouble(c);
            var ctx = new SseContext(IntegerPath);
            AssertSame(x + y, Float64.Add(a, b, ref ctx));
            AssertSame(x - y, Float64.Subtract(a, b, ref ctx));
            AssertSame(x * y, Float64.Multiply(a, b, ref ctx));
            AssertSame(x / y, Float64.Divide(a, b, ref ctx));
            AssertSame(Math.Sqrt(x), Float64.SquareRoot(a, ref ctx));
            AssertSame(Math.FusedMultiplyAdd(x, y, z), Float64.FusedMultiplyAdd(a, b, c, false, false, ref ctx));
            AssertSame((float)x, Float64.ToFloat32(a, ref ctx));
        }
    }

    [Fact]
    public void Integer_path_rounds_singles_as_the_host_does()
    {
        var samples = new FloatSamples(22);
        for (int round = 0; round < Rounds; round++)
        {
            uint a = samples.Next32();
            uint b = samples.Next32();
            uint c = samples.Next32();
            float x = BitConverter.UInt32BitsToSingle(a);
            float y = BitConverter.UInt32BitsToSingle(b);
            float z = BitConverter.UInt32BitsToSingle(c);
            var ctx = new SseContext(IntegerPath);
            AssertSame(x + y, Float32.Add(a, b, ref ctx));
            AssertSame(x * y, Float32.Multiply(a, b, ref ctx));
            AssertSame(x / y, Float32.Divide(a, b, ref ctx));
            AssertSame(MathF.Sqrt(x), Float32.SquareRoot(a, ref ctx));
            AssertSame(MathF.FusedMultiplyAdd(x, y, z), Float32.FusedMultiplyAdd(a, b, c, false, false, ref ctx));
            AssertSame(x, Float32.ToFloat64(a, ref ctx));
        }
    }

    [Fact]
    public void Half_precision_agrees_with_the_host()
    {
        for (uint half = 0; half < 0x10000; half++)
        {
            var ctx = new SseContext(SseContext.ResetValue);
            uint single = Float32.FromFloat16((ushort)half, ref ctx);
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)half);
            if (float.IsNaN(expected)) continue;
            Assert.Equal(BitConverter.SingleToUInt32Bits(expected), single);
            Assert.Equal((ushort)half, Float32.ToFloat16(single, 0, ref ctx));
            Assert.Equal(0u, ctx.Mxcsr & FloatFlags.All);
        }
    }

    [Fact]
    public void Extended_precision_control_of_53_bits_gives_the_hosts_doubles()
    {
        var samples = new FloatSamples(23);
        for (int round = 0; round < Rounds; round++)
        {
            double x = BitConverter.UInt64BitsToDouble(samples.Next64());
            double y = BitConverter.UInt64BitsToDouble(samples.Next64());
            var ctx = new X87Context(0x027F);
            Float80 a = Float80.FromFloat64(BitConverter.DoubleToUInt64Bits(x), ref ctx);
            Float80 b = Float80.FromFloat64(BitConverter.DoubleToUInt64Bits(y), ref ctx);
            // The wider exponent range shows only where a double would not be normal.
            if (double.IsNormal(x * y)) AssertSame(x * y, Float80.ToFloat64(Float80.Multiply(a, b, ref ctx), ref ctx));
            if (double.IsNormal(x / y)) AssertSame(x / y, Float80.ToFloat64(Float80.Divide(a, b, ref ctx), ref ctx));
            if (double.IsNormal(x + y)) AssertSame(x + y, Float80.ToFloat64(Float80.Add(a, b, ref ctx), ref ctx));
            if (x >= 0) AssertSame(Math.Sqrt(x), Float80.ToFloat64(Float80.SquareRoot(a, ref ctx), ref ctx));
        }
    }

    private static void AssertSame(double expected, ulong actual)
    {
        if (double.IsNaN(expected))
            Assert.True(double.IsNaN(BitConverter.UInt64BitsToDouble(actual)));
        else
            Assert.Equal(BitConverter.DoubleToUInt64Bits(expected), actual);
    }

    private static void AssertSame(float expected, uint actual)
    {
        if (float.IsNaN(expected))
            Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle(actual)));
        else
            Assert.Equal(BitConverter.SingleToUInt32Bits(expected), actual);
    }
}
