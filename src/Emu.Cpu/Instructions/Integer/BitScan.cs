using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>
/// BSF (SDM Vol. 2A). Of zero the destination register stays as it is, its upper half included (APM Vol. 3, and processors of both makers).
/// </summary>
public readonly struct Bsf : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Width.ZeroExtend(source);
        flags.SetLogic(source);
        return Width.Truncate<T>((ulong)BitOperations.TrailingZeroCount(value));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Leaves<T>(T source) where T : unmanaged, IBinaryInteger<T> => source == T.Zero;
}

/// <summary>
/// BSR (SDM Vol. 2A). Of zero the destination register stays as it is, its upper half included (APM Vol. 3, and processors of both makers).
/// </summary>
public readonly struct Bsr : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Width.ZeroExtend(source);
        flags.SetLogic(source);
        return Width.Truncate<T>((ulong)BitOperations.Log2(value));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Leaves<T>(T source) where T : unmanaged, IBinaryInteger<T> => source == T.Zero;
}

/// <summary>TZCNT (SDM Vol. 2D): CF tells a source of zero, ZF a result of zero.</summary>
public readonly struct Tzcnt : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Width.ZeroExtend(source);
        var count = value == 0 ? Width.Bits<T>() : BitOperations.TrailingZeroCount(value);
        var result = Width.Truncate<T>((ulong)count);
        flags.SetResult(result, value == 0, false);
        return result;
    }
}

/// <summary>LZCNT (SDM Vol. 2A): CF tells a source of zero, ZF a result of zero.</summary>
public readonly struct Lzcnt : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var value = Width.ZeroExtend(source);
        var result = Width.Truncate<T>((ulong)(BitOperations.LeadingZeroCount(value) - Width.ShiftToTop<T>()));
        flags.SetResult(result, value == 0, false);
        return result;
    }
}

/// <summary>POPCNT (SDM Vol. 2B): all flags but ZF are cleared.</summary>
public readonly struct Popcnt : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var count = (ulong)BitOperations.PopCount(Width.ZeroExtend(source));
        flags.SetZeroOnly(count == 0);
        return Width.Truncate<T>(count);
    }
}
