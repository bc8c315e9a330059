using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>ROL (SDM Vol. 2B, "RCL/RCR/ROL/ROR"): only CF and OF change.</summary>
public readonly struct Rol : IShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var wide = Width.ZeroExtend(value);
        count &= bits - 1;
        var result = Width.Truncate<T>(bits == 64 ? BitOperations.RotateLeft(wide, count) : (wide << count) | (wide >> (bits - count)));
        var carry = Width.ZeroExtend(result) & 1;
        flags.SetCarryAndOverflow(carry, carry ^ (Width.SignExtend(result) >> 63));
        return result;
    }
}

/// <summary>ROR (SDM Vol. 2B, "RCL/RCR/ROL/ROR"): only CF and OF change.</summary>
public readonly struct Ror : IShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var wide = Width.ZeroExtend(value);
        count &= bits - 1;
        var result = Width.Truncate<T>(bits == 64 ? BitOperations.RotateRight(wide, count) : (wide >> count) | (wide << (bits - count)));
        var top = Width.ZeroExtend(result) >> (bits - 2);
        flags.SetCarryAndOverflow(top >> 1, (top ^ (top >> 1)) & 1);
        return result;
    }
}

/// <summary>RCL (SDM Vol. 2B, "RCL/RCR/ROL/ROR"): CF is one more bit of the operand; only CF and OF change.</summary>
public readonly struct Rcl : IShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var wide = Width.ZeroExtend(value);
        ulong rotated, carry;
        if (bits == 64)
        {
            // The bits that come round: shifts by 65 − count and 64 in two steps each.
            rotated = (wide << count) | (flags.CarryValue << (count - 1)) | ((wide >> 1) >> (64 - count));
            carry = (wide >> (64 - count)) & 1;
        }
        else
        {
            count = bits == 32 ? count : count % (bits + 1);
            wide |= flags.CarryValue << bits;
            rotated = (wide << count) | (wide >> (bits + 1 - count));
            carry = (rotated >> bits) & 1;
        }
        var result = Width.Truncate<T>(rotated);
        flags.SetCarryAndOverflow(carry, carry ^ (Width.SignExtend(result) >> 63));
        return result;
    }
}

/// <summary>RCR (SDM Vol. 2B, "RCL/RCR/ROL/ROR"): CF is one more bit of the operand; only CF and OF change.</summary>
public readonly struct Rcr : IShiftOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var bits = Width.Bits<T>();
        var wide = Width.ZeroExtend(value);
        ulong rotated, carry;
        if (bits == 64)
        {
            rotated = (wide >> count) | (flags.CarryValue << (64 - count)) | ((wide << 1) << (64 - count));
            carry = (wide >> (count - 1)) & 1;
        }
        else
        {
            count = bits == 32 ? count : count % (bits + 1);
            wide |= flags.CarryValue << bits;
            rotated = (wide >> count) | (wide << (bits + 1 - count));
            carry = (rotated >> bits) & 1;
        }
        var result = Width.Truncate<T>(rotated);
        var top = Width.ZeroExtend(result) >> (bits - 2);
        flags.SetCarryAndOverflow(carry, (top ^ (top >> 1)) & 1);
        return result;
    }
}
