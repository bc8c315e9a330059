using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>A number in memory. A type argument of operations.</summary>
internal unsafe interface IX87Format
{
    /// <summary>Bytes it takes.</summary>
    static abstract int Bytes { get; }

    /// <summary>Its value, exactly.</summary>
    /// <param name="operand">Where it is.</param>
    /// <param name="flags">DE for a denormal, IE for a signalling NaN.</param>
    static abstract Float80 Widen(byte* operand, out uint flags);

    /// <summary>Its value for FLD and FILD: widening is the instruction, and raises its exceptions.</summary>
    static abstract Float80 Load(byte* operand, ref X87Context context);

    /// <summary>Rounds a number into the format.</summary>
    /// <param name="value">The number.</param>
    /// <param name="truncate">Integers: toward zero whatever RC says.</param>
    /// <param name="result">Receives <see cref="Bytes"/> bytes.</param>
    /// <param name="context">Control and status.</param>
    static abstract void Store(Float80 value, bool truncate, byte* result, ref X87Context context);

    /// <summary>What a masked stack underflow stores.</summary>
    static abstract void StoreIndefinite(byte* result);

    /// <summary>Its value on the short way (<see cref="PlainX87"/>); <see cref="Float80.Unplain"/> where it is not a normal number.</summary>
    static virtual Float80 WidenPlain(byte* operand) => Float80.Unplain;

    /// <summary>There is a short way to load and store it.</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>FLD on the short way: every encoding of zero and of normal numbers, or all; false for others.</summary>
    static virtual bool TryPush(CpuState* s, byte* operand, uint words) => false;

    /// <summary>The short way of <see cref="Store"/>.</summary>
    /// <returns>Status bits, or <see cref="Float80.NotPlain"/>, and nothing has been written.</returns>
    static virtual uint StorePlain(Float80 value, byte* result) => Float80.NotPlain;
}

/// <summary>m32fp.</summary>
internal readonly unsafe struct SingleFormat : IX87Format
{
    public static int Bytes => 4;

    public static Float80 Widen(byte* operand, out uint flags) => Float80.WidenFloat32(*(uint*)operand, out flags);

    public static Float80 Load(byte* operand, ref X87Context context) => Float80.FromFloat32(*(uint*)operand, ref context);

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context) =>
        *(uint*)result = Float80.ToFloat32(value, ref context);

    public static void StoreIndefinite(byte* result) => *(uint*)result = Float32.Indefinite;

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 WidenPlain(byte* operand) => Float80.WidenFloat32Plain(*(uint*)operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words)
    {
        var bits = *(uint*)operand;
        var value = WidenPlain(operand);
        if (value.Significand == 0 && bits << 1 != 0)
            return false;
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent | ((uint)(bits >> 16) & Float80.SignMask));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint StorePlain(Float80 value, byte* result) => Float80.StoreFloat32Plain((uint*)result, value);
}

/// <summary>m64fp.</summary>
internal readonly unsafe struct DoubleFormat : IX87Format
{
    public static int Bytes => 8;

    public static Float80 Widen(byte* operand, out uint flags) => Float80.WidenFloat64(*(ulong*)operand, out flags);

    public static Float80 Load(byte* operand, ref X87Context context) => Float80.FromFloat64(*(ulong*)operand, ref context);

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context) =>
        *(ulong*)result = Float80.ToFloat64(value, ref context);

    public static void StoreIndefinite(byte* result) => *(ulong*)result = Float64.Indefinite;

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 WidenPlain(byte* operand) => Float80.WidenFloat64Plain(*(ulong*)operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words)
    {
        var bits = *(ulong*)operand;
        var value = WidenPlain(operand);
        if (value.Significand == 0 && bits << 1 != 0)
            return false;
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent | ((uint)(bits >> 48) & Float80.SignMask));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint StorePlain(Float80 value, byte* result) => Float80.StoreFloat64Plain((ulong*)result, value);
}

/// <summary>m80fp: nothing is converted, nothing raised.</summary>
internal readonly unsafe struct ExtendedFormat : IX87Format
{
    public static int Bytes => 10;

    public static Float80 Widen(byte* operand, out uint flags)
    {
        flags = 0;
        return new Float80(*(ushort*)(operand + 8), *(ulong*)operand);
    }

    public static Float80 Load(byte* operand, ref X87Context context)
    {
        context.Complete();
        return Widen(operand, out _);
    }

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context)
    {
        context.Complete();
        *(ulong*)result = value.Significand;
        *(ushort*)(result + 8) = value.SignExponent;
    }

    public static void StoreIndefinite(byte* result)
    {
        *(ulong*)result = Float80.Indefinite.Significand;
        *(ushort*)(result + 8) = Float80.Indefinite.SignExponent;
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words) => PlainX87.TryPush(s, words, *(ulong*)operand, *(ushort*)(operand + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint StorePlain(Float80 value, byte* result)
    {
        *(ulong*)result = value.Significand;
        *(ushort*)(result + 8) = value.SignExponent;
        return 0;
    }
}

/// <summary>m16int.</summary>
internal readonly unsafe struct Integer16Format : IX87Format
{
    public static int Bytes => 2;

    public static Float80 Widen(byte* operand, out uint flags)
    {
        flags = 0;
        return Float80.FromInt64(*(short*)operand);
    }

    public static Float80 Load(byte* operand, ref X87Context context)
    {
        context.Complete();
        return Widen(operand, out _);
    }

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context) =>
        *(short*)result = Float80.ToInt16(value, truncate, ref context);

    public static void StoreIndefinite(byte* result) => *(short*)result = short.MinValue;

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 WidenPlain(byte* operand) => Float80.FromInt64(*(short*)operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words)
    {
        var value = WidenPlain(operand);
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent);
    }
}

/// <summary>m32int.</summary>
internal readonly unsafe struct Integer32Format : IX87Format
{
    public static int Bytes => 4;

    public static Float80 Widen(byte* operand, out uint flags)
    {
        flags = 0;
        return Float80.FromInt64(*(int*)operand);
    }

    public static Float80 Load(byte* operand, ref X87Context context)
    {
        context.Complete();
        return Widen(operand, out _);
    }

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context) =>
        *(int*)result = Float80.ToInt32(value, truncate, ref context);

    public static void StoreIndefinite(byte* result) => *(int*)result = int.MinValue;

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 WidenPlain(byte* operand) => Float80.FromInt64(*(int*)operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words)
    {
        var value = WidenPlain(operand);
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent);
    }
}

/// <summary>m64int.</summary>
internal readonly unsafe struct Integer64Format : IX87Format
{
    public static int Bytes => 8;

    public static Float80 Widen(byte* operand, out uint flags)
    {
        flags = 0;
        return Float80.FromInt64(*(long*)operand);
    }

    public static Float80 Load(byte* operand, ref X87Context context)
    {
        context.Complete();
        return Widen(operand, out _);
    }

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context) =>
        *(long*)result = Float80.ToInt64(value, truncate, ref context);

    public static void StoreIndefinite(byte* result) => *(long*)result = long.MinValue;

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 WidenPlain(byte* operand) => Float80.FromInt64(*(long*)operand);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, byte* operand, uint words)
    {
        var value = WidenPlain(operand);
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent);
    }
}

/// <summary>m80bcd: 18 decimal digits and a sign.</summary>
internal readonly unsafe struct DecimalFormat : IX87Format
{
    private const ulong IndefiniteLow = 0xC000_0000_0000_0000;
    private const ushort IndefiniteHigh = 0xFFFF;

    public static int Bytes => 10;

    public static Float80 Widen(byte* operand, out uint flags)
    {
        flags = 0;
        return Float80.FromBcd(*(ulong*)operand, *(ushort*)(operand + 8));
    }

    public static Float80 Load(byte* operand, ref X87Context context)
    {
        context.Complete();
        return Widen(operand, out _);
    }

    public static void Store(Float80 value, bool truncate, byte* result, ref X87Context context)
    {
        *(ulong*)result = Float80.ToBcd(value, out var high, ref context);
        *(ushort*)(result + 8) = high;
    }

    public static void StoreIndefinite(byte* result)
    {
        *(ulong*)result = IndefiniteLow;
        *(ushort*)(result + 8) = IndefiniteHigh;
    }
}
