using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.State;

/// <summary>Operand widths as generic arguments: byte, ushort, uint and ulong. Everything here folds to one instruction or a constant.</summary>
/// <remarks>
/// Implementation note. The casts through object never box: RyuJIT sees a box and its unboxing to the same type and drops both.
/// <c>Unsafe.BitCast</c> and <c>CreateTruncating</c> take the address of a local on the way, which forbids the handlers' tail calls.
/// </remarks>
public static class Width
{
    /// <summary>Bits in an operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bits<T>() where T : unmanaged => Unsafe.SizeOf<T>() * 8;

    /// <summary>How far left an operand's top bit lies from bit 63.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ShiftToTop<T>() where T : unmanaged => 64 - Bits<T>();

    /// <summary>Zero-extends to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ZeroExtend<T>(T value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte))
            return (byte)(object)value;
        if (typeof(T) == typeof(ushort))
            return (ushort)(object)value;
        return typeof(T) == typeof(uint) ? (uint)(object)value : (ulong)(object)value;
    }

    /// <summary>Sign-extends to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SignExtend<T>(T value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte))
            return (ulong)(sbyte)(byte)(object)value;
        if (typeof(T) == typeof(ushort))
            return (ulong)(short)(ushort)(object)value;
        return typeof(T) == typeof(uint) ? (ulong)(int)(uint)(object)value : (ulong)(object)value;
    }

    /// <summary>The low bits of a 64-bit value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Truncate<T>(ulong value) where T : unmanaged
    {
        if (typeof(T) == typeof(byte))
            return (T)(object)(byte)value;
        if (typeof(T) == typeof(ushort))
            return (T)(object)(ushort)value;
        return typeof(T) == typeof(uint) ? (T)(object)(uint)value : (T)(object)value;
    }

    /// <summary>True where the operand's top bit is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNegative<T>(T value) where T : unmanaged => (long)SignExtend(value) < 0;
}
