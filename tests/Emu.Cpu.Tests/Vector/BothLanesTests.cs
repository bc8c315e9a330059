using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Tests.FloatingPoint;
using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>A 256-bit form computed at once gives what its lanes give, flags and unmasked exceptions included.</summary>
public sealed class BothLanesTests
{
    private const int Rounds = 60_000;

    [Fact]
    public void Singles_computed_at_once_are_their_lanes()
    {
        Hold<PackedSingle<FloatAdd>>(false);
        Hold<PackedSingle<FloatSubtract>>(false);
        Hold<PackedSingle<FloatMultiply>>(false);
        Hold<PackedSingle<FloatDivide>>(false);
        Hold<PackedSingle<FloatSquareRoot>>(false);
    }

    [Fact]
    public void Doubles_computed_at_once_are_their_lanes()
    {
        Hold<PackedDouble<FloatAdd>>(true);
        Hold<PackedDouble<FloatSubtract>>(true);
        Hold<PackedDouble<FloatMultiply>>(true);
        Hold<PackedDouble<FloatDivide>>(true);
        Hold<PackedDouble<FloatSquareRoot>>(true);
    }

    [Fact]
    public void Integers_computed_at_once_are_their_lanes()
    {
        Hold<Move>();
        Hold<BitwiseAnd>();
        Hold<BitwiseAndNot>();
        Hold<BitwiseOr>();
        Hold<BitwiseXor>();
        Hold<CompareEqual<sbyte>>();
        Hold<CompareGreater<short>>();
        Hold<PackedAdd<int>>();
        Hold<PackedSubtract<long>>();
        Hold<PackedAddSaturated<byte>>();
        Hold<PackedSubtractSaturated<short>>();
        Hold<PackedMinimum<uint>>();
        Hold<PackedMaximum<int>>();
        Hold<PackedAverage<ushort>>();
    }

    [Fact]
    public void One_lane_in_compiled_code_is_what_it_is_in_a_handler()
    {
        HoldOne<ScalarSingle<FloatAdd>>(false);
        HoldOne<ScalarSingle<FloatMultiply>>(false);
        HoldOne<ScalarSingle<FloatSquareRoot>>(false);
        HoldOne<ScalarDouble<FloatSubtract>>(true);
        HoldOne<ScalarDouble<FloatDivide>>(true);
        HoldOne<ScalarDouble<FloatSquareRoot>>(true);
        HoldOne<PackedSingle<FloatDivide>>(false);
        HoldOne<PackedDouble<FloatMultiply>>(true);
        HoldOne<Cvtss2sd>(false);
        HoldOne<Cvtsd2ss>(true);
    }

    [Fact]
    public void A_fused_result_that_is_taken_from_the_host_is_the_exact_one()
    {
        var samples = new FloatSamples(9);
        var taken = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b, c) = (samples.NextDoubles(), samples.NextDoubles(), samples.NextDoubles());
            var (even, odd, product) = ((round & 1) != 0, (round & 2) != 0, (round & 4) != 0);
            var host = PackedFloat64.HostFused(a, b, c, product, even, odd);
            if (!HostArithmetic.HasFusedMultiplyAdd || !PackedFloat64.ArePlainFused(a, b, c, host))
                continue;
            taken++;
            // With PM clear nothing is taken from the host.
            var context = new SseContext(0x0FA0);
            Assert.Equal(PackedFloat64.FusedMultiplyAdd(a, b, c, product, even, odd, ref context).AsUInt64(), host.AsUInt64());
            Assert.Equal(0u, context.Mxcsr & 0x1F);
        }
        Assert.True(taken > Rounds / 20 || !HostArithmetic.HasFusedMultiplyAdd, $"{taken} were taken");
    }

    private static void Hold<TOperation>(bool isDouble)
        where TOperation : IFloatOperation
    {
        var samples = new FloatSamples(8);
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b) = (Next(samples, isDouble), Next(samples, isDouble));
            var mxcsr = samples.NextMxcsr() & ~(round % 3 == 0 ? (uint)(round & 63) << 7 : 0);
            var (atOnce, byLane) = (new SseContext(mxcsr), new SseContext(mxcsr));
            var actual = BothLanes.Compute<TOperation>(a, b, 0, ref atOnce);
            var expected = BothLanes.ByLane<TOperation>(a, b.GetLower(), b.GetUpper(), 0, ref byLane);
            Assert.Equal((byLane.Mxcsr, byLane.Unmasked), (atOnce.Mxcsr, atOnce.Unmasked));
            if (atOnce.Unmasked == 0)
                Assert.Equal(expected, actual);
        }
    }

    private static void HoldOne<TOperation>(bool isDouble)
        where TOperation : IFloatOperation
    {
        var samples = new FloatSamples(12);
        for (var round = 0; round < Rounds; round++)
        {
            var (a, b) = (Next(samples, isDouble).GetLower(), Next(samples, isDouble).GetLower());
            var mxcsr = samples.NextMxcsr();
            var (inline, called) = (new SseContext(mxcsr), new SseContext(mxcsr & ~(FloatFlags.Precision << 7)));
            var actual = OneLane.Compute<TOperation>(a, b, 0, ref inline);
            Assert.Equal(TOperation.Compute(a, b, 0, ref called), actual);
            Assert.Equal(called.Mxcsr, inline.Mxcsr & ~(FloatFlags.Precision << 7));
        }
    }

    private static void Hold<TOperation>()
        where TOperation : IVectorOperation
    {
        Assert.True(TOperation.HasWideForm);
        var samples = new FloatSamples(10);
        for (var round = 0; round < 1000; round++)
        {
            var (a, b) = (Next(samples, true), Next(samples, round % 2 == 0));
            var lanes = Vector256.Create(TOperation.Compute(a.GetLower(), b.GetLower(), 0), TOperation.Compute(a.GetUpper(), b.GetUpper(), 0));
            Assert.Equal(lanes, TOperation.Compute(a, b, 0));
        }
    }

    private static Vector256<byte> Next(FloatSamples samples, bool isDouble) => isDouble
        ? Vector256.Create(samples.NextDoubles(), samples.NextDoubles()).AsByte()
        : Vector256.Create(samples.NextSingles(), samples.NextSingles()).AsByte();
}
