using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>AND (SDM Vol. 2A).</summary>
public readonly struct And : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.And;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination & source;
        flags.SetLogic(result);
        return result;
    }
}

/// <summary>OR (SDM Vol. 2B).</summary>
public readonly struct Or : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.Or;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination | source;
        flags.SetLogic(result);
        return result;
    }
}

/// <summary>XOR (SDM Vol. 2D).</summary>
public readonly struct Xor : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.Xor;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination ^ source;
        flags.SetLogic(result);
        return result;
    }
}

/// <summary>TEST (SDM Vol. 2D).</summary>
public readonly struct Test : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static HostOperation Host => HostOperation.And;

    /// <inheritdoc/>
    public static bool WritesDestination => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        And.Compute(destination, source, ref flags);
}
