using Emu.Cpu.Decoding;
using Emu.Cpu.Events;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>MOV to and from debug registers (SDM Vol. 2B; Vol. 3, 17.2).</summary>
internal static unsafe class DebugRegisterInstructions
{
    private const ulong Fixed6 = 0xFFFF_0FF0;
    private const ulong Writable6 = 0xE00F;

    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Code.Mov_r32_dr, &BindRead);
        table.Add(Code.Mov_r64_dr, &BindRead);
        table.Add(Code.Mov_dr_r32, &BindWrite);
        table.Add(Code.Mov_dr_r64, &BindWrite);
    }

    private static void BindRead(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = &Read;
    }

    private static void BindWrite(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = &Write;
        operands.EndsBlock = true;
    }

    private static void Read(Vcpu vcpu, CpuState* s, Op* op)
    {
        var register = Select(vcpu, s, op, op->Source);
        if (register < 0)
            return;
        var value = s->DebugRegisters[register];
        if (vcpu.Is64BitCode)
            Step.Set(s, op->Destination, value);
        else
            Step.Set(s, op->Destination, (uint)value);
        Step.Next(vcpu, s, op);
    }

    private static void Write(Vcpu vcpu, CpuState* s, Op* op)
    {
        var register = Select(vcpu, s, op, op->Destination);
        if (register < 0)
            return;
        var value = vcpu.Is64BitCode ? Step.Get<ulong>(s, op->Source) : Step.Get<uint>(s, op->Source);
        if (register >= 6 && value >> 32 != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        s->DebugRegisters[register] = register switch
        {
            6 => (value & Writable6) | Fixed6,
            7 => (value & DebugStatus.Writable7) | DebugStatus.Reset7,
            _ => value,
        };
        vcpu.UpdateBreakpoints();
        Chain.Boundary(s, Step.RipAfter(s, op));
    }

    // The register meant, or −1 after a fault. DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them undefined.
    private static int Select(Vcpu vcpu, CpuState* s, Op* op, byte register)
    {
        if (register > 7 || (register is 4 or 5 && (s->Cr4 & Cr4.De) != 0))
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return -1;
        }
        if (!Privilege.IsKernel(vcpu, s, op))
            return -1;
        if ((s->DebugRegisters[7] & DebugStatus.GeneralDetect7) != 0)
        {
            vcpu.NoteDebugStatus(DebugStatus.DebugRegisterAccess);
            vcpu.SetResume(op);
            vcpu.RaiseFault(op, ExceptionVector.Debug);
            return -1;
        }
        return register is 4 or 5 ? register + 2 : register;
    }
}
