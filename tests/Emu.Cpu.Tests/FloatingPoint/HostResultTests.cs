using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Xunit;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>The longer test of the host's results lets through only what the guest gets without a trace in MXCSR.</summary>
public sealed class HostResultTests
{
    private const int Rounds = 100_000;
    private const uint AllMasked = 0x1F80, Inexact = 0x20;

    [Theory]
    [InlineData(AllMasked)]
    [InlineData(AllMasked | Inexact)]
    public void What_is_untraced_is_what_the_guest_gets(uint mxcsr)
    {
        Hold<ScalarDouble<FloatAdd>>(mxcsr, true);
        Hold<ScalarDouble<FloatSubtract>>(mxcsr, true);
        Hold<ScalarDouble<FloatMultiply>>(mxcsr, true);
        Hold<ScalarDouble<FloatDivide>>(mxcsr, true);
        Hold<PackedDouble<FloatAdd>>(mxcsr, true);
        Hold<PackedDouble<FloatMultiply>>(mxcsr, true);
        Hold<ScalarSingle<FloatAdd>>(mxcsr, false);
        Hold<ScalarSingle<FloatSubtract>>(mxcsr, false);
        Hold<ScalarSingle<FloatMultiply>>(mxcsr, false);
        Hold<ScalarSingle<FloatDivide>>(mxcsr, false);
        Hold<PackedSingle<FloatSubtract>>(mxcsr, false);
        Hold<PackedSingle<FloatDivide>>(mxcsr, false);
    }

    [Theory]
    [InlineData(0.0, 3.5)]
    [InlineData(3.5, 0.0)]
    [InlineData(1.0, 2.0)]
    [InlineData(96.0, 3.0)]
    public void Zeros_and_exact_results_are_untraced(double a, double b)
    {
        Assert.True(IsUntraced<ScalarDouble<FloatAdd>>(a, b, a + b));
        Assert.True(IsUntraced<ScalarDouble<FloatSubtract>>(a, b, a - b));
        // Without a fused multiply-add nothing shows that a product is exact.
        Assert.Equal(HostArithmetic.HasFusedMultiplyAdd, IsUntraced<ScalarDouble<FloatMultiply>>(a, b, a * b));
        if (b != 0)
            Assert.Equal(HostArithmetic.HasFusedMultiplyAdd, IsUntraced<ScalarDouble<FloatDivide>>(a, b, a / b));
    }

    private static bool IsUntraced<TOperation>(double a, double b, double result)
        where TOperation : IFloatOperation =>
        TOperation.IsUntraced(Vector128.Create(a).AsByte(), Vector128.Create(b).AsByte(), Vector128.Create(result).AsByte(), false);

    private static void Hold<TOperation>(uint mxcsr, bool isDouble)
        where TOperation : IFloatOperation
    {
        var samples = new FloatSamples(17);
        var untraced = 0;
        for (var round = 0; round < Rounds; round++)
        {
            Vector128<byte> a = Next(), b = Next();
            var host = TOperation.Host(a, b);
            if (!TOperation.IsUntraced(a, b, host, (mxcsr & Inexact) != 0))
                continue;
            untraced++;
            var context = new SseContext(mxcsr);
            Assert.Equal(TOperation.Compute(a, b, 0, ref context), host);
            Assert.Equal((mxcsr, 0u), (context.Mxcsr, context.Unmasked));
        }
        Assert.True(untraced > 0, $"only {untraced} of {Rounds} results of {typeof(TOperation)} were untraced");

        Vector128<byte> Next() => isDouble
            ? Vector128.Create(samples.Next64(), samples.Next64()).AsByte()
            : Vector128.Create(samples.Next32(), samples.Next32(), samples.Next32(), samples.Next32()).AsByte();
    }
}
