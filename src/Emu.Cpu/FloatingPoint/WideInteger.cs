using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.FloatingPoint;

/// <summary>Integer steps on more than 64 bits that the significands need. Portable: the same bits on every host.</summary>
internal static class WideInteger
{
    /// <summary>Shifts right; bits shifted out are ORed into the lowest bit, so that rounding still sees them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong ShiftRightJam(ulong value, int count)
    {
        if (count >= 64) return value != 0 ? 1UL : 0UL;
        ulong lost = value & ((1UL << count) - 1);
        return (value >> count) | (lost != 0 ? 1UL : 0UL);
    }

    /// <summary>The same on 128 bits.</summary>
    internal static UInt128 ShiftRightJam(UInt128 value, int count)
    {
        if (count >= 128) return value != UInt128.Zero ? UInt128.One : UInt128.Zero;
        if (count == 0) return value;
        bool lost = value << (128 - count) != UInt128.Zero;
        return (value >> count) | (lost ? UInt128.One : UInt128.Zero);
    }

    /// <summary>The same on 128 bits in two halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ShiftRightJam(ref ulong high, ref ulong low, int count)
    {
        if (count == 0) return;
        if (count < 64)
        {
            ulong lost = low << (64 - count);
            low = (high << (64 - count)) | (low >> count) | (lost != 0 ? 1UL : 0UL);
            high >>= count;
        }
        else if (count < 128)
        {
            ulong lost = low | (count == 64 ? 0 : high << (128 - count));
            low = (high >> (count - 64)) | (lost != 0 ? 1UL : 0UL);
            high = 0;
        }
        else
        {
            low = (high | low) != 0 ? 1UL : 0UL;
            high = 0;
        }
    }

    /// <summary>
    /// Divides (high:low) by a divisor with its top bit set, high &lt; divisor: by one instruction of an x64 host, else in two steps of 32
    /// quotient bits (Knuth, TAOCP vol. 2, 4.3.1, algorithm D).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Divide(ulong high, ulong low, ulong divisor, out ulong remainder)
    {
#pragma warning disable SYSLIB5004 // Experimental for its faults alone, which high < divisor rules out.
        if (X86Base.X64.IsSupported)
        {
            (ulong quotient, remainder) = X86Base.X64.DivRem(low, high, divisor);
            return quotient;
        }
#pragma warning restore SYSLIB5004
        return DivideBySteps(high, low, divisor, out remainder);
    }

    private static ulong DivideBySteps(ulong high, ulong low, ulong divisor, out ulong remainder)
    {
        ulong divisorHigh = divisor >> 32;
        ulong divisorLow = (uint)divisor;
        ulong upper = DivideStep(ref high, low >> 32, divisor, divisorHigh, divisorLow);
        ulong lower = DivideStep(ref high, (uint)low, divisor, divisorHigh, divisorLow);
        remainder = high;
        return (upper << 32) | lower;
    }

    /// <summary>
    /// The integer square root of (high:low), high at least 2^62.
    /// </summary>
    /// <param name="high">Upper half of the radicand.</param>
    /// <param name="low">Lower half of the radicand.</param>
    /// <param name="remainder">Radicand − root²; at most 2·root.</param>
    internal static ulong SquareRoot(ulong high, ulong low, out UInt128 remainder)
    {
        // IEEE requires sqrt to be correctly rounded, so the host's estimate is the same everywhere, and good to 52 bits.
        double estimate = Math.Sqrt(high) * 4294967296.0;
        ulong root = estimate >= 18446744073709551615.0 ? ulong.MaxValue : (ulong)estimate;
        if (root <= high && high != ulong.MaxValue) root = high + 1;
        if (root > high)
        {
            // One Newton step doubles the good bits; root has its top bit set, since high ≥ 2^62.
            ulong quotient = Divide(high, low, root, out _);
            root = (ulong)(((UInt128)root + quotient) >> 1);
        }

        UInt128 radicand = new(high, low);
        UInt128 square = Math.BigMul(root, root);
        while (square > radicand)
        {
            square -= ((UInt128)root << 1) - UInt128.One;
            root--;
        }

        while (radicand - square > (UInt128)root << 1)
        {
            square += ((UInt128)root << 1) + UInt128.One;
            root++;
        }

        remainder = radicand - square;
        return root;
    }

    /// <summary>The upper half of the product: the product of two fractions of 128 bits, rounded down by less than three units.</summary>
    internal static UInt128 MultiplyHigh(UInt128 a, UInt128 b)
    {
        ulong aHigh = (ulong)(a >> 64);
        ulong bHigh = (ulong)(b >> 64);
        UInt128 cross = (UInt128)Math.BigMul(aHigh, (ulong)b, out _) + Math.BigMul((ulong)a, bHigh, out _);
        return Math.BigMul(aHigh, bHigh) + cross;
    }

    /// <summary>
    /// The quotient of two fractions of 128 bits, as one: floor(dividend × 2^128 ÷ divisor). Dividend &lt; divisor, whose top bit
    /// is set (Knuth, algorithm D, with digits of 64 bits).
    /// </summary>
    internal static UInt128 DivideFraction(UInt128 dividend, UInt128 divisor)
    {
        ulong upper = DivideFractionStep(ref dividend, divisor);
        ulong lower = DivideFractionStep(ref dividend, divisor);
        return new UInt128(upper, lower);
    }

    private static ulong DivideFractionStep(ref UInt128 dividend, UInt128 divisor)
    {
        ulong divisorHigh = (ulong)(divisor >> 64);
        ulong divisorLow = (ulong)divisor;
        ulong high = (ulong)(dividend >> 64);
        ulong digit;
        UInt128 rest;
        if (high >= divisorHigh)
        {
            // The digit is 2^64 − 1 at most: rest = dividend − digit × divisorHigh, with the dividend's halves as digits.
            digit = ulong.MaxValue;
            rest = ((UInt128)(high - divisorHigh) << 64) + (ulong)dividend + divisorHigh;
        }
        else
        {
            digit = Divide(high, (ulong)dividend, divisorHigh, out ulong remainder);
            rest = remainder;
        }

        UInt128 product = Math.BigMul(digit, divisorLow);
        while (rest >> 64 == UInt128.Zero && product > rest << 64)
        {
            digit--;
            product -= divisorLow;
            rest += divisorHigh;
        }

        dividend = unchecked((rest << 64) - product);
        return digit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong DivideStep(ref ulong high, ulong nextDigit, ulong divisor, ulong divisorHigh, ulong divisorLow)
    {
        ulong digit = high / divisorHigh;
        ulong rest = high - (digit * divisorHigh);
        while (digit >> 32 != 0 || digit * divisorLow > ((rest << 32) | nextDigit))
        {
            digit--;
            rest += divisorHigh;
            if (rest >> 32 != 0) break;
        }

        high = unchecked((high << 32) + nextDigit - (digit * divisor));
        return digit;
    }
}
