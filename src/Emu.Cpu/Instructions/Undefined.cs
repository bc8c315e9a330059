using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions;

/// <summary>#UD: opcodes that are not instructions, and instructions that this CPU does not have.</summary>
internal static unsafe class Undefined
{
    /// <summary>An encoding that Iced rejects. One longer than 15 bytes raises #GP(0) (SDM Vol. 2, 2.3.11).</summary>
    public static void BindInvalid(ref Operands operands)
    {
        operands.Op->Handler = operands.Instruction.Length >= 15 ? &RaiseTooLong : &RaiseUndefined;
        operands.EndsBlock = true;
    }

    /// <summary>An instruction whose purpose is #UD: UD0, UD1, UD2.</summary>
    public static void BindUndefined(ref Operands operands)
    {
        operands.Op->Handler = &RaiseUndefined;
        operands.EndsBlock = true;
    }

    /// <summary>An instruction that the table does not have.</summary>
    public static void BindUnsupported(ref Operands operands)
    {
        operands.Op->Handler = &RaiseUnsupported;
        operands.EndsBlock = true;
    }

    /// <summary>Raises #UD.</summary>
    public static void RaiseUndefined(Vcpu vcpu, CpuState* s, Op* op) => vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);

    private static void RaiseTooLong(Vcpu vcpu, CpuState* s, Op* op) => vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    private static void RaiseUnsupported(Vcpu vcpu, CpuState* s, Op* op)
    {
        vcpu.ReportUnsupported(op, $"instruction {(Code)op->Code}");
        vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
    }
}
