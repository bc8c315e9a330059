using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>SSE arithmetic on one double-precision value, given as its bits; here stand its conversions.</summary>
public abstract class Float64 : ScalarFloat<Binary64, double, ulong>
{
    private const ulong TwoTo30 = (1023UL + 30) << 52;
    private const ulong TwoTo62 = (1023UL + 62) << 52;
    private const ulong TwoTo31 = (1023UL + 31) << 52;
    private const ulong TwoTo63 = (1023UL + 63) << 52;

    /// <summary>CVTSD2SI with a 32-bit destination: rounded by MXCSR.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 0x80000000 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToInt32(ulong a, ref SseContext ctx)
    {
        if (ctx.IsHostLikeAndInexact && (a & ~SignBit) < TwoTo30) return (int)Math.Round(Value(a));
        return (int)SoftFloat<Binary64>.ToInteger(a, 32, ctx.Rounding, ref ctx);
    }

    /// <summary>CVTSD2SI with a 64-bit destination: rounded by MXCSR.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 2^63 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToInt64(ulong a, ref SseContext ctx)
    {
        if (ctx.IsHostLikeAndInexact && (a & ~SignBit) < TwoTo62) return (long)Math.Round(Value(a));
        return SoftFloat<Binary64>.ToInteger(a, 64, ctx.Rounding, ref ctx);
    }

    /// <summary>CVTTSD2SI with a 32-bit destination: truncated.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 0x80000000 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToInt32Truncated(ulong a, ref SseContext ctx)
    {
        if ((a & ~SignBit) < TwoTo31)
        {
            int result = (int)Value(a);
            if (ctx.IgnoresInexact || result == Value(a)) return result;
        }

        return (int)SoftFloat<Binary64>.ToInteger(a, 32, RoundingMode.TowardZero, ref ctx);
    }

    /// <summary>CVTTSD2SI with a 64-bit destination: truncated.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The integer; 2^63 with IE where it does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ToInt64Truncated(ulong a, ref SseContext ctx)
    {
        if ((a & ~SignBit) < TwoTo63)
        {
            long result = (long)Value(a);
            if (ctx.IgnoresInexact || result == Value(a)) return result;
        }

        return SoftFloat<Binary64>.ToInteger(a, 64, RoundingMode.TowardZero, ref ctx);
    }

    /// <summary>A number whose truncation fits 32 bits. Of denormals that raises PE alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool FitsInt32(ulong a) => (a & ~SignBit) < TwoTo31;

    /// <summary>A number whose truncation fits 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool FitsInt64(ulong a) => (a & ~SignBit) < TwoTo63;

    /// <summary>CVTSI2SD from 32 bits.</summary>
    /// <param name="value">The integer.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FromInt32(int value, ref SseContext ctx)
        => Bits(value);

    /// <summary>CVTSI2SD from 64 bits.</summary>
    /// <param name="value">The integer.</param>
    /// <param name="ctx">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FromInt64(long value, ref SseContext ctx)
        => ctx.IsHostLikeAndInexact ? Bits(value) : (ulong)SoftFloat<Binary64>.FromInteger(value, ref ctx);

    /// <summary>CVTSD2SS.</summary>
    /// <param name="a">The operand's bits.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The bits of the single.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ToFloat32(ulong a, ref SseContext ctx)
    {
        uint result = BitConverter.SingleToUInt32Bits((float)Value(a));
        if (ctx.IsHostLikeAndInexact && Float32.IsClearlyNormal(result)) return result;
        return (uint)SoftFloat<Binary64>.ConvertTo<Binary32>(a, ref ctx);
    }
}
