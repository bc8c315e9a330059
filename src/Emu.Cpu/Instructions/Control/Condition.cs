using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Control;

/// <summary>A condition of Jcc, SETcc and CMOVcc (SDM Vol. 1, appendix B).</summary>
public interface ICondition
{
    /// <summary>Whether it holds.</summary>
    static abstract bool Holds(ref ArithmeticFlags flags);
}

/// <summary>The opposite of a condition.</summary>
public readonly struct Not<TCondition> : ICondition
    where TCondition : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => !TCondition.Holds(ref flags);
}

/// <summary>O.</summary>
public readonly struct IfOverflow : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Overflow;
}

/// <summary>B, C, NAE.</summary>
public readonly struct IfBelow : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Carry;
}

/// <summary>E, Z.</summary>
public readonly struct IfEqual : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Zero;
}

/// <summary>BE, NA.</summary>
public readonly struct IfBelowOrEqual : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Zero || flags.Carry;
}

/// <summary>S.</summary>
public readonly struct IfSign : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Sign;
}

/// <summary>P, PE.</summary>
public readonly struct IfParity : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Parity;
}

/// <summary>L, NGE.</summary>
public readonly struct IfLess : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Less;
}

/// <summary>LE, NG.</summary>
public readonly struct IfLessOrEqual : ICondition
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(ref ArithmeticFlags flags) => flags.Zero || flags.Less;
}
