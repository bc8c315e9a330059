using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>PADDB, PADDW, PADDD, PADDQ (SDM Vol. 2B).</summary>
internal readonly struct PackedAdd<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => (a.As<byte, T>() + b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => (a.As<byte, T>() + b.As<byte, T>()).AsByte();
}

/// <summary>PSUBB, PSUBW, PSUBD, PSUBQ (SDM Vol. 2B).</summary>
internal readonly struct PackedSubtract<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => (a.As<byte, T>() - b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => (a.As<byte, T>() - b.As<byte, T>()).AsByte();
}

/// <summary>PADDSB, PADDSW, PADDUSB, PADDUSW (SDM Vol. 2B).</summary>
internal readonly struct PackedAddSaturated<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.AddSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.AddSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PSUBSB, PSUBSW, PSUBUSB, PSUBUSW (SDM Vol. 2B).</summary>
internal readonly struct PackedSubtractSaturated<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.SubtractSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.SubtractSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PMINSB, PMINSW, PMINSD, PMINUB, PMINUW, PMINUD (SDM Vol. 2B).</summary>
internal readonly struct PackedMinimum<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Min(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.Min(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PMAXSB, PMAXSW, PMAXSD, PMAXUB, PMAXUW, PMAXUD (SDM Vol. 2B).</summary>
internal readonly struct PackedMaximum<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Max(a.As<byte, T>(), b.As<byte, T>()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        Vector256.Max(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PAVGB, PAVGW (SDM Vol. 2B): rounded up, without a wider intermediate.</summary>
internal readonly struct PackedAverage<T> : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        ((a | b).As<byte, T>() - ((a ^ b).As<byte, T>() >>> 1)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) =>
        ((a | b).As<byte, T>() - ((a ^ b).As<byte, T>() >>> 1)).AsByte();
}

/// <summary>PABSB, PABSW, PABSD (SDM Vol. 2B): the least number stays as it is.</summary>
internal readonly struct PackedAbsolute<T> : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var negative = Vector128.LessThan(b.As<byte, T>(), Vector128<T>.Zero);
        return ((b.As<byte, T>() ^ negative) - negative).AsByte();
    }
}

/// <summary>PSIGNB, PSIGNW, PSIGND (SDM Vol. 2B).</summary>
internal readonly struct PackedSign<T> : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var sign = b.As<byte, T>();
        var negative = Vector128.LessThan(sign, Vector128<T>.Zero);
        var signed = (a.As<byte, T>() ^ negative) - negative;
        return Vector128.AndNot(signed, Vector128.Equals(sign, Vector128<T>.Zero)).AsByte();
    }
}

/// <summary>PMULLW, PMULLD (SDM Vol. 2B).</summary>
internal readonly struct PackedMultiplyLow<T> : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => (a.As<byte, T>() * b.As<byte, T>()).AsByte();
}

/// <summary>PMULHW (SDM Vol. 2B).</summary>
internal readonly struct Pmulhw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyHigh(a.AsInt16(), b.AsInt16()).AsByte();
        var low = (Vector128.WidenLower(a.AsInt16()) * Vector128.WidenLower(b.AsInt16())) >> 16;
        var high = (Vector128.WidenUpper(a.AsInt16()) * Vector128.WidenUpper(b.AsInt16())) >> 16;
        return Vector128.Narrow(low, high).AsByte();
    }
}

/// <summary>PMULHUW (SDM Vol. 2B).</summary>
internal readonly struct Pmulhuw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyHigh(a.AsUInt16(), b.AsUInt16()).AsByte();
        var low = (Vector128.WidenLower(a.AsUInt16()) * Vector128.WidenLower(b.AsUInt16())) >>> 16;
        var high = (Vector128.WidenUpper(a.AsUInt16()) * Vector128.WidenUpper(b.AsUInt16())) >>> 16;
        return Vector128.Narrow(low, high).AsByte();
    }
}

/// <summary>PMULHRSW (SDM Vol. 2B): the product's upper half, rounded.</summary>
internal readonly struct Pmulhrsw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Ssse3.IsSupported)
            return Ssse3.MultiplyHighRoundScale(a.AsInt16(), b.AsInt16()).AsByte();
        var half = Vector128.Create(1 << 14);
        var low = (Vector128.WidenLower(a.AsInt16()) * Vector128.WidenLower(b.AsInt16()) + half) >> 15;
        var high = (Vector128.WidenUpper(a.AsInt16()) * Vector128.WidenUpper(b.AsInt16()) + half) >> 15;
        return Vector128.Narrow(low, high).AsByte();
    }
}

/// <summary>PMULUDQ (SDM Vol. 2B): even doublewords to quadwords.</summary>
internal readonly struct Pmuludq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.Multiply(a.AsUInt32(), b.AsUInt32()).AsByte();
        var low = (ulong)a.AsUInt32()[0] * b.AsUInt32()[0];
        var high = (ulong)a.AsUInt32()[2] * b.AsUInt32()[2];
        return Vector128.Create(low, high).AsByte();
    }
}

/// <summary>PMULDQ (SDM Vol. 2B): even signed doublewords to quadwords.</summary>
internal readonly struct Pmuldq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse41.IsSupported)
            return Sse41.Multiply(a.AsInt32(), b.AsInt32()).AsByte();
        var low = (long)a.AsInt32()[0] * b.AsInt32()[0];
        var high = (long)a.AsInt32()[2] * b.AsInt32()[2];
        return Vector128.Create(low, high).AsByte();
    }
}

/// <summary>PMADDWD (SDM Vol. 2B): products of words, added in pairs.</summary>
internal readonly struct Pmaddwd : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        Vector128<int> x = a.AsInt32(), y = b.AsInt32();
        return (((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16)).AsByte();
    }
}

/// <summary>PMADDUBSW (SDM Vol. 2B): products of unsigned and signed bytes, added in pairs, saturated.</summary>
internal readonly struct Pmaddubsw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        Vector128<short> x = a.AsInt16(), y = b.AsInt16();
        var even = (x & Vector128.Create((short)0xFF)) * ((y << 8) >> 8);
        var odd = (x >>> 8) * (y >> 8);
        return Vector128.AddSaturate(even, odd).AsByte();
    }
}

/// <summary>PSADBW (SDM Vol. 2B): sums of absolute differences of bytes.</summary>
internal readonly struct Psadbw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.SumAbsoluteDifferences(a, b).AsByte();
        var difference = Vector128.Max(a, b) - Vector128.Min(a, b);
        var (low, high) = Vector128.Widen(difference);
        return Vector128.Create((ulong)Vector128.Sum(low), Vector128.Sum(high)).AsByte();
    }
}

/// <summary>PHADDW, PHADDD, PHSUBW, PHSUBD (SDM Vol. 2B): neighbours combined, first those of a, then those of b.</summary>
internal readonly struct HorizontalDoublewords<TOperation> : IVectorOperation
    where TOperation : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var even = Vector128.Narrow(a.AsUInt64(), b.AsUInt64()).AsByte();
        var odd = Vector128.Narrow(a.AsUInt64() >>> 32, b.AsUInt64() >>> 32).AsByte();
        return TOperation.Compute(even, odd, immediate);
    }

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.Create(a, b).AsByte(), default, immediate).AsUInt64().ToScalar();
}

/// <summary>PHADDW, PHSUBW, PHADDSW, PHSUBSW (SDM Vol. 2B): neighbours combined, first those of a, then those of b.</summary>
internal readonly struct HorizontalWords<TOperation> : IVectorOperation
    where TOperation : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var even = Vector128.Narrow(a.AsUInt32(), b.AsUInt32()).AsByte();
        var odd = Vector128.Narrow(a.AsUInt32() >>> 16, b.AsUInt32() >>> 16).AsByte();
        return TOperation.Compute(even, odd, immediate);
    }

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.Create(a, b).AsByte(), default, immediate).AsUInt64().ToScalar();
}

/// <summary>PHMINPOSUW (SDM Vol. 2B): the least word and its position.</summary>
internal readonly struct Phminposuw : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var words = b.AsUInt16();
        var at = 0;
        for (var i = 1; i < 8; i++)
        {
            if (words[i] < words[at])
                at = i;
        }
        return Vector128.CreateScalar(words[at] | ((uint)at << 16)).AsByte();
    }
}

/// <summary>MPSADBW (SDM Vol. 2B): sums of absolute differences of four bytes against eight overlapping groups.</summary>
internal readonly struct Mpsadbw : IVectorOperation
{
    public static bool IsInline => false;

    public static int UpperImmediate(int immediate) => immediate >> 3;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var from = (immediate >> 2 & 1) * 4;
        var block = (immediate & 3) * 4;
        Vector128<ushort> result = default;
        for (var i = 0; i < 8; i++)
        {
            var sum = 0;
            for (var j = 0; j < 4; j++)
                sum += Math.Abs(a[from + i + j] - b[block + j]);
            result = result.WithElement(i, (ushort)sum);
        }
        return result.AsByte();
    }
}
