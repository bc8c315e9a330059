using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>
/// Instructions without an architectural effect here: NOP in all lengths, ENDBR, prefetches, fences, which order nothing where
/// every access happens in program order, and SERIALIZE, where nothing is fetched or executed ahead.
/// </summary>
internal static unsafe class NoOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.IsForCompiler)
            operands.Emission = new NothingEmission();
        operands.Op->Handler = &Nothing;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Nothing(Vcpu vcpu, CpuState* s, Op* op) => Step.Next(vcpu, s, op);
}

/// <summary>PAUSE (SDM Vol. 2B): the guest waits in a loop; where there are other vCPUs, one of them is what it waits for.</summary>
internal static unsafe class SpinWait
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands) => operands.Op->Handler = &Pause;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pause(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.YieldsOnPause)
        {
            s->Pending |= PendingEvents.Yield;
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }
}

/// <summary>CLFLUSH, CLFLUSHOPT and CLWB (SDM Vol. 2A): there is no cache, but the byte must be readable.</summary>
internal static unsafe class CacheLine
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands) => operands.Op->Handler = operands.Addressing switch
    {
        AddressingKind.Long => &Touch<LongAddress>,
        AddressingKind.LongSegment => &Touch<LongSegmentAddress>,
        AddressingKind.Flat => &Touch<FlatAddress>,
        _ => &Touch<SegmentedAddress>,
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Touch<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (Operand.Read<TAddress, byte>(vcpu, s, op) == null)
            return;
        Step.Next(vcpu, s, op);
    }
}
