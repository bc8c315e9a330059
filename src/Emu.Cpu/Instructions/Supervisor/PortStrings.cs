using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Strings;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>INS and OUTS, with and without REP (SDM Vol. 2).</summary>
/// <remarks>Each element is an instruction of its own to virtual time, so that devices see exact boundaries.</remarks>
internal static unsafe class PortStrings
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        foreach (var code in (Code[])[Code.Insb_m8_DX, Code.Insw_m16_DX, Code.Insd_m32_DX])
            table.Add(code, &BindIn);
        foreach (var code in (Code[])[Code.Outsb_DX_m8, Code.Outsw_DX_m16, Code.Outsd_DX_m32])
            table.Add(code, &BindOut);
    }

    private static void BindIn(ref Operands operands)
    {
        Take(ref operands, 0);
        operands.Op->Source = operands.Instruction.Code switch { Code.Insb_m8_DX => 1, Code.Insw_m16_DX => 2, _ => 4 };
        operands.Op->Handler = &In;
    }

    private static void BindOut(ref Operands operands)
    {
        Take(ref operands, 1);
        operands.Op->Segment = (byte)(operands.Instruction.MemorySegment - Iced.Intel.Register.ES);
        operands.Op->Source = operands.Instruction.Code switch { Code.Outsb_DX_m8 => 1, Code.Outsw_DX_m16 => 2, _ => 4 };
        operands.Op->Handler = &Out;
    }

    private static void Take(ref Operands operands, int memory)
    {
        var size = operands.Kind(memory) switch
        {
            OpKind.MemoryESDI or OpKind.MemorySegSI => 2,
            OpKind.MemoryESEDI or OpKind.MemorySegESI => 4,
            _ => 8,
        };
        operands.Op->Shape = Op.AddressSizeOf(operands.Instruction.Length, size);
        operands.Op->Immediate = operands.Instruction.HasRepPrefix || operands.Instruction.HasRepnePrefix ? 1 : 0;
        operands.EndsBlock = true;
    }

    private static void In(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (IsExhausted(s, op))
            return;
        var port = (ushort)s->Registers[2];
        var size = op->Source;
        if (!PortPermission.Check(vcpu, s, op, port, size))
            return;
        // The port is read once, after everything that may fault or ask for a repetition.
        if (s->Solo == Solitude.None)
        {
            vcpu.AskForRepetition(op);
            return;
        }
        var linear = SegmentedStrings.Destination(vcpu, s, op, size, true);
        if (!vcpu.ProbeWrite(op, linear, size, SegmentName.Es))
            return;
        vcpu.EnterPlatform(op);
        var value = vcpu.Ports.Read(port, size);
        vcpu.LeavePlatform();
        var written = size switch
        {
            1 => Operand.WriteAt(vcpu, s, op, linear, (byte)value, SegmentName.Es),
            2 => Operand.WriteAt(vcpu, s, op, linear, (ushort)value, SegmentName.Es),
            _ => Operand.WriteAt(vcpu, s, op, linear, value, SegmentName.Es),
        };
        if (!written)
            return;
        SegmentedStrings.Add(s, op, StringRegister.Destination, (ulong)(StringRegister.Step(s) * size));
        Finish(vcpu, s, op, port);
    }

    private static void Out(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (IsExhausted(s, op))
            return;
        var port = (ushort)s->Registers[2];
        var size = op->Source;
        if (!PortPermission.Check(vcpu, s, op, port, size) || !TryReadElement(vcpu, s, op, out var value))
            return;
        vcpu.EnterPlatform(op);
        vcpu.Ports.Write(port, size, value);
        vcpu.LeavePlatform();
        SegmentedStrings.Add(s, op, StringRegister.Source, (ulong)(StringRegister.Step(s) * size));
        Finish(vcpu, s, op, port);
    }

    private static bool TryReadElement(Vcpu vcpu, CpuState* s, Op* op, out uint value)
    {
        var linear = SegmentedStrings.Source(vcpu, s, op, op->Source);
        value = 0;
        switch (op->Source)
        {
            case 1:
                var one = Operand.ReadAt<byte>(vcpu, s, op, linear);
                if (one == null)
                    return false;
                value = *one;
                return true;
            case 2:
                var two = Operand.ReadAt<ushort>(vcpu, s, op, linear);
                if (two == null)
                    return false;
                value = *two;
                return true;
            default:
                var four = Operand.ReadAt<uint>(vcpu, s, op, linear);
                if (four == null)
                    return false;
                value = *four;
                return true;
        }
    }

    // REP with a count of zero does nothing, not even the check of the port.
    private static bool IsExhausted(CpuState* s, Op* op)
    {
        if (op->Immediate == 0 || SegmentedStrings.Get(s, op, StringRegister.Count) != 0)
            return false;
        Chain.Boundary(s, Step.RipAfter(s, op));
        return true;
    }

    private static void Finish(Vcpu vcpu, CpuState* s, Op* op, ushort port)
    {
        vcpu.NotePortAccess(port, op->Source);
        var again = false;
        if (op->Immediate != 0)
        {
            SegmentedStrings.Add(s, op, StringRegister.Count, ulong.MaxValue);
            again = SegmentedStrings.Get(s, op, StringRegister.Count) != 0;
        }
        if (again)
        {
            // As between the pieces of any repeated string instruction.
            s->SystemFlags |= Rflags.Resume;
            s->ResumeAt = vcpu.RetiredAfter(op);
        }
        Chain.Boundary(s, again ? Step.RipOf(s, op) : Step.RipAfter(s, op));
    }
}
