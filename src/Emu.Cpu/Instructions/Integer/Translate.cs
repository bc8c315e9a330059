using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>XLATB (SDM Vol. 2D): AL ← [rBX + AL].</summary>
internal static unsafe class Translate
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        // Iced gives AL as the index; the handler adds it itself, without the rest of RAX.
        operands.Op->Index = CpuState.ZeroOffset;
        operands.Op->Handler = &Execute;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute(Vcpu vcpu, CpuState* s, Op* op)
    {
        var linear = DistantAddress.Linear(vcpu, s, op, (byte)s->Registers[0], 1, false);
        var entry = Operand.ReadAt<byte>(vcpu, s, op, linear);
        if (entry == null)
            return;
        Step.Set(s, 0, *entry);
        Step.Next(vcpu, s, op);
    }
}
