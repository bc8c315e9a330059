using System.Numerics;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>destination ← destination op source, with the arithmetic flags: the semantics that every engine uses.</summary>
public interface IBinaryOperation
{
    /// <summary>False where only the flags are wanted (CMP, TEST).</summary>
    static abstract bool WritesDestination { get; }

    /// <summary>True where this source leaves a destination register as it is, its upper half included.</summary>
    static virtual bool Leaves<T>(T source) where T : unmanaged, IBinaryInteger<T> => false;

    /// <summary>The result and its flags.</summary>
    static abstract T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}
