using System.Numerics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>destination ← destination op source, with the arithmetic flags: the semantics that every engine uses.</summary>
public interface IBinaryOperation
{
    /// <summary>False where only the flags are wanted (CMP, TEST).</summary>
    static abstract bool WritesDestination { get; }

    /// <summary>True where this source leaves a destination register as it is, its upper half included.</summary>
    static virtual bool Leaves<T>(T source) where T : unmanaged, IBinaryInteger<T> => false;

    /// <summary>What becomes of the flags.</summary>
    static virtual FlagUse Flags => FlagUse.Changes;

    /// <summary>The host's operation that gives the result, where the flags are those of a sum, a difference or a logical result.</summary>
    static virtual HostOperation Host => HostOperation.None;

    /// <summary>The result and its flags.</summary>
    static abstract T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}
