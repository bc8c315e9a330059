using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>ADD (SDM Vol. 2A).</summary>
public readonly struct Add : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.Add;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination + source;
        flags.SetAdd(destination, source, result);
        return result;
    }
}

/// <summary>ADC (SDM Vol. 2A).</summary>
public readonly struct Adc : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination + source + Width.Truncate<T>(flags.CarryValue);
        flags.SetAdd(destination, source, result);
        return result;
    }
}

/// <summary>SUB (SDM Vol. 2B).</summary>
public readonly struct Sub : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.Subtract;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination - source;
        flags.SetSubtract(destination, source, result);
        return result;
    }
}

/// <summary>SBB (SDM Vol. 2B).</summary>
public readonly struct Sbb : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination - source - Width.Truncate<T>(flags.CarryValue);
        flags.SetSubtract(destination, source, result);
        return result;
    }
}

/// <summary>CMP (SDM Vol. 2A).</summary>
public readonly struct Cmp : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.Subtract;

    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Sub.Compute(destination, source, ref flags);
}
