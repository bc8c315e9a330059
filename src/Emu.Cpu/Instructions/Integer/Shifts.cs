using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>SHL and SAL (SDM Vol. 2B, "SAL/SAR/SHL/SHR").</summary>
public readonly struct Shl : IShiftOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var wide = Width.ZeroExtend(value);
        var carry = Width.Bits<T>() == 64 ? (wide >> (64 - count)) & 1 : ((wide << count) >> Width.Bits<T>()) & 1;
        var result = Width.Truncate<T>(wide << count);
        flags.SetResult(result, carry, carry ^ (Width.SignExtend(result) >> 63));
        return result;
    }
}

/// <summary>SHR (SDM Vol. 2B, "SAL/SAR/SHL/SHR").</summary>
public readonly struct Shr : IShiftOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var before = Width.ZeroExtend(value) >> (count - 1);
        var result = Width.Truncate<T>(before >> 1);
        flags.SetResult(result, before & 1, (before >> (Width.Bits<T>() - 1)) & 1);
        return result;
    }
}

/// <summary>SAR (SDM Vol. 2B, "SAL/SAR/SHL/SHR").</summary>
public readonly struct Sar : IShiftOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var before = (long)Width.SignExtend(value) >> (count - 1);
        var result = Width.Truncate<T>((ulong)(before >> 1));
        flags.SetResult(result, (ulong)before & 1, 0);
        return result;
    }
}
