using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>LEA (SDM Vol. 2A): the offset at the address size, cut to the operand size; no access, no segment.</summary>
internal readonly unsafe struct LoadEffectiveAddress : IWidthShape
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new AddressEmission(sizeof(T));
        op->Destination = operands.RegisterOf(0);
        op->Handler = op->AddressSize < sizeof(T) ? &Masked<T> : op->Index == CpuState.ZeroOffset ? &Base<T> : &Whole<T>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Base<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Width.Truncate<T>(LongBaseAddress.Linear(vcpu, s, op, 0, false)));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Width.Truncate<T>(LongAddress.Linear(vcpu, s, op, 0, false)));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Masked<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        Step.Set(s, op->Destination, Width.Truncate<T>(LongAddress.Linear(vcpu, s, op, 0, false) & op->AddressMask));
        Step.Next(vcpu, s, op);
    }
}
