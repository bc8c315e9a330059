using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>SSE arithmetic on one single-precision value, given as its bits; here stand its conversions.</summary>
public abstract partial class Float32 : ScalarFloat<Binary32, float, uint>
{
    private const uint QuietBit = 1U << 22;
    private const uint TwoTo30 = (127U + 30) << 23;
    private const uint TwoTo62 = (127U + 62) << 23;
    private const uint TwoTo31 = (127U + 31) << 23;
    private const uint TwoTo63 = (127U + 63) << 23;

    /// <summary>CVTSS2SI with a 32-bit destination: rounded by MXCSR.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 0x80000000 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToInt32(uint a, ref SseContext ctx)
    {
        if (ctx.IsHostLikeAndInexact && (a & ~SignBit) < TwoTo30) return (int)MathF.Round(Value(a));
        return (int)SoftFloat<Binary32>.ToInteger(a, 32, ctx.Rounding, ref ctx);
    }

    /// <summary>CVTSS2SI with a 64-bit destination: rounded by MXCSR.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 2^63 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToInt64(uint a, ref SseContext ctx)
    {
        if (ctx.IsHostLikeAndInexact && (a & ~SignBit) < TwoTo62) return (long)MathF.Round(Value(a));
        return SoftFloat<Binary32>.ToInteger(a, 64, ctx.Rounding, ref ctx);
    }

    /// <summary>CVTTSS2SI with a 32-bit destination: truncated.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 0x80000000 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToInt32Truncated(uint a, ref SseContext ctx)
    {
        if ((a & ~SignBit) < TwoTo31)
        {
            int result = (int)Value(a);
            if (ctx.IgnoresInexact || result == Value(a)) return result;
        }

        return (int)SoftFloat<Binary32>.ToInteger(a, 32, RoundingMode.TowardZero, ref ctx);
    }

    /// <summary>CVTTSS2SI with a 64-bit destination: truncated.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 2^63 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToInt64Truncated(uint a, ref SseContext ctx)
    {
        if ((a & ~SignBit) < TwoTo63)
        {
            long result = (long)Value(a);
            if (ctx.IgnoresInexact || result == Value(a)) return result;
        }

        return SoftFloat<Binary32>.ToInteger(a, 64, RoundingMode.TowardZero, ref ctx);
    }

    /// <summary>A number whose truncation fits 32 bits. Of denormals that raises PE alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool FitsInt32(uint a) => (a & ~SignBit) < TwoTo31;

    /// <summary>A number whose truncation fits 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool FitsInt64(uint a) => (a & ~SignBit) < TwoTo63;

    /// <summary>CVTSI2SS from 32 bits.</summary>
    /// <param name="value">The integer.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint FromInt32(int value, ref SseContext ctx)
        => ctx.IsHostLikeAndInexact ? Bits(value) : (uint)SoftFloat<Binary32>.FromInteger(value, ref ctx);

    /// <summary>CVTSI2SS from 64 bits.</summary>
    /// <param name="value">The integer.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint FromInt64(long value, ref SseContext ctx)
        => ctx.IsHostLikeAndInexact ? Bits(value) : (uint)SoftFloat<Binary32>.FromInteger(value, ref ctx);

    /// <summary>CVTSS2SD. Exact; SNaN raises IE, a denormal DE.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The bits of the double.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ToFloat64(uint a, ref SseContext ctx)
        => IsFinite(a) && !IsDenormal(a)
            ? BitConverter.DoubleToUInt64Bits(Value(a))
            : SoftFloat<Binary32>.ConvertTo<Binary64>(a, ref ctx);

    /// <summary>One lane of VCVTPS2PH (SDM Vol. 2): FTZ is ignored, DAZ is not.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The bits of the half.</returns>
    public static ushort ToFloat16(uint a, int control, ref SseContext ctx)
    {
        uint mxcsr = ctx.Mxcsr;
        SseContext own = ctx;
        own.Mxcsr &= ~SseContext.FlushToZero;
        if ((control & 4) == 0) own.Rounding = (RoundingMode)(control & 3);
        ushort result = (ushort)SoftFloat<Binary32>.ConvertTo<Binary16>(a, ref own);
        ctx.Mxcsr = mxcsr | (own.Mxcsr & FloatFlags.All);
        ctx.Unmasked = own.Unmasked;
        return result;
    }

    /// <summary>One lane of VCVTPH2PS (SDM Vol. 2). Exact; DAZ is ignored and a denormal half raises nothing.</summary>
    /// <param name="half">The bits of the half.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The bits of the single.</returns>
    public static uint FromFloat16(ushort half, ref SseContext ctx)
        => (uint)SoftFloat<Binary16>.ConvertTo<Binary32>(half, ref ctx);
}
