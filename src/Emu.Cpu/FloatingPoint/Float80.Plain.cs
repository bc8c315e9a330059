using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.FloatingPoint;

/// <content>
/// The common case of the commonest operations, as straight lines of integer arithmetic: normal operands and a normal result, under a control word that
/// <see cref="X87Context.IsPlain"/> accepts. Everything else answers <see cref="NotPlain"/>, having written nothing, and is left to the general operation,
/// whose results these are.
/// </content>
/// <remarks>
/// A result is written to its place and the status bits that it raises (PE and C1) are returned, so that a handler which inlines this needs no
/// local whose address is taken.
/// </remarks>
public readonly partial struct Float80
{
    /// <summary>Returned instead of status bits, which are 16: another case, to be computed by the general operation.</summary>
    internal const uint NotPlain = 1u << 16;

    private const int RoundedUpShift = 9;

    /// <summary>What widens a number that is not plain: no plain operation accepts it.</summary>
    internal static Float80 Unplain => default;

    /// <summary>a + b.</summary>
    /// <param name="place">Receives significand, then sign and exponent.</param>
    /// <param name="a">One term.</param>
    /// <param name="b">The other.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe uint AddPlain(ulong* place, Float80 a, Float80 b)
    {
        if (!a.IsNormal || !b.IsNormal) return NotPlain;
        ulong greater = a.Significand;
        ulong lesser = b.Significand;
        uint sign = (uint)a.SignExponent & SignMask;
        bool subtract = ((a.SignExponent ^ b.SignExponent) & SignMask) != 0;
        int exponent = a.Exponent;
        int distance = exponent - b.Exponent;
        if (distance < 0 || (distance == 0 && greater < lesser))
        {
            greater = b.Significand;
            lesser = a.Significand;
            sign = (uint)b.SignExponent & SignMask;
            exponent = b.Exponent;
            distance = -distance;
        }

        if (distance > 63) return NotPlain;
        ulong low = (lesser << 1) << (63 - distance);
        lesser >>= distance;
        ulong high;
        if (!subtract)
        {
            high = greater + lesser;
            if (high < greater)
            {
                low = (low >> 1) | (high << 63) | (low & 1);
                high = (high >> 1) | IntegerBit;
                exponent++;
            }
        }
        else
        {
            high = greater - lesser - (low != 0 ? 1UL : 0UL);
            low = 0 - low;
            if ((long)high >= 0)
            {
                if (high == 0) return NotPlain;
                int shift = BitOperations.LeadingZeroCount(high);
                high = (high << shift) | (low >> (64 - shift));
                low <<= shift;
                exponent -= shift;
            }
        }

        return RoundPlain(place, sign, exponent, high, low);
    }

    /// <summary>a × b.</summary>
    /// <param name="place">Receives significand, then sign and exponent.</param>
    /// <param name="a">One factor.</param>
    /// <param name="b">The other.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe uint MultiplyPlain(ulong* place, Float80 a, Float80 b)
    {
        if (!a.IsNormal || !b.IsNormal) return NotPlain;
        // The halves one by one: both at once would take a local's address.
        ulong high = Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a.Significand, b.Significand) : MultiplyHigh(a.Significand, b.Significand);
        ulong low = a.Significand * b.Significand;
        int exponent = a.Exponent + b.Exponent - Bias + 1;
        if ((long)high >= 0)
        {
            high = (high << 1) | (low >> 63);
            low <<= 1;
            exponent--;
        }

        return RoundPlain(place, (uint)(a.SignExponent ^ b.SignExponent) & SignMask, exponent, high, low);
    }

    /// <summary>a ÷ b.</summary>
    /// <param name="place">Receives significand, then sign and exponent.</param>
    /// <param name="a">The dividend.</param>
    /// <param name="b">The divisor.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static unsafe uint DividePlain(ulong* place, Float80 a, Float80 b)
    {
        if (!a.IsNormal || !b.IsNormal) return NotPlain;
        ulong divisor = b.Significand;
        bool below = a.Significand < divisor;
        ulong quotient = below
            ? WideInteger.Divide(a.Significand, 0, divisor, out ulong remainder)
            : WideInteger.Divide(a.Significand >> 1, a.Significand << 63, divisor, out remainder);
        return RoundPlain(
            place,
            (uint)(a.SignExponent ^ b.SignExponent) & SignMask,
            a.Exponent - b.Exponent + Bias - (below ? 1 : 0),
            quotient,
            HalfAndSticky(remainder, divisor));
    }

    /// <summary>√a.</summary>
    /// <param name="place">Receives significand, then sign and exponent.</param>
    /// <param name="a">The radicand.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static unsafe uint SquareRootPlain(ulong* place, Float80 a)
    {
        if (!a.IsNormal || a.IsNegative) return NotPlain;
        ulong root = RootOf(a.Significand, a.Exponent - Bias, out ulong rest);
        return RoundPlain(place, 0, ((a.Exponent - Bias) >> 1) + Bias, root, rest);
    }

    /// <summary>Compares two numbers.</summary>
    /// <param name="a">ST(0).</param>
    /// <param name="b">The other.</param>
    /// <returns>Their relation; unordered where one is neither normal nor zero, which says nothing.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Relation ComparePlain(Float80 a, Float80 b)
    {
        if ((!a.IsNormal && !a.IsZero) || (!b.IsNormal && !b.IsZero)) return Relation.Unordered;
        if (((a.SignExponent ^ b.SignExponent) & SignMask) != 0)
            return a.IsZero && b.IsZero ? Relation.Equal : a.IsNegative ? Relation.Less : Relation.Greater;
        if (a.SignExponent == b.SignExponent && a.Significand == b.Significand) return Relation.Equal;
        bool isNearer = a.SignExponent != b.SignExponent ? a.SignExponent < b.SignExponent : a.Significand < b.Significand;
        return isNearer != a.IsNegative ? Relation.Less : Relation.Greater;
    }

    /// <summary>A single as an operand: <see cref="Unplain"/> where it is not normal.</summary>
    /// <param name="bits">The single's bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Float80 WidenFloat32Plain(uint bits)
    {
        uint biased = (bits >> 23) & 0xFF;
        if (biased - 1 >= 0xFE) return Unplain;
        return new((ushort)(((bits >> 16) & SignMask) | (biased - 127 + Bias)), IntegerBit | ((ulong)bits << 40));
    }

    /// <summary>A double as an operand: <see cref="Unplain"/> where it is not normal.</summary>
    /// <param name="bits">The double's bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Float80 WidenFloat64Plain(ulong bits)
    {
        uint biased = (uint)(bits >> 52) & 0x7FF;
        if (biased - 1 >= 0x7FE) return Unplain;
        return new((ushort)(((uint)(bits >> 48) & SignMask) | (biased - 1023 + Bias)), IntegerBit | (bits << 11));
    }

    /// <summary>Rounds to a single.</summary>
    /// <param name="place">Receives the single's bits.</param>
    /// <param name="a">The value.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe uint StoreFloat32Plain(uint* place, Float80 a)
    {
        int exponent = a.Exponent - Bias + 127;
        // Neither tiny, nor can a carry overflow.
        if ((uint)(exponent - 1) >= 0xFD || (long)a.Significand >= 0) return NotPlain;
        ulong kept = a.Significand >> 40;
        ulong lost = a.Significand << 24;
        ulong up = RoundsUp(kept, lost);
        *place = (((uint)a.SignExponent & SignMask) << 16) | (uint)(((ulong)(uint)(exponent - 1) << 23) + kept + up);
        return StatusBits(lost, up);
    }

    /// <summary>Rounds to a double.</summary>
    /// <param name="place">Receives the double's bits.</param>
    /// <param name="a">The value.</param>
    /// <returns>Status bits, or <see cref="NotPlain"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe uint StoreFloat64Plain(ulong* place, Float80 a)
    {
        int exponent = a.Exponent - Bias + 1023;
        if ((uint)(exponent - 1) >= 0x7FD || (long)a.Significand >= 0) return NotPlain;
        ulong kept = a.Significand >> 11;
        ulong lost = a.Significand << 53;
        ulong up = RoundsUp(kept, lost);
        *place = (((ulong)a.SignExponent & SignMask) << 48) | (((ulong)(uint)(exponent - 1) << 52) + kept + up);
        return StatusBits(lost, up);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong MultiplyHigh(ulong a, ulong b) => Math.BigMul(a, b, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe uint RoundPlain(ulong* place, uint sign, int exponent, ulong high, ulong low)
    {
        // As in RoundPack: neither tiny, nor can a carry overflow.
        if ((uint)(exponent - 1) >= MaxExponent - 2) return NotPlain;
        ulong up = RoundsUp(high, low);
        high += up;
        if (high == 0)
        {
            high = IntegerBit;
            exponent++;
        }

        place[0] = high;
        place[1] = sign | (uint)exponent;
        return StatusBits(low, up);
    }

    /// <summary>1 where the magnitude grows, to nearest or even: what is lost is more than half, or half below an odd digit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong RoundsUp(ulong kept, ulong lost) => (lost >> 63) & (kept | (lost << 1 != 0 ? 1UL : 0UL));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint StatusBits(ulong lost, ulong up) => (lost != 0 ? FloatFlags.Precision : 0) | ((uint)up << RoundedUpShift);
}
