using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.State;

/// <summary>Operand widths as generic arguments: byte, ushort, uint and ulong. Everything here folds to one instruction or a constant.</summary>
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
    public static ulong ZeroExtend<T>(T value) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        1 => Unsafe.BitCast<T, byte>(value),
        2 => Unsafe.BitCast<T, ushort>(value),
        4 => Unsafe.BitCast<T, uint>(value),
        _ => Unsafe.BitCast<T, ulong>(value),
    };

    /// <summary>Sign-extends to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SignExtend<T>(T value) where T : unmanaged => Unsafe.SizeOf<T>() switch
    {
        1 => (ulong)Unsafe.BitCast<T, sbyte>(value),
        2 => (ulong)Unsafe.BitCast<T, short>(value),
        4 => (ulong)Unsafe.BitCast<T, int>(value),
        _ => Unsafe.BitCast<T, ulong>(value),
    };

    /// <summary>The low bits of a 64-bit value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Truncate<T>(ulong value) where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() == 1)
            return Unsafe.BitCast<byte, T>((byte)value);
        if (Unsafe.SizeOf<T>() == 2)
            return Unsafe.BitCast<ushort, T>((ushort)value);
        return Unsafe.SizeOf<T>() == 4 ? Unsafe.BitCast<uint, T>((uint)value) : Unsafe.BitCast<ulong, T>(value);
    }

    /// <summary>True where the operand's top bit is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsNegative<T>(T value) where T : unmanaged => (long)SignExtend(value) < 0;
}
