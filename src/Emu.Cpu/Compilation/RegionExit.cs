using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>One way out of a compiled region: where the interpreter goes on. 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal unsafe struct RegionExit
{
    /// <summary>The handler that goes on.</summary>
    public delegate*<Vcpu, CpuState*, Op*, void> Handler;

    /// <summary>Its op.</summary>
    public Op* Op;

    /// <summary>From the region's origin to what <see cref="CpuState.Rip"/> becomes: the start of the op's block, or the next instruction.</summary>
    public long RipDelta;

    /// <summary>The kind of the flags there (<see cref="DeferredFlags"/>).</summary>
    public short Flags;

    /// <summary>Instructions of the block that the region has not executed: the op's own and those after it.</summary>
    public ushort Remaining;

    /// <summary>Instructions to give back to the budget: those of a block that was not entered.</summary>
    public int Refund;
}
