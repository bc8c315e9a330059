using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.X87;

/// <summary>The pointers to the last instruction and operand (SDM Vol. 1, 8.1.8).</summary>
/// <remarks>
/// Chosen: every non-control instruction records FIP and FCS, with a memory operand FDP and FDS too, as Intel's processors without
/// FDP_EXCPTN_ONLY do. As Intel's, FOP is recorded for unmasked exceptions alone, as all do whose fopcode compatibility mode is off (8.1.9.1).
/// </remarks>
internal static unsafe class X87Pointers
{
    /// <summary>Added to <see cref="Op.Immediate"/> where FOP is recorded for every instruction, as AMD's processors do.</summary>
    public const long AlwaysRecorded = 1 << 16;

    /// <summary>Records the instruction, after it has been executed: an exception that is pending now is its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Record(CpuState* s, Op* op)
    {
        s->X87.LastInstruction = Step.RipOf(s, op);
        s->X87.LastCodeSelector = s->Segments[(int)SegmentName.Cs].Selector;
        if (op->Immediate >= AlwaysRecorded || (s->X87.Context.StatusWord & X87Context.ErrorSummary) != 0)
            s->X87.LastOpcode = (ushort)op->Immediate;
    }

    /// <summary>The same where nothing can be pending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RecordPlain(CpuState* s, Op* op)
    {
        s->X87.LastInstruction = Step.RipOf(s, op);
        s->X87.LastCodeSelector = s->Segments[(int)SegmentName.Cs].Selector;
        if (op->Immediate >= AlwaysRecorded)
            s->X87.LastOpcode = (ushort)op->Immediate;
    }

    /// <summary><see cref="RecordOperand"/> where the way of addressing tells the mask: nothing else than <see cref="SegmentedAddress"/> has others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RecordPlainOperand<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        var offset = LongAddress.Linear(vcpu, s, op, 0, false);
        RecordPlainOperand(s, op, typeof(TAddress) == typeof(FlatAddress) ? (uint)offset : offset);
    }

    /// <summary>The same with an offset that is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RecordPlainOperand(CpuState* s, Op* op, ulong offset)
    {
        s->X87.LastOperand = offset;
        s->X87.LastDataSelector = s->Segments[op->Segment].Selector;
    }

    /// <summary>Records the offset and selector of the memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RecordOperand(Vcpu vcpu, CpuState* s, Op* op)
    {
        s->X87.LastOperand = LongAddress.Linear(vcpu, s, op, 0, false) & op->AddressMask;
        s->X87.LastDataSelector = s->Segments[op->Segment].Selector;
    }

    /// <summary>True for the instructions of opcodes D8–DF, whose ops carry what FOP records in <see cref="Op.Immediate"/>.</summary>
    public static bool IsX87(Code code) => code is >= Code.Fadd_m32fp and <= Code.Fcomip_st0_sti;
}
