using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>RDRAND and RDSEED (SDM Vol. 2B): a number is always ready, so CF is 1 and the other five flags are 0.</summary>
internal readonly unsafe struct RandomNumber : IWidthShape
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = &Draw<T>;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Draw<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Step.Set(s, op->Destination, Width.Truncate<T>(RandomGenerator.Next(s)));
        s->Flags.SetFrom(Rflags.Carry);
        Step.Next(vcpu, s, op);
    }
}
