using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>INC (SDM Vol. 2A): CF stays.</summary>
public readonly struct Inc : IUnaryOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var earlier = flags.Aux;
        var result = value + T.One;
        flags.SetAdd(value, T.One, result);
        flags.KeepCarry(earlier);
        return result;
    }
}

/// <summary>DEC (SDM Vol. 2A): CF stays.</summary>
public readonly struct Dec : IUnaryOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var earlier = flags.Aux;
        var result = value - T.One;
        flags.SetSubtract(value, T.One, result);
        flags.KeepCarry(earlier);
        return result;
    }
}

/// <summary>NEG (SDM Vol. 2B).</summary>
public readonly struct Neg : IUnaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Sub.Compute(T.Zero, value, ref flags);
}

/// <summary>NOT (SDM Vol. 2B): no flags.</summary>
public readonly struct Complement : IUnaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Ignores;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        ~value;
}
