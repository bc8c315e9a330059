using System.Numerics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>destination ← destination shifted by a count: the semantics that every engine uses.</summary>
/// <remarks>
/// A count of zero changes neither destination nor flags and never comes here. Where the SDM leaves OF undefined (counts above 1), it is
/// that of the last one-bit step.
/// </remarks>
public interface IShiftOperation
{
    /// <summary>What becomes of the flags.</summary>
    static virtual FlagUse Flags => FlagUse.Changes;

    /// <summary>The result and its flags.</summary>
    /// <param name="value">Destination.</param>
    /// <param name="count">1–31, or 1–63 for 64-bit operands: it has been masked.</param>
    /// <param name="flags">Flags before and after.</param>
    static abstract T Compute<T>(T value, int count, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>;
}
