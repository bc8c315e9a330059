using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>One arithmetic operation in the four forms that SSE has of it.</summary>
internal interface IFloatArithmetic
{
    /// <summary>Four singles.</summary>
    static abstract Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context);

    /// <summary>Two doubles.</summary>
    static abstract Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context);

    /// <summary>A single.</summary>
    static abstract uint Compute(uint a, uint b, ref SseContext context);

    /// <summary>A double.</summary>
    static abstract ulong Compute(ulong a, ulong b, ref SseContext context);

    /// <summary>How the host's results are tested.</summary>
    static virtual HostResults HostResults => HostResults.None;

    /// <summary>What the host computes in each lane.</summary>
    static virtual Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => default;

    /// <summary>What the host computes in each lane.</summary>
    static virtual Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => default;

    /// <summary>The longer test: <see cref="IFloatOperation.IsUntraced"/>, of the lanes with a bit in <paramref name="lanes"/>.</summary>
    static virtual bool AreUntraced(Vector128<float> a, Vector128<float> b, Vector128<float> result, uint lanes, bool ignoresInexact) => false;

    /// <summary>The longer test: <see cref="IFloatOperation.IsUntraced"/>, of the lanes with a bit in <paramref name="lanes"/>.</summary>
    static virtual bool AreUntraced(Vector128<double> a, Vector128<double> b, Vector128<double> result, uint lanes, bool ignoresInexact) => false;

    /// <summary>What the host computes in the lowest lane; the rest comes from a.</summary>
    static virtual Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) => default;

    /// <summary>What the host computes in the lower lane; the upper one comes from a.</summary>
    static virtual Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) => default;
}

/// <summary>What a test of the host's results has to look for.</summary>
internal enum HostResults
{
    /// <summary>There are none.</summary>
    None,

    /// <summary>Of two operands; exact where they are tiny.</summary>
    Sums,

    /// <summary>Of two operands.</summary>
    Products,

    /// <summary>Of the second operand alone.</summary>
    Roots,
}

/// <summary>The PS form of an operation.</summary>
internal readonly struct PackedSingle<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static bool HasHostForm => TArithmetic.HostResults != HostResults.None;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUntraced(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result, bool ignoresInexact) =>
        TArithmetic.AreUntraced(a.AsSingle(), b.AsSingle(), result.AsSingle(), 15, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) => TArithmetic.Host(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? PackedFloat32.ArePlainSums(a.AsSingle(), b.AsSingle(), result.AsSingle())
        : PackedFloat32.ArePlainProducts((TArithmetic.HostResults == HostResults.Roots ? b : a).AsSingle(), b.AsSingle(), result.AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Host(Vector256<byte> a, Vector256<byte> b) => TArithmetic.Host(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector256<byte> a, Vector256<byte> b, Vector256<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? PackedFloat32.ArePlainSums(a.AsSingle(), b.AsSingle(), result.AsSingle())
        : PackedFloat32.ArePlainProducts((TArithmetic.HostResults == HostResults.Roots ? b : a).AsSingle(), b.AsSingle(), result.AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        TArithmetic.Compute(a.AsSingle(), b.AsSingle(), ref context).AsByte();
}

/// <summary>The PD form of an operation.</summary>
internal readonly struct PackedDouble<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static bool HasHostForm => TArithmetic.HostResults != HostResults.None;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUntraced(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result, bool ignoresInexact) =>
        TArithmetic.AreUntraced(a.AsDouble(), b.AsDouble(), result.AsDouble(), 3, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) => TArithmetic.Host(a.AsDouble(), b.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? PackedFloat64.ArePlainSums(a.AsDouble(), b.AsDouble(), result.AsDouble())
        : PackedFloat64.ArePlainProducts((TArithmetic.HostResults == HostResults.Roots ? b : a).AsDouble(), b.AsDouble(), result.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Host(Vector256<byte> a, Vector256<byte> b) => TArithmetic.Host(a.AsDouble(), b.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector256<byte> a, Vector256<byte> b, Vector256<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? PackedFloat64.ArePlainSums(a.AsDouble(), b.AsDouble(), result.AsDouble())
        : PackedFloat64.ArePlainProducts((TArithmetic.HostResults == HostResults.Roots ? b : a).AsDouble(), b.AsDouble(), result.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        TArithmetic.Compute(a.AsDouble(), b.AsDouble(), ref context).AsByte();
}

/// <summary>The SS form of an operation: the rest comes from the first source.</summary>
internal readonly struct ScalarSingle<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static bool HasHostForm => TArithmetic.HostResults != HostResults.None;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUntraced(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result, bool ignoresInexact) =>
        TArithmetic.AreUntraced(a.AsSingle(), b.AsSingle(), result.AsSingle(), 1, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) => TArithmetic.HostScalar(a.AsSingle(), b.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? Float32.IsPlainSum(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), result.AsUInt32().ToScalar())
        : Float32.IsPlainProduct(
            (TArithmetic.HostResults == HostResults.Roots ? b : a).AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), result.AsUInt32().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, TArithmetic.Compute(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), ref context)).AsByte();
}

/// <summary>The SD form of an operation: the rest comes from the first source.</summary>
internal readonly struct ScalarDouble<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static bool HasHostForm => TArithmetic.HostResults != HostResults.None;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsUntraced(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result, bool ignoresInexact) =>
        TArithmetic.AreUntraced(a.AsDouble(), b.AsDouble(), result.AsDouble(), 1, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host(Vector128<byte> a, Vector128<byte> b) => TArithmetic.HostScalar(a.AsDouble(), b.AsDouble()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> a, Vector128<byte> b, Vector128<byte> result) => TArithmetic.HostResults == HostResults.Sums
        ? Float64.IsPlainSum(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), result.AsUInt64().ToScalar())
        : Float64.IsPlainProduct(
            (TArithmetic.HostResults == HostResults.Roots ? b : a).AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), result.AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, TArithmetic.Compute(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), ref context)).AsByte();
}

/// <summary>ADDPS, ADDPD, ADDSS, ADDSD (SDM Vol. 2A).</summary>
internal readonly struct FloatAdd : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<float> a, Vector128<float> b, Vector128<float> result, uint lanes, bool ignoresInexact) =>
        PackedFloat32.AreUntracedSums(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<double> a, Vector128<double> b, Vector128<double> result, uint lanes, bool ignoresInexact) =>
        PackedFloat64.AreUntracedSums(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Add(a, b, ref context);

    public static HostResults HostResults => HostResults.Sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.AddScalar(a, b) : a.WithElement(0, a.ToScalar() + b.ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.AddScalar(a, b) : a.WithElement(0, a.ToScalar() + b.ToScalar());
}

/// <summary>SUBPS, SUBPD, SUBSS, SUBSD (SDM Vol. 2B).</summary>
internal readonly struct FloatSubtract : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<float> a, Vector128<float> b, Vector128<float> result, uint lanes, bool ignoresInexact) =>
        PackedFloat32.AreUntracedSums(a, -b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<double> a, Vector128<double> b, Vector128<double> result, uint lanes, bool ignoresInexact) =>
        PackedFloat64.AreUntracedSums(a, -b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Subtract(a, b, ref context);

    public static HostResults HostResults => HostResults.Sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.SubtractScalar(a, b) : a.WithElement(0, a.ToScalar() - b.ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.SubtractScalar(a, b) : a.WithElement(0, a.ToScalar() - b.ToScalar());
}

/// <summary>MULPS, MULPD, MULSS, MULSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMultiply : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<float> a, Vector128<float> b, Vector128<float> result, uint lanes, bool ignoresInexact) =>
        PackedFloat32.AreUntracedProducts(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<double> a, Vector128<double> b, Vector128<double> result, uint lanes, bool ignoresInexact) =>
        PackedFloat64.AreUntracedProducts(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Multiply(a, b, ref context);

    public static HostResults HostResults => HostResults.Products;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.MultiplyScalar(a, b) : a.WithElement(0, a.ToScalar() * b.ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.MultiplyScalar(a, b) : a.WithElement(0, a.ToScalar() * b.ToScalar());
}

/// <summary>DIVPS, DIVPD, DIVSS, DIVSD (SDM Vol. 2A).</summary>
internal readonly struct FloatDivide : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<float> a, Vector128<float> b, Vector128<float> result, uint lanes, bool ignoresInexact) =>
        PackedFloat32.AreUntracedQuotients(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreUntraced(Vector128<double> a, Vector128<double> b, Vector128<double> result, uint lanes, bool ignoresInexact) =>
        PackedFloat64.AreUntracedQuotients(a, b, result, lanes, ignoresInexact);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Divide(a, b, ref context);

    public static HostResults HostResults => HostResults.Products;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.DivideScalar(a, b) : a.WithElement(0, a.ToScalar() / b.ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.DivideScalar(a, b) : a.WithElement(0, a.ToScalar() / b.ToScalar());
}

/// <summary>MINPS, MINPD, MINSS, MINSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMinimum : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Minimum(a, b, ref context);
}

/// <summary>MAXPS, MAXPD, MAXSS, MAXSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMaximum : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Maximum(a, b, ref context);
}

/// <summary>SQRTPS, SQRTPD, SQRTSS, SQRTSD (SDM Vol. 2B).</summary>
internal readonly struct FloatSquareRoot : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.SquareRoot(b, ref context);

    public static HostResults HostResults => HostResults.Roots;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Host<T>(Vector128<T> a, Vector128<T> b) => Vector128.Sqrt(b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Host<T>(Vector256<T> a, Vector256<T> b) => Vector256.Sqrt(b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> HostScalar(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.SqrtScalar(a, b) : a.WithElement(0, MathF.Sqrt(b.ToScalar()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> HostScalar(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.SqrtScalar(a, b) : a.WithElement(0, Math.Sqrt(b.ToScalar()));
}
