using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>PAND, ANDPS, ANDPD (SDM Vol. 2).</summary>
internal readonly struct BitwiseAnd : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => a & b;
}

/// <summary>PANDN, ANDNPS, ANDNPD (SDM Vol. 2): the first source is inverted.</summary>
internal readonly struct BitwiseAndNot : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => ~a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => ~a & b;
}

/// <summary>POR, ORPS, ORPD (SDM Vol. 2).</summary>
internal readonly struct BitwiseOr : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => a | b;
}

/// <summary>PXOR, XORPS, XORPD (SDM Vol. 2).</summary>
internal readonly struct BitwiseXor : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => a ^ b;
}

/// <summary>PCMPEQB, PCMPEQW, PCMPEQD, PCMPEQQ (SDM Vol. 2B).</summary>
internal readonly struct CompareEqual<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Equals(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.Equals(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PCMPGTB, PCMPGTW, PCMPGTD, PCMPGTQ (SDM Vol. 2B).</summary>
internal readonly struct CompareGreater<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.GreaterThan(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.GreaterThan(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>How a shift takes its count. A type argument of shifts.</summary>
internal interface IShiftCount
{
    /// <summary>The count, as far as it matters: 255 for anything greater.</summary>
    static abstract int Of(Vector128<byte> b, int immediate);
}

/// <summary>The lower quadword of the second source.</summary>
internal readonly struct CountOperand : IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of(Vector128<byte> b, int immediate) => (int)Math.Min(b.AsUInt64().ToScalar(), 255);
}

/// <summary>An immediate byte.</summary>
internal readonly struct CountImmediate : IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Of(Vector128<byte> b, int immediate) => immediate;
}

/// <summary>PSLLW, PSLLD, PSLLQ (SDM Vol. 2B).</summary>
internal readonly struct ShiftLeft<T, TCount> : IVectorOperation
    where T : unmanaged
    where TCount : IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var count = TCount.Of(b, immediate);
        return count < sizeof(T) * 8 ? (a.As<byte, T>() << count).AsByte() : default;
    }
}

/// <summary>PSRLW, PSRLD, PSRLQ (SDM Vol. 2B).</summary>
internal readonly struct ShiftRightLogical<T, TCount> : IVectorOperation
    where T : unmanaged
    where TCount : IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var count = TCount.Of(b, immediate);
        return count < sizeof(T) * 8 ? (a.As<byte, T>() >>> count).AsByte() : default;
    }
}

/// <summary>PSRAW, PSRAD (SDM Vol. 2B): a count too great leaves only signs.</summary>
internal readonly struct ShiftRightArithmetic<T, TCount> : IVectorOperation
    where T : unmanaged
    where TCount : IShiftCount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        (a.As<byte, T>() >> Math.Min(TCount.Of(b, immediate), sizeof(T) * 8 - 1)).AsByte();
}

/// <summary>PSLLDQ (SDM Vol. 2B): bytes.</summary>
internal readonly struct ShiftBytesLeft : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        ByteShuffle.Zeroing(a, Vector128<byte>.Indices - Vector128.Create((byte)Math.Min(immediate, 16)));
}

/// <summary>PSRLDQ (SDM Vol. 2B): bytes.</summary>
internal readonly struct ShiftBytesRight : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        ByteShuffle.Zeroing(a, Vector128<byte>.Indices + Vector128.Create((byte)Math.Min(immediate, 16)));
}

/// <summary>PALIGNR (SDM Vol. 2B): sixteen of the thirty-two bytes a:b.</summary>
internal readonly struct Palignr : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var index = Vector128<byte>.Indices + Vector128.Create((byte)Math.Min(immediate, 32));
        return ByteShuffle.Zeroing(b, index) | ByteShuffle.Zeroing(a, index - Vector128.Create((byte)16));
    }

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(default, Vector128.Create(b, a).AsByte(), immediate).AsUInt64().ToScalar();
}
