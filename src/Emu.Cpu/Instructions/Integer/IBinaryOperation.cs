using System.Numerics;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>destination ← destination op source, with the arithmetic flags: the semantics that every engine uses.</summary>
public interface IBinaryOperation
{
    /// <summary>False where only the flags are wanted (CMP, TEST).</summary>
    static abstract bool WritesDestination { get; }

    /// <summary>The result and its flags.</summary>
    static abstract T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}
