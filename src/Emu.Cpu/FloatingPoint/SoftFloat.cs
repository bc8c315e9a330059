using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// SSE arithmetic on the bits of one IEEE format, in integers only: the meaning that every fast path must reproduce.
/// Rules: SDM Vol. 1, 4.8 (formats, NaNs), 4.9 (exceptions), 11.5 (SIMD exceptions), E.4 (responses).
/// </summary>
/// <remarks>
/// Finite non-zero operands are unpacked into a sign, a biased exponent without bounds and a significand whose leading one
/// stands at bit <see cref="Lead"/>; below the format's own bits there is room for guard bits, and what lies beyond them is
/// jammed into bit 0. <see cref="RoundPack"/> is the only way back.
/// </remarks>
/// <typeparam name="TFormat">The format.</typeparam>
internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    /// <summary>The position of the leading one in an unpacked significand.</summary>
    internal const int Lead = 62;

    internal static ulong SignBit => 1UL << (TFormat.FractionBits + TFormat.ExponentBits);

    internal static ulong FractionMask => (1UL << TFormat.FractionBits) - 1;

    internal static int InfinityExponent => (1 << TFormat.ExponentBits) - 1;

    internal static int Bias => InfinityExponent >> 1;

    internal static ulong Infinity => (ulong)InfinityExponent << TFormat.FractionBits;

    internal static ulong QuietBit => 1UL << (TFormat.FractionBits - 1);

    /// <summary>The real indefinite: the QNaN of a masked invalid operation (SDM Vol. 1, 4.8.3.7).</summary>
    internal static ulong Indefinite => SignBit | Infinity | QuietBit;

    private static int RoundShift => Lead - TFormat.FractionBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsNaN(ulong a) => (a & ~SignBit) > Infinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsSignaling(ulong a) => IsNaN(a) && (a & QuietBit) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsInfinity(ulong a) => (a & ~SignBit) == Infinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsZero(ulong a) => (a & ~SignBit) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsDenormal(ulong a) => (a & ~SignBit) - 1 < FractionMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsNegative(ulong a) => (a & SignBit) != 0;

    /// <summary>A denormal operand becomes a zero of its sign under DAZ, else raises DE (SDM Vol. 1, 10.2.3.4).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AdmitDenormal(ulong a, in SseContext ctx, ref uint flags)
    {
        if (!IsDenormal(a)) return a;
        if (ctx.IsDenormalsAreZeros) return a & SignBit;
        flags |= FloatFlags.Denormal;
        return a;
    }

    /// <summary>The significand and biased exponent of a finite, non-zero number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Unpack(ulong a, out int exponent)
    {
        ulong fraction = a & FractionMask;
        exponent = (int)(a >> TFormat.FractionBits) & InfinityExponent;
        if (exponent != 0) return (fraction << RoundShift) | (1UL << Lead);
        int shift = BitOperations.LeadingZeroCount(fraction) - (63 - Lead);
        exponent = 1 + RoundShift - shift;
        return fraction << shift;
    }

    /// <summary>
    /// The NaN that an operation on two operands returns, of which at least one is a NaN: the first operand where it is one,
    /// quieted (SDM Vol. 1, table 4-7, the SSE column).
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PropagateNaN(ulong a, ulong b, ref SseContext ctx)
    {
        if (IsSignaling(a) || IsSignaling(b)) ctx.Raise(FloatFlags.Invalid);
        return (IsNaN(a) ? a : b) | QuietBit;
    }

    private static ulong RaiseInvalid(ref SseContext ctx)
    {
        ctx.Raise(FloatFlags.Invalid);
        return Indefinite;
    }

    /// <summary>The zero of an exact cancellation: negative only when rounding down (SDM Vol. 1, 4.8.3.1).</summary>
    private static ulong CancelledZero(uint flags, ref SseContext ctx)
    {
        ctx.Raise(flags);
        return ctx.Rounding == RoundingMode.Down ? SignBit : 0;
    }

    /// <summary>What is added below the last kept bit before truncation. A tie to even is repaired afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong RoundIncrement(RoundingMode mode, bool negative, int bits)
        => mode switch
        {
            RoundingMode.Nearest => 1UL << (bits - 1),
            RoundingMode.Down => negative ? (1UL << bits) - 1 : 0,
            RoundingMode.Up => negative ? 0 : (1UL << bits) - 1,
            _ => 0,
        };

    /// <summary>Rounds to the format, raises OE, UE and PE besides the flags given, and packs.</summary>
    /// <param name="negative">The sign.</param>
    /// <param name="exponent">The biased exponent, without bounds.</param>
    /// <param name="significand">Not zero; leading one at bit <see cref="Lead"/>.</param>
    /// <param name="flags">Exceptions found on the way here.</param>
    /// <param name="ctx">MXCSR.</param>
    internal static ulong RoundPack(bool negative, int exponent, ulong significand, uint flags, ref SseContext ctx)
    {
        RoundingMode mode = ctx.Rounding;
        ulong increment = RoundIncrement(mode, negative, RoundShift);
        ulong sign = negative ? SignBit : 0;
        if (exponent <= 0) return RoundPackTiny(sign, exponent, significand, increment, flags, ref ctx);
        ulong lost = significand & ((1UL << RoundShift) - 1);
        if (lost != 0) flags |= FloatFlags.Precision;
        ulong rounded = (significand + increment) >> RoundShift;
        if (mode == RoundingMode.Nearest && lost == increment) rounded &= ~1UL;
        // The implied bit (or the carry out of the fraction) adds one to the exponent below.
        ulong magnitude = ((ulong)(uint)(exponent - 1) << TFormat.FractionBits) + rounded;
        if (exponent >= InfinityExponent || magnitude >= Infinity)
        {
            // Unmasked, PE tells whether the result was inexact with an unbounded exponent (SDM Vol. 1, 4.9.1.4).
            flags |= FloatFlags.Overflow;
            if ((ctx.Mxcsr & (FloatFlags.Overflow << 7)) != 0) flags |= FloatFlags.Precision;
            magnitude = increment == 0 ? Infinity - 1 : Infinity;
        }

        if (flags != 0) ctx.Raise(flags);
        return sign | magnitude;
    }

    private static ulong RoundPackTiny(
        ulong sign, int exponent, ulong significand, ulong increment, uint flags, ref SseContext ctx)
    {
        // x86 finds tininess after rounding, with an unbounded exponent (SDM Vol. 1, 4.9.1.5).
        bool tiny = exponent < 0 || significand + increment < 1UL << (Lead + 1);
        bool masked = (ctx.Mxcsr & SseContext.UnderflowMask) != 0;
        if (tiny && masked && (ctx.Mxcsr & SseContext.FlushToZero) != 0)
        {
            ctx.Raise(flags | FloatFlags.Underflow | FloatFlags.Precision);
            return sign;
        }

        ulong unbounded = significand;
        significand = WideInteger.ShiftRightJam(significand, 1 - exponent);
        ulong lost = significand & ((1UL << RoundShift) - 1);
        ulong rounded = (significand + increment) >> RoundShift;
        if (ctx.Rounding == RoundingMode.Nearest && lost == increment) rounded &= ~1UL;
        if (tiny && !masked)
        {
            flags |= FloatFlags.Underflow;
            if ((unbounded & ((1UL << RoundShift) - 1)) != 0) flags |= FloatFlags.Precision;
        }
        else if (lost != 0)
        {
            flags |= tiny ? FloatFlags.Underflow | FloatFlags.Precision : FloatFlags.Precision;
        }

        if (flags != 0) ctx.Raise(flags);
        return sign | rounded;
    }
}
