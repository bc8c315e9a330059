using System.Numerics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>destination ← op destination: the semantics that every engine uses.</summary>
public interface IUnaryOperation
{
    /// <summary>What becomes of the flags.</summary>
    static virtual FlagUse Flags => FlagUse.Changes;

    /// <summary>The result and its flags.</summary>
    static abstract T Compute<T>(T value, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}
