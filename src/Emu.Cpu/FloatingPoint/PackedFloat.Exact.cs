using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <content>
/// The second test of the host's own results, which takes longer than the first (PackedFloat.Plain.cs) and misses less: zeros are let through, and
/// while <see cref="SseContext.IsHostLike"/> with PE clear, exact results.
/// </content>
public abstract partial class PackedFloat<TFormat, TValue, TBits>
{
    /// <summary>Whether the host's sums are what the guest gets while <see cref="SseContext.IsHostLike"/>, and leave no trace.</summary>
    /// <param name="a">First operands.</param>
    /// <param name="b">Second operands.</param>
    /// <param name="sum">What the host made of them.</param>
    /// <param name="lanes">A bit for each lane that counts.</param>
    /// <param name="ignoresInexact">PE is set already.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool AreUntracedSums(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> sum, uint lanes, bool ignoresInexact)
    {
        var usable = WithoutDenormal(a) & WithoutDenormal(b) & Finite(sum);
        if (!ignoresInexact)
        {
            // Knuth's two-sum: the rounding error. An overflow on the way gives a NaN, hence false.
            var part = sum - a;
            usable &= Vector128.Equals((a - (sum - part)) + (b - part), Vector128<TValue>.Zero);
        }
        return All(usable, lanes);
    }

    /// <summary>The same for products.</summary>
    /// <param name="a">First operands.</param>
    /// <param name="b">Second operands.</param>
    /// <param name="product">What the host made of them.</param>
    /// <param name="lanes">A bit for each lane that counts.</param>
    /// <param name="ignoresInexact">PE is set already.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool AreUntracedProducts(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> product, uint lanes, bool ignoresInexact)
    {
        if (!ignoresInexact && !HostArithmetic.HasFusedMultiplyAdd)
            return false;
        var isZero = Vector128.Equals(a, Vector128<TValue>.Zero) | Vector128.Equals(b, Vector128<TValue>.Zero);
        var isPlain = ignoresInexact ? ClearlyNormal(product)
            : WithExactResidual(product) & Vector128.Equals(TFormat.FusedMultiplyAdd(a, b, -product), Vector128<TValue>.Zero);
        return All((isZero | isPlain) & WithoutDenormal(a) & WithoutDenormal(b) & Finite(product), lanes);
    }

    /// <summary>The same for quotients.</summary>
    /// <param name="a">Dividends.</param>
    /// <param name="b">Divisors.</param>
    /// <param name="quotient">What the host made of them.</param>
    /// <param name="lanes">A bit for each lane that counts.</param>
    /// <param name="ignoresInexact">PE is set already.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool AreUntracedQuotients(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> quotient, uint lanes, bool ignoresInexact)
    {
        if (!ignoresInexact && !HostArithmetic.HasFusedMultiplyAdd)
            return false;
        // A normal quotient is neither x/0 nor x/∞ nor ∞/x.
        var isPlain = ClearlyNormal(quotient);
        if (!ignoresInexact)
            isPlain &= WithExactResidual(a) & Vector128.Equals(TFormat.FusedMultiplyAdd(quotient, b, -a), Vector128<TValue>.Zero);
        return All((Vector128.Equals(a, Vector128<TValue>.Zero) | isPlain) & WithoutDenormal(a) & WithoutDenormal(b) & Finite(quotient), lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool All(Vector128<TValue> mask, uint lanes) => (mask.ExtractMostSignificantBits() & lanes) == lanes;

    // NaNs fail: their results are not finite anyway.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TValue> WithoutDenormal(Vector128<TValue> a) =>
        Vector128.GreaterThanOrEqual(Vector128.Abs(a), Vector128.Create(TFormat.LeastNormal)) | Vector128.Equals(a, Vector128<TValue>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TValue> Finite(Vector128<TValue> a) =>
        Vector128.LessThanOrEqual(Vector128.Abs(a), Vector128.Create(TValue.MaxValue));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TValue> ClearlyNormal(Vector128<TValue> a) =>
        Vector128.GreaterThan(Vector128.Abs(a), Vector128.Create(TFormat.LeastNormal));

    // From here on the residual of an operation is itself normal: it lies two widths of the significand lower at most.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<TValue> WithExactResidual(Vector128<TValue> a) =>
        Vector128.GreaterThanOrEqual(Vector128.Abs(a), Vector128.Create(TFormat.Value(TBits.CreateTruncating(3 * TFormat.FractionBits) << TFormat.FractionBits)));
}
