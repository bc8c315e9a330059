using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <content>The cheapest exact tests of whether the host's own result will do.</content>
public abstract partial class PackedFloat<TFormat, TValue, TBits>
{
    /// <summary>
    /// Whether a host's sums or differences are what the guest gets while <see cref="SseContext.IsHostLikeAndInexact"/>, and leave no trace. Some
    /// that would be (those with a zero operand, or near the range's upper end) are missed: the test is to be cheap.
    /// </summary>
    /// <remarks>
    /// One exponent more turns an infinity or NaN into zero or a denormal, and a zero into a normal number: with that done to the result, one
    /// comparison with the least of all three finds denormal operands as well as results that are not finite. The host's minimum may return either
    /// operand where one is a NaN; then the result is one too, and comes last.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainSums(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> result) =>
        Vector128.GreaterThanOrEqual(Least(a, b, result), Vector128.Create(TFormat.LeastNormal)).ExtractMostSignificantBits() == (1u << Vector128<TBits>.Count) - 1;

    /// <summary>The same for products and quotients, or roots of <paramref name="a"/> given twice: results are clearly normal too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainProducts(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> result) =>
        Vector128.GreaterThan(Least(a, b, result), Vector128.Create(TFormat.LeastNormal + TFormat.LeastNormal)).ExtractMostSignificantBits()
            == (1u << Vector128<TBits>.Count) - 1;

    /// <summary><see cref="ArePlainSums(Vector128{TValue}, Vector128{TValue}, Vector128{TValue})"/> of a 256-bit form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainSums(Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> result) =>
        Vector256.GreaterThanOrEqual(Least(a, b, result), Vector256.Create(TFormat.LeastNormal)).ExtractMostSignificantBits() == (1u << Vector256<TBits>.Count) - 1;

    /// <summary><see cref="ArePlainProducts(Vector128{TValue}, Vector128{TValue}, Vector128{TValue})"/> of a 256-bit form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainProducts(Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> result) =>
        Vector256.GreaterThan(Least(a, b, result), Vector256.Create(TFormat.LeastNormal + TFormat.LeastNormal)).ExtractMostSignificantBits()
            == (1u << Vector256<TBits>.Count) - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TValue> Least(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> result) =>
        Vector128.MinNative(
            Vector128.MinNative(Vector128.Abs(a), Vector128.Abs(b)),
            Vector128.Abs((result.As<TValue, TBits>() + Vector128.Create(TFormat.Bits(TFormat.LeastNormal))).As<TBits, TValue>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<TValue> Least(Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> result) =>
        Vector256.MinNative(
            Vector256.MinNative(Vector256.Abs(a), Vector256.Abs(b)),
            Vector256.Abs((result.As<TValue, TBits>() + Vector256.Create(TFormat.Bits(TFormat.LeastNormal))).As<TBits, TValue>()));

    /// <summary>What the host computes for ±(a × b) ± c in each lane, with one rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<TValue> HostFused(
        Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> c, bool negateProduct, bool negateEven, bool negateOdd) =>
        TFormat.FusedMultiplyAdd(
            negateProduct ? -a : a,
            b,
            negateEven == negateOdd ? negateEven ? -c : c : (c.As<TValue, TBits>() ^ AlternatingSigns128(negateEven)).As<TBits, TValue>());

    /// <summary>Whether <see cref="HostFused(Vector128{TValue}, Vector128{TValue}, Vector128{TValue}, bool, bool, bool)"/> is what the guest gets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainFused(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> c, Vector128<TValue> result) =>
        Vector128.GreaterThan(
            Vector128.MinNative(Vector128.Abs(c), Least(a, b, result)), Vector128.Create(TFormat.LeastNormal + TFormat.LeastNormal))
            .ExtractMostSignificantBits() == (1u << Vector128<TBits>.Count) - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TBits> AlternatingSigns128(bool even)
    {
        Vector128<TBits> odd = Vector128<TBits>.Indices << (TFormat.FractionBits + TFormat.ExponentBits);
        return even ? odd ^ Vector128.Create(TFormat.Bits(-TFormat.Value(TBits.Zero))) : odd;
    }

    /// <summary>What the host computes for ±(a × b) ± c in each lane, with one rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<TValue> HostFused(
        Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> c, bool negateProduct, bool negateEven, bool negateOdd) =>
        TFormat.FusedMultiplyAdd(
            negateProduct ? -a : a,
            b,
            negateEven == negateOdd ? negateEven ? -c : c : (c.As<TValue, TBits>() ^ AlternatingSigns256(negateEven)).As<TBits, TValue>());

    /// <summary>Whether <see cref="HostFused(Vector256{TValue}, Vector256{TValue}, Vector256{TValue}, bool, bool, bool)"/> is what the guest gets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ArePlainFused(Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> c, Vector256<TValue> result) =>
        Vector256.GreaterThan(
            Vector256.MinNative(Vector256.Abs(c), Least(a, b, result)), Vector256.Create(TFormat.LeastNormal + TFormat.LeastNormal))
            .ExtractMostSignificantBits() == (1u << Vector256<TBits>.Count) - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<TBits> AlternatingSigns256(bool even)
    {
        Vector256<TBits> odd = Vector256<TBits>.Indices << (TFormat.FractionBits + TFormat.ExponentBits);
        return even ? odd ^ Vector256.Create(TFormat.Bits(-TFormat.Value(TBits.Zero))) : odd;
    }
}
