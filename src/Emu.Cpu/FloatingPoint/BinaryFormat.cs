using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>An IEEE 754 interchange format, as constants that the JIT folds into <see cref="SoftFloat{TFormat}"/>.</summary>
public interface IBinaryFormat
{
    /// <summary>Stored bits of the significand, without the implied leading bit.</summary>
    static abstract int FractionBits { get; }

    /// <summary>Bits of the biased exponent.</summary>
    static abstract int ExponentBits { get; }
}

/// <summary>A format that the host computes in, too: its values, and their bits.</summary>
/// <remarks>
/// The predicates stand here, not once in generic form: made of a generic type's operators, each would be several calls to inline, and the
/// JIT's budget for that runs out (scalar arithmetic took 2.5 times as long).
/// </remarks>
/// <typeparam name="TValue">The host's type.</typeparam>
/// <typeparam name="TBits">An unsigned integer as wide.</typeparam>
public interface IHostFormat<TValue, TBits> : IBinaryFormat
    where TValue : unmanaged
    where TBits : unmanaged
{
    /// <summary>The least normal number.</summary>
    static abstract TValue LeastNormal { get; }

    /// <summary>The value that bits encode.</summary>
    static abstract TValue Value(TBits bits);

    /// <summary>The bits of a value.</summary>
    static abstract TBits Bits(TValue value);

    /// <summary>True for a denormal.</summary>
    static abstract bool IsDenormal(TBits a);

    /// <summary>True for a NaN.</summary>
    static abstract bool IsNaN(TBits a);

    /// <summary>False for NaNs and infinities.</summary>
    static abstract bool IsFinite(TBits a);

    /// <summary>Finite and above the least normal number: no overflow, and tiny neither before nor after rounding.</summary>
    static abstract bool IsClearlyNormal(TBits a);

    /// <summary>Not zero nor denormal: normal, or infinite, or a NaN.</summary>
    static abstract bool HasExponent(TBits a);

    /// <summary>Finite, with a biased exponent above 1, so that it is <see cref="IsClearlyNormal"/> too: the cheaper test.</summary>
    static abstract bool IsSafelyNormal(TBits a);

    /// <summary>a × b + c in each lane, with one rounding.</summary>
    static abstract Vector128<TValue> FusedMultiplyAdd(Vector128<TValue> a, Vector128<TValue> b, Vector128<TValue> c);

    /// <summary>a × b + c in each lane, with one rounding.</summary>
    static abstract Vector256<TValue> FusedMultiplyAdd(Vector256<TValue> a, Vector256<TValue> b, Vector256<TValue> c);
}

/// <summary>binary16, the half precision of F16C.</summary>
public readonly struct Binary16 : IBinaryFormat
{
    /// <inheritdoc/>
    public static int FractionBits => 10;

    /// <inheritdoc/>
    public static int ExponentBits => 5;
}

/// <summary>binary32, single precision.</summary>
public readonly struct Binary32 : IHostFormat<float, uint>
{
    private const uint SignBit = 1U << 31;
    private const uint MinNormal = 1U << 23;
    private const uint Infinity = ((1U << 8) - 1) << 23;

    /// <inheritdoc/>
    public static int FractionBits => 23;

    /// <inheritdoc/>
    public static int ExponentBits => 8;

    /// <inheritdoc/>
    public static float LeastNormal => 1.17549435E-38f;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Value(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsDenormal(uint a) => (a & ~SignBit) - 1 < MinNormal - 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNaN(uint a) => (a & ~SignBit) > Infinity;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFinite(uint a) => (a & ~SignBit) < Infinity;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsClearlyNormal(uint a) => (a & ~SignBit) - (MinNormal + 1) < Infinity - (MinNormal + 1);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasExponent(uint a) => a << 1 >= MinNormal << 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSafelyNormal(uint a) => (a << 1) - (MinNormal << 2) < (Infinity << 1) - (MinNormal << 2);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FusedMultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FusedMultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);
}

/// <summary>binary64, double precision.</summary>
public readonly struct Binary64 : IHostFormat<double, ulong>
{
    private const ulong SignBit = 1UL << 63;
    private const ulong MinNormal = 1UL << 52;
    private const ulong Infinity = ((1UL << 11) - 1) << 52;

    /// <inheritdoc/>
    public static int FractionBits => 52;

    /// <inheritdoc/>
    public static int ExponentBits => 11;

    /// <inheritdoc/>
    public static double LeastNormal => 2.2250738585072014E-308;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Value(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsDenormal(ulong a) => (a & ~SignBit) - 1 < MinNormal - 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNaN(ulong a) => (a & ~SignBit) > Infinity;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFinite(ulong a) => (uint)(a >> 31) < (uint)(Infinity >> 31);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsClearlyNormal(ulong a) => (a & ~SignBit) - (MinNormal + 1) < Infinity - (MinNormal + 1);

    /// <inheritdoc/>
    /// <remarks>The exponent lies in the upper half, whose constants fit an instruction.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasExponent(ulong a) => (uint)(a >> 31) >= (uint)(MinNormal >> 31);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSafelyNormal(ulong a) =>
        (uint)(a >> 31) - (uint)(MinNormal >> 30) < (uint)(Infinity >> 31) - (uint)(MinNormal >> 30);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> FusedMultiplyAdd(Vector128<double> a, Vector128<double> b, Vector128<double> c) =>
        Vector128.FusedMultiplyAdd(a, b, c);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> FusedMultiplyAdd(Vector256<double> a, Vector256<double> b, Vector256<double> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);
}
