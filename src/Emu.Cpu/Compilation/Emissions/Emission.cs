using Emu.Cpu.Execution;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>
/// What compiled code does for one instruction. A shape that binds handlers makes one beside them where compiled code can do better than
/// call the handler; what it computes comes from the same operation.
/// </summary>
internal abstract unsafe class Emission
{
    /// <summary>Emits the instruction.</summary>
    /// <param name="region">The region that is being compiled, at the instruction.</param>
    /// <param name="instruction">What is known of it.</param>
    /// <param name="op">Its op.</param>
    /// <returns>False, with nothing emitted, where compiled code has no better form for these operands.</returns>
    public abstract bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op);

    /// <summary>True where the region may go on after the handler has changed the TLB: what accesses before it have found is no longer known.</summary>
    public virtual bool MayMiss => false;
}

/// <summary>How an operation treats the arithmetic flags.</summary>
public enum FlagUse
{
    /// <summary>It reads some, or leaves some as they were.</summary>
    Changes,

    /// <summary>It sets all six, whatever they were.</summary>
    Replaces,

    /// <summary>It neither reads nor changes any.</summary>
    Ignores,
}

/// <summary>An operation whose result one instruction of the intermediate language gives, and whose flags follow from its operands.</summary>
public enum HostOperation
{
    /// <summary>There is no such instruction.</summary>
    None,

    /// <summary>a + b.</summary>
    Add,

    /// <summary>a − b.</summary>
    Subtract,

    /// <summary>a and b.</summary>
    And,

    /// <summary>a or b.</summary>
    Or,

    /// <summary>a exclusive-or b.</summary>
    Xor,
}
