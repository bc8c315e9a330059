using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>
/// The fast paths need PM set. Clearing it forces the integer path and changes nothing about the result or the flags, so that the two
/// can be held against each other.
/// </summary>
public class SseFastPathTests
{
    private const int Rounds = 200_000;
    private const uint PrecisionMask = FloatFlags.Precision << 7;

    private delegate ulong Operation64(ulong a, ulong b, ulong c, ref SseContext ctx);

    private delegate uint Operation32(uint a, uint b, uint c, ref SseContext ctx);

    private delegate Vector128<double> Packed64(Vector128<double> a, Vector128<double> b, ref SseContext ctx);

    private delegate Vector128<float> Packed32(Vector128<float> a, Vector128<float> b, ref SseContext ctx);

    [Fact]
    public void Double_addition_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.Add(a, b, ref x));

    [Fact]
    public void Double_subtraction_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.Subtract(a, b, ref x));

    [Fact]
    public void Double_multiplication_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.Multiply(a, b, ref x));

    [Fact]
    public void Double_division_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.Divide(a, b, ref x));

    [Fact]
    public void Double_square_root_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.SquareRoot(a, ref x));

    [Fact]
    public void Double_fused_multiply_add_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.FusedMultiplyAdd(a, b, c, false, true, ref x));

    [Fact]
    public void Double_to_integer_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x)
            => (ulong)Float64.ToInt64(a, ref x) ^ (ulong)Float64.ToInt64Truncated(b, ref x)
                ^ (uint)Float64.ToInt32(b, ref x) ^ (uint)Float64.ToInt32Truncated(a, ref x));

    [Fact]
    public void Double_to_single_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.ToFloat32(a, ref x));

    [Fact]
    public void Double_from_integer_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.FromInt64((long)a >> (int)(b & 63), ref x));

    [Fact]
    public void Rounding_a_double_to_integral_is_the_same_on_both_paths()
        => Hold((ulong a, ulong b, ulong c, ref SseContext x) => Float64.RoundToIntegral(a, (int)(b & 7), ref x));

    [Fact]
    public void Single_addition_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.Add(a, b, ref x));

    [Fact]
    public void Single_subtraction_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.Subtract(a, b, ref x));

    [Fact]
    public void Single_multiplication_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.Multiply(a, b, ref x));

    [Fact]
    public void Single_division_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.Divide(a, b, ref x));

    [Fact]
    public void Single_square_root_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.SquareRoot(a, ref x));

    [Fact]
    public void Single_fused_multiply_add_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.FusedMultiplyAdd(a, b, c, true, false, ref x));

    [Fact]
    public void Single_to_integer_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x)
            => (uint)Float32.ToInt32(a, ref x) ^ (uint)Float32.ToInt32Truncated(b, ref x) ^ (uint)Float32.ToInt64(c, ref x));

    [Fact]
    public void Rounding_a_single_to_integral_is_the_same_on_both_paths()
        => Hold((uint a, uint b, uint c, ref SseContext x) => Float32.RoundToIntegral(a, (int)(b & 7), ref x));

    [Fact]
    public void Packed_doubles_are_their_lanes()
    {
        HoldLanes(PackedFloat64.Add, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Add(a, b, ref x));
        HoldLanes(PackedFloat64.Subtract, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Subtract(a, b, ref x));
        HoldLanes(PackedFloat64.Multiply, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Multiply(a, b, ref x));
        HoldLanes(PackedFloat64.Divide, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Divide(a, b, ref x));
        HoldLanes(PackedFloat64.Minimum, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Minimum(a, b, ref x));
        HoldLanes(PackedFloat64.Maximum, (ulong a, ulong b, ulong c, ref SseContext x) => Float64.Maximum(a, b, ref x));
        HoldLanes(
            (Vector128<double> a, Vector128<double> b, ref SseContext x) => PackedFloat64.SquareRoot(a, ref x),
            (ulong a, ulong b, ulong c, ref SseContext x) => Float64.SquareRoot(a, ref x));
        HoldLanes(
            (Vector128<double> a, Vector128<double> b, ref SseContext x)
                => PackedFloat64.FusedMultiplyAdd(a, b, a, false, true, true, ref x),
            (ulong a, ulong b, ulong c, ref SseContext x) => Float64.FusedMultiplyAdd(a, b, a, false, true, ref x));
    }

    [Fact]
    public void Packed_singles_are_their_lanes()
    {
        HoldLanes(PackedFloat32.Add, (uint a, uint b, uint c, ref SseContext x) => Float32.Add(a, b, ref x));
        HoldLanes(PackedFloat32.Subtract, (uint a, uint b, uint c, ref SseContext x) => Float32.Subtract(a, b, ref x));
        HoldLanes(PackedFloat32.Multiply, (uint a, uint b, uint c, ref SseContext x) => Float32.Multiply(a, b, ref x));
        HoldLanes(PackedFloat32.Divide, (uint a, uint b, uint c, ref SseContext x) => Float32.Divide(a, b, ref x));
        HoldLanes(PackedFloat32.Minimum, (uint a, uint b, uint c, ref SseContext x) => Float32.Minimum(a, b, ref x));
        HoldLanes(PackedFloat32.Maximum, (uint a, uint b, uint c, ref SseContext x) => Float32.Maximum(a, b, ref x));
        HoldLanes(
            (Vector128<float> a, Vector128<float> b, ref SseContext x) => PackedFloat32.ToInt32Truncated(a, ref x).AsSingle(),
            (uint a, uint b, uint c, ref SseContext x) => (uint)Float32.ToInt32Truncated(a, ref x));
    }

    [Fact]
    public void Packed_comparison_holds_where_its_lanes_do_for_all_predicates()
    {
        var samples = new FloatSamples(7);
        for (int round = 0; round < Rounds; round++)
        {
            int predicate = round & 31;
            Vector128<float> a = samples.NextSingles();
            Vector128<float> b = (round & 32) != 0 ? a : samples.NextSingles();
            var packed = new SseContext(samples.NextMxcsr());
            var scalar = packed;
            Vector128<uint> mask = PackedFloat32.Compare(a, b, predicate, ref packed);
            for (int lane = 0; lane < 4; lane++)
            {
                bool holds = Float32.Compare(a.AsUInt32()[lane], b.AsUInt32()[lane], predicate, ref scalar);
                Assert.Equal(holds ? uint.MaxValue : 0, mask[lane]);
            }

            Assert.Equal(scalar.Mxcsr, packed.Mxcsr);
        }
    }

    [Fact]
    public void Unmasked_invalid_in_one_lane_hides_the_inexactness_of_another()
    {
        var ctx = new SseContext(SseContext.ResetValue & ~(FloatFlags.Invalid << 7));
        _ = PackedFloat64.Divide(Vector128.Create(1.0, 0.0), Vector128.Create(3.0, 0.0), ref ctx);
        Assert.Equal(FloatFlags.Invalid, ctx.Unmasked);
        Assert.Equal(FloatFlags.Invalid, ctx.Mxcsr & FloatFlags.All);
    }

    [Fact]
    public void Estimates_stay_within_the_architectures_bound()
    {
        var samples = new FloatSamples(11);
        double bound = 1.5 / 4096;
        for (int round = 0; round < Rounds; round++)
        {
            uint bits = samples.Next32() & 0x7FFF_FFFF;
            float value = BitConverter.UInt32BitsToSingle(bits);
            if (!float.IsNormal(value)) continue;
            float root = BitConverter.UInt32BitsToSingle(Float32.ReciprocalSquareRootEstimate(bits));
            Assert.InRange(root * Math.Sqrt(value), 1 - bound, 1 + bound);
            // Above 2^126 the inverse would be denormal, hence zero.
            if (value > 8e37f) continue;
            float inverse = BitConverter.UInt32BitsToSingle(Float32.ReciprocalEstimate(bits));
            Assert.InRange((double)inverse * value, 1 - bound, 1 + bound);
        }
    }

    private static void Hold(Operation64 operation)
    {
        var samples = new FloatSamples(1);
        for (int round = 0; round < Rounds; round++)
        {
            uint mxcsr = samples.NextMxcsr();
            ulong a = samples.Next64();
            ulong b = samples.Next64();
            ulong c = samples.Next64();
            var fast = new SseContext(mxcsr);
            var integer = new SseContext(mxcsr & ~PrecisionMask);
            ulong expected = operation(a, b, c, ref integer);
            ulong actual = operation(a, b, c, ref fast);
            if (expected != actual || integer.Mxcsr != (fast.Mxcsr & ~PrecisionMask))
                Assert.Fail($"{mxcsr:X4} {a:X16} {b:X16} {c:X16}: {actual:X16} {fast.Mxcsr:X4}, not {expected:X16} {integer.Mxcsr:X4}");
        }
    }

    private static void Hold(Operation32 operation)
    {
        var samples = new FloatSamples(2);
        for (int round = 0; round < Rounds; round++)
        {
            uint mxcsr = samples.NextMxcsr();
            uint a = samples.Next32();
            uint b = samples.Next32();
            uint c = samples.Next32();
            var fast = new SseContext(mxcsr);
            var integer = new SseContext(mxcsr & ~PrecisionMask);
            uint expected = operation(a, b, c, ref integer);
            uint actual = operation(a, b, c, ref fast);
            if (expected != actual || integer.Mxcsr != (fast.Mxcsr & ~PrecisionMask))
                Assert.Fail($"{mxcsr:X4} {a:X8} {b:X8} {c:X8}: {actual:X8} {fast.Mxcsr:X4}, not {expected:X8} {integer.Mxcsr:X4}");
        }
    }

    private static void HoldLanes(Packed64 packed, Operation64 scalar)
    {
        var samples = new FloatSamples(3);
        for (int round = 0; round < Rounds / 4; round++)
        {
            Vector128<double> a = samples.NextDoubles();
            Vector128<double> b = samples.NextDoubles();
            var whole = new SseContext(samples.NextMxcsr());
            var integer = new SseContext(whole.Mxcsr & ~PrecisionMask);
            Vector128<ulong> result = packed(a, b, ref whole).AsUInt64();
            for (int lane = 0; lane < 2; lane++)
                Assert.Equal(scalar(a.AsUInt64()[lane], b.AsUInt64()[lane], 0, ref integer), result[lane]);
            Assert.Equal(integer.Mxcsr, whole.Mxcsr & ~PrecisionMask);
        }
    }

    private static void HoldLanes(Packed32 packed, Operation32 scalar)
    {
        var samples = new FloatSamples(4);
        for (int round = 0; round < Rounds / 4; round++)
        {
            Vector128<float> a = samples.NextSingles();
            Vector128<float> b = samples.NextSingles();
            var whole = new SseContext(samples.NextMxcsr());
            var integer = new SseContext(whole.Mxcsr & ~PrecisionMask);
            Vector128<uint> result = packed(a, b, ref whole).AsUInt32();
            for (int lane = 0; lane < 4; lane++)
                Assert.Equal(scalar(a.AsUInt32()[lane], b.AsUInt32()[lane], 0, ref integer), result[lane]);
            Assert.Equal(integer.Mxcsr, whole.Mxcsr & ~PrecisionMask);
        }
    }
}
