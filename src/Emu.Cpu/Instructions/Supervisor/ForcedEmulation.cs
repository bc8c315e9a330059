using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>
/// Xen's forced emulation prefix, UD2 with "xen" behind it: a hypervisor that knows it executes the instruction that follows itself, and
/// reports that one's faults at its own address, not the prefix's (hvm_ud_intercept, xen/arch/x86/hvm/hvm.c). Here everything is emulated,
/// so that the prefix only goes on.
/// </summary>
/// <remarks>
/// It is one with its instruction: as after MOV SS nothing comes between the two, no interrupt, no trap, no breakpoint; and as there,
/// of several in a row only the first does that. Each counts as an instruction of its own.
/// </remarks>
internal static unsafe class ForcedEmulation
{
    /// <summary>Bytes of the prefix.</summary>
    public const int Length = 5;

    /// <summary>What stands behind UD2.</summary>
    public static ReadOnlySpan<byte> Signature => "xen"u8;

    /// <summary>Binds the prefix.</summary>
    public static void Bind(ref Operands operands) => operands.Op->Handler = &Prefix;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prefix(Vcpu vcpu, CpuState* s, Op* op)
    {
        var retired = vcpu.RetiredAfter(op);
        if (s->StackShadowAt != retired - 1)
            s->StackShadowAt = retired;
        if (s->Pending != 0 || (s->SystemFlags & Rflags.Trap) != 0)
        {
            Chain.Leave(s, op);
            return;
        }
        Step.Next(vcpu, s, op);
    }
}
