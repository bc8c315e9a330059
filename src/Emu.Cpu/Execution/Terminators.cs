using System.Runtime.CompilerServices;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Execution;

/// <summary>What ends a block besides branches: running on into the next block, or the end of a truncated copy.</summary>
public static unsafe class Terminators
{
    /// <summary>The fall-through op at a block's end.</summary>
    /// <param name="end">Bytes from the block's start to the next instruction.</param>
    /// <param name="pageOffset">Offset of the block's start in its page.</param>
    /// <param name="noBlock">What an unlinked terminator holds.</param>
    public static Op MakeFallThrough(uint end, uint pageOffset, Block* noBlock) => new()
    {
        Handler = pageOffset + end < PhysicalMemory.PageSize ? &FallThrough : &FallThroughToNextPage,
        Scale = pageOffset + end < PhysicalMemory.PageSize ? Op.Linkable : (byte)0,
        Offset = (ushort)end,
        Displacement = (int)end,
        Immediate = (long)noBlock,
    };

    /// <summary>The end of a block cut short by its budget: control returns to the run loop.</summary>
    public static Op MakeStop(uint end) => new() { Handler = &Stop, Offset = (ushort)end };

    /// <summary>Goes nowhere: control returns to whoever began the chain of handlers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReturnToRunLoop(Vcpu vcpu, CpuState* s, Op* op)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FallThrough(Vcpu vcpu, CpuState* s, Op* op) => Chain.Direct(vcpu, s, op, s->Rip + (uint)op->Displacement);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FallThroughToNextPage(Vcpu vcpu, CpuState* s, Op* op) => Chain.Indirect(vcpu, s, s->Rip + (uint)op->Displacement);

    private static void Stop(Vcpu vcpu, CpuState* s, Op* op) => s->Rip += op->Offset;
}
