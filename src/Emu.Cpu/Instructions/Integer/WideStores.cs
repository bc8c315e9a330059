using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>MOVDIR64B (SDM Vol. 2B): 64 bytes from anywhere to ES:register, which must be aligned to 64.</summary>
internal static unsafe class MoveLine
{
    private const ulong Alignment = 63;

    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = &Move;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Move(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryMove(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    // The register has the width of an address. In 64-bit code ES has no base; an FS or GS prefix is the source's alone.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryMove(Vcpu vcpu, CpuState* s, Op* op)
    {
        var linear = vcpu.Segment(op, SegmentName.Es, Step.Get<ulong>(s, op->Destination) & op->AddressMask, sizeof(Vector512<byte>), true);
        if ((linear & Alignment) != 0)
            return vcpu.RaiseMisaligned(op);
        var source = Operand.Read<SegmentedAddress, Vector512<byte>>(vcpu, s, op);
        return source != null && Operand.WriteAt(vcpu, s, op, linear, *source, SegmentName.Es);
    }
}

/// <summary>CLZERO (APM Vol. 3): zeros the 64-byte line that rAX points into.</summary>
internal static unsafe class ClearLine
{
    private const ulong Alignment = 63;

    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.TakeAccumulatorAddress(operands.Instruction.Code switch { Code.Clzerow => 2, Code.Clzerod => 4, _ => 8 });
        operands.Op->Handler = &Clear;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Clear(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryClear(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryClear(Vcpu vcpu, CpuState* s, Op* op) =>
        Operand.WriteAt(vcpu, s, op, SegmentedAddress.Linear(vcpu, s, op, 1, true) & ~Alignment, default(Vector512<byte>));
}
