using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Byte permutations that the operations are made of.</summary>
internal static class ByteShuffle
{
    /// <summary>Bytes of <paramref name="a"/> by index; zero where the index is above 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Zeroing(Vector128<byte> a, Vector128<byte> index) => Vector128.Shuffle(a, index);
}

/// <summary>PSHUFB (SDM Vol. 2B): bit 7 of an index gives zero, bits 4–6 do not count.</summary>
internal readonly struct Pshufb : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Ssse3.IsSupported ? Ssse3.Shuffle(a, b) : Vector128.Shuffle(a, b & Vector128.Create((byte)0x8F));

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b & 0x8787_8787_8787_8787).AsByte(), immediate).AsUInt64().ToScalar();
}

/// <summary>PSHUFD (SDM Vol. 2B).</summary>
internal readonly struct Pshufd : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var index = Vector128.Create(immediate, immediate >> 2, immediate >> 4, immediate >> 6) & Vector128.Create(3);
        return Vector128.ShuffleNative(b.AsInt32(), index).AsByte();
    }
}

/// <summary>PSHUFLW, and PSHUFW of MMX (SDM Vol. 2B).</summary>
internal readonly struct Pshuflw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var index = Vector128.Create(
            (short)(immediate & 3), (short)(immediate >> 2 & 3), (short)(immediate >> 4 & 3), (short)(immediate >> 6 & 3), 4, 5, 6, 7);
        return Vector128.ShuffleNative(b.AsInt16(), index).AsByte();
    }
}

/// <summary>PSHUFHW (SDM Vol. 2B).</summary>
internal readonly struct Pshufhw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var index = Vector128.Create(
            0, 1, 2, 3, (short)(4 | immediate & 3), (short)(4 | immediate >> 2 & 3), (short)(4 | immediate >> 4 & 3), (short)(4 | immediate >> 6 & 3));
        return Vector128.ShuffleNative(b.AsInt16(), index).AsByte();
    }
}

/// <summary>SHUFPS (SDM Vol. 2B): two of the first source, two of the second.</summary>
internal readonly struct Shufps : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var index = Vector128.Create(immediate, immediate >> 2, immediate >> 4, immediate >> 6) & Vector128.Create(3);
        return Vector128.ConditionalSelect(
            Vector128.Create(-1, -1, 0, 0), Vector128.ShuffleNative(a.AsInt32(), index), Vector128.ShuffleNative(b.AsInt32(), index)).AsByte();
    }
}

/// <summary>SHUFPD (SDM Vol. 2B): one of each source.</summary>
internal readonly struct Shufpd : IVectorOperation
{
    public static int UpperImmediate(int immediate) => immediate >> 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Create(a.AsUInt64().GetElement(immediate & 1), b.AsUInt64().GetElement(immediate >> 1 & 1)).AsByte();
}

/// <summary>PUNPCKLBW (SDM Vol. 2B).</summary>
internal readonly struct Punpcklbw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : (Vector128.WidenLower(a) | (Vector128.WidenLower(b) << 8)).AsByte();
}

/// <summary>PUNPCKHBW (SDM Vol. 2B).</summary>
internal readonly struct Punpckhbw : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : (Vector128.WidenUpper(a) | (Vector128.WidenUpper(b) << 8)).AsByte();

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) => UpperHalves.Combine<Punpcklbw>(a, b);
}

/// <summary>PUNPCKLWD (SDM Vol. 2B).</summary>
internal readonly struct Punpcklwd : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a.AsUInt16(), b.AsUInt16()).AsByte()
            : (Vector128.WidenLower(a.AsUInt16()) | (Vector128.WidenLower(b.AsUInt16()) << 16)).AsByte();
}

/// <summary>PUNPCKHWD (SDM Vol. 2B).</summary>
internal readonly struct Punpckhwd : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a.AsUInt16(), b.AsUInt16()).AsByte()
            : (Vector128.WidenUpper(a.AsUInt16()) | (Vector128.WidenUpper(b.AsUInt16()) << 16)).AsByte();

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) => UpperHalves.Combine<Punpcklwd>(a, b);
}

/// <summary>PUNPCKLDQ, UNPCKLPS (SDM Vol. 2B).</summary>
internal readonly struct Punpckldq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a.AsUInt32(), b.AsUInt32()).AsByte()
            : (Vector128.WidenLower(a.AsUInt32()) | (Vector128.WidenLower(b.AsUInt32()) << 32)).AsByte();
}

/// <summary>PUNPCKHDQ, UNPCKHPS (SDM Vol. 2B).</summary>
internal readonly struct Punpckhdq : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a.AsUInt32(), b.AsUInt32()).AsByte()
            : (Vector128.WidenUpper(a.AsUInt32()) | (Vector128.WidenUpper(b.AsUInt32()) << 32)).AsByte();

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) => UpperHalves.Combine<Punpckldq>(a, b);
}

/// <summary>PUNPCKLQDQ, UNPCKLPD, MOVLHPS, MOVHPS from memory (SDM Vol. 2).</summary>
internal readonly struct Punpcklqdq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Create(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar()).AsByte();
}

/// <summary>PUNPCKHQDQ, UNPCKHPD (SDM Vol. 2B).</summary>
internal readonly struct Punpckhqdq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Create(a.AsUInt64().GetElement(1), b.AsUInt64().GetElement(1)).AsByte();
}

/// <summary>The MMX forms of PUNPCKH: the upper doublewords, interleaved as the lower ones are.</summary>
internal static class UpperHalves
{
    /// <summary>Combines the upper halves of two MMX operands.</summary>
    public static ulong Combine<TLower>(ulong a, ulong b)
        where TLower : IVectorOperation =>
        TLower.Compute(Vector128.CreateScalar(a >> 32).AsByte(), Vector128.CreateScalar(b >> 32).AsByte(), 0).AsUInt64().ToScalar();
}

/// <summary>PACKSSWB (SDM Vol. 2B).</summary>
internal readonly struct Packsswb : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.NarrowWithSaturation(a.AsInt16(), b.AsInt16()).AsByte();

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.Create(a, b).AsByte(), default, immediate).AsUInt64().ToScalar();
}

/// <summary>PACKSSDW (SDM Vol. 2B).</summary>
internal readonly struct Packssdw : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.NarrowWithSaturation(a.AsInt32(), b.AsInt32()).AsByte();

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.Create(a, b).AsByte(), default, immediate).AsUInt64().ToScalar();
}

/// <summary>PACKUSWB (SDM Vol. 2B): signed words to unsigned bytes.</summary>
internal readonly struct Packuswb : IVectorOperation
{
    public static bool HasMmxForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        if (Sse2.IsSupported)
            return Sse2.PackUnsignedSaturate(a.AsInt16(), b.AsInt16());
        var most = Vector128.Create((short)byte.MaxValue);
        var low = Vector128.Max(Vector128.Min(a.AsInt16(), most), Vector128<short>.Zero);
        var high = Vector128.Max(Vector128.Min(b.AsInt16(), most), Vector128<short>.Zero);
        return Vector128.Narrow(low, high).AsByte();
    }

    public static ulong ComputeMmx(ulong a, ulong b, int immediate) =>
        Compute(Vector128.Create(a, b).AsByte(), default, immediate).AsUInt64().ToScalar();
}

/// <summary>PACKUSDW (SDM Vol. 2B): signed doublewords to unsigned words.</summary>
internal readonly struct Packusdw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var most = Vector128.Create((int)ushort.MaxValue);
        var low = Vector128.Max(Vector128.Min(a.AsInt32(), most), Vector128<int>.Zero);
        var high = Vector128.Max(Vector128.Min(b.AsInt32(), most), Vector128<int>.Zero);
        return Vector128.Narrow(low, high).AsByte();
    }
}
