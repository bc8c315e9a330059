using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>Relative jumps, on a condition or always.</summary>
/// <param name="condition">The <see cref="ICondition"/>, or null.</param>
/// <param name="taken">The handler that jumps without a condition.</param>
internal sealed unsafe class JumpEmission(Type? condition, delegate*<Vcpu, CpuState*, Op*, void> taken) : Emission
{
    private readonly nint _taken = (nint)taken;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.Jump(condition, op, (delegate*<Vcpu, CpuState*, Op*, void>)_taken);
        return true;
    }
}

/// <summary>Relative calls.</summary>
/// <param name="size">Bytes of the return address.</param>
internal sealed unsafe class CallEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanUseStack(in instruction))
            return false;
        region.Call(in instruction, op, size);
        return true;
    }
}

/// <summary>Near returns.</summary>
/// <param name="size">Bytes of the return address.</param>
internal sealed unsafe class ReturnEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanUseStack(in instruction))
            return false;
        region.Return(in instruction, op, size);
        return true;
    }
}

/// <summary>Near jumps and calls through a register or memory.</summary>
/// <param name="size">Bytes of the target.</param>
/// <param name="isCall">A call.</param>
internal sealed unsafe class IndirectEmission(int size, bool isCall) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!region.HasComputedTargets || (isCall && !RegionEmitter.CanUseStack(in instruction)))
            return false;
        if (!region.TryLoadOperand(in instruction, op, op->Source, size))
            return false;
        region.Widen(size);
        region.Computed(in instruction, op, isCall ? size : 0);
        return true;
    }
}
