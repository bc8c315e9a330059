using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>MOV to and from control registers, LMSW, SMSW and CLTS (SDM Vol. 2; Vol. 3, 2.5).</summary>
internal static unsafe class ControlRegisterInstructions
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Code.Mov_r32_cr, &BindRead);
        table.Add(Code.Mov_r64_cr, &BindRead);
        table.Add(Code.Mov_cr_r32, &BindWrite);
        table.Add(Code.Mov_cr_r64, &BindWrite);
        table.Add(Mnemonic.Lmsw, &BindLmsw);
        table.Add(Mnemonic.Smsw, &BindSmsw);
        table.Add(Mnemonic.Clts, &BindClts);
    }

    private static void BindRead(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = IsKnown(operands.Op->Source) ? &Read : &Undefined.RaiseUndefined;
        operands.EndsBlock = !IsKnown(operands.Op->Source);
    }

    private static void BindWrite(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = IsKnown(operands.Op->Destination) ? &Write : &Undefined.RaiseUndefined;
        operands.EndsBlock = true;
    }

    private static bool IsKnown(byte register) => register is 0 or 2 or 3 or 4 or 8;

    private static void BindLmsw(ref Operands operands)
    {
        if (operands.IsRegister(0))
            operands.Op->Source = operands.RegisterOf(0);
        operands.Op->Handler = operands.IsRegister(0) ? &Lmsw<RegisterWord> : &Lmsw<MemoryWord>;
        operands.EndsBlock = true;
    }

    private static void BindSmsw(ref Operands operands) =>
        operands.Op->Handler = WordResult.Take(ref operands, 0) ? &SmswToRegister : &SmswToMemory;

    private static void BindClts(ref Operands operands) => operands.Op->Handler = &Clts;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        var value = op->Source switch
        {
            0 => s->Cr0,
            2 => s->Cr2,
            3 => s->Cr3,
            4 => s->Cr4,
            _ => vcpu.Interrupts.TaskPriorityClass,
        };
        if (vcpu.Is64BitCode)
            Step.Set(s, op->Destination, value);
        else
            Step.Set(s, op->Destination, (uint)value);
        Step.Next(vcpu, s, op);
    }

    // CR0–CR4 decide how code is fetched and translated; CR8 may let an interrupt through.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryWrite(vcpu, s, op))
            return;
        Chain.Resume(vcpu, s, Step.RipAfter(s, op));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryWrite(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return false;
        var value = vcpu.Is64BitCode ? Step.Get<ulong>(s, op->Source) : Step.Get<uint>(s, op->Source);
        switch (op->Destination)
        {
            case 0:
                return Ended(vcpu, op, ControlRegister.Cr0, s->Cr0, ControlRegisterWrites.TryWriteCr0(vcpu, value));
            case 2:
                s->Cr2 = value;
                return true;
            case 3:
                return Ended(vcpu, op, ControlRegister.Cr3, s->Cr3, ControlRegisterWrites.TryWriteCr3(vcpu, value));
            case 4:
                return Ended(vcpu, op, ControlRegister.Cr4, s->Cr4, ControlRegisterWrites.TryWriteCr4(vcpu, value));
            default:
                if (value > 15)
                    return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
                vcpu.EnterPlatform(op);
                vcpu.Interrupts.TaskPriorityClass = (byte)value;
                vcpu.LeavePlatform();
                vcpu.NotifyInterrupt();
                return true;
        }
    }

    // C# evaluates arguments from left to right: what the register held comes before the write.
    private static bool Ended(Vcpu vcpu, Op* op, ControlRegister register, ulong before, bool isWritten)
    {
        if (!isWritten)
            return vcpu.RaiseFailure(op);
        if (vcpu.SystemObserver != null)
            vcpu.ReportControlRegister(op, register, before);
        return true;
    }

    // LMSW sets PE, MP, EM and TS; it cannot clear PE.
    private static void Lmsw<TSource>(Vcpu vcpu, CpuState* s, Op* op)
        where TSource : IWordSource
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        var value = TSource.Read(vcpu, s, op);
        if (value < 0)
            return;
        const ulong Low = Cr0.Pe | Cr0.Mp | Cr0.Em | Cr0.Ts;
        var cr0 = (s->Cr0 & ~(Low & ~Cr0.Pe)) | ((uint)value & Low);
        if (Ended(vcpu, op, ControlRegister.Cr0, s->Cr0, ControlRegisterWrites.TryWriteCr0(vcpu, cr0)))
            Chain.Boundary(s, Step.RipAfter(s, op));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SmswToRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsAllowedByUmip(vcpu, s, op))
            return;
        WordResult.ToRegister(s, op, s->Cr0);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SmswToMemory(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsAllowedByUmip(vcpu, s, op) || !Operand.Write<SegmentedAddress, ushort>(vcpu, s, op, (ushort)s->Cr0))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Clts(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        s->Cr0 &= ~Cr0.Ts;
        Step.Next(vcpu, s, op);
    }
}
