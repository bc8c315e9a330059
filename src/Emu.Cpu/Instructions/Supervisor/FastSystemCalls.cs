using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>SYSCALL, SYSRET, SYSENTER and SYSEXIT: flat segments from MSRs, no memory is touched (SDM Vol. 2B; APM Vol. 3).</summary>
/// <remarks>
/// <code>
///  STAR          63:48 SYSRET CS and SS      47:32 SYSCALL CS and SS    31:0 SYSCALL EIP of legacy mode (AMD)
///  SYSENTER_CS   CS, +8 SS, +16 CS of SYSEXIT, +24 its SS, +32 CS of 64-bit SYSEXIT, +40 its SS
/// </code>
/// Where Intel and AMD differ, the CPU model's vendor decides. Unlike POPF and IRET, SYSCALL and SYSRET are stepped or not by TF as they
/// leave it: SYSRET that sets TF traps before the first instruction of the code returned to.
/// </remarks>
internal static unsafe class FastSystemCalls
{
    private const SegmentAttributes FlatCode32 = (SegmentAttributes)0xC9B;
    private const SegmentAttributes FlatCode64 = (SegmentAttributes)0xA9B;
    private const SegmentAttributes FlatData = (SegmentAttributes)0xC93;
    private const SegmentAttributes Dpl3 = (SegmentAttributes)0x60;
    private const ulong SysretFlags = Rflags.Trap | Rflags.Interrupt | Rflags.Direction | Rflags.IoPrivilege
        | Rflags.NestedTask | Rflags.AlignmentCheck | Rflags.VirtualInterrupt | Rflags.VirtualInterruptPending | Rflags.Identification;

    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Syscall, &BindSyscall);
        table.Add(Mnemonic.Sysret, &BindSysret);
        table.Add(Mnemonic.Sysretq, table.Vendor == CpuVendor.Amd ? &BindSysret : &BindSysretLong);
        table.Add(Mnemonic.Sysenter, &BindSysenter);
        table.Add(Mnemonic.Sysexit, &BindSysexit);
        table.Add(Mnemonic.Sysexitq, &BindSysexit);
    }

    private static void BindSyscall(ref Operands operands)
    {
        operands.Op->Handler = operands.Is64 ? &SyscallLong : &SyscallElsewhere;
        operands.EndsBlock = true;
    }

    private static void BindSysret(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Code == Code.Sysretq ? 8 : 4);
        operands.Op->Handler = &Sysret;
        operands.EndsBlock = true;
    }

    private static void BindSysretLong(ref Operands operands)
    {
        BindSysret(ref operands);
        operands.Op->Handler = &SysretLong;
    }

    private static void BindSysenter(ref Operands operands)
    {
        operands.Op->Handler = &Sysenter;
        operands.EndsBlock = true;
    }

    private static void BindSysexit(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Code == Code.Sysexitq ? 8 : 4);
        operands.Op->Handler = &Sysexit;
        operands.EndsBlock = true;
    }

    // Calls nothing but what it ends with: saving the host's registers would take as long as the work.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SyscallLong(Vcpu vcpu, CpuState* s, Op* op)
    {
        const ulong Stepped = Rflags.Trap | Rflags.AlignmentCheck;
        if ((s->Efer & Efer.Sce) == 0 || (s->SystemFlags & ~s->Msr.SyscallMask & Stepped) != 0 || vcpu.HasUnusualSystemCalls)
        {
            SyscallUnusual(vcpu, s, op);
            return;
        }
        vcpu.DisarmSingleStep(s);
        EnterLong(s, Step.RipAfter(s, op), s->Msr.LongStar);
        vcpu.EnterKernel(s);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SyscallUnusual(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if ((s->Efer & Efer.Sce) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        EnterLong(s, Step.RipAfter(s, op), s->Msr.LongStar);
        vcpu.StepByNewTrapFlag();
        vcpu.UpdateMode();
        if (vcpu.SystemObserver != null)
            vcpu.ReportSystemCall(op, TransferKind.SystemCall);
        Chain.Resume(vcpu, s, s->Rip);
    }

    // Compatibility and legacy mode: AMD only (APM Vol. 3).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SyscallElsewhere(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if ((s->Efer & Efer.Sce) == 0 || vcpu.Model.Vendor != CpuVendor.Amd || !vcpu.IsProtected)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        if ((s->Efer & Efer.Lma) != 0)
        {
            EnterLong(s, (uint)Step.RipAfter(s, op), s->Msr.CompatibilityStar);
            vcpu.StepByNewTrapFlag();
            vcpu.UpdateMode();
        }
        else
        {
            s->Registers[1] = (uint)Step.RipAfter(s, op);
            Load(s, (ushort)((s->Msr.Star >> 32) & ~3UL), FlatCode32, 8, 0);
            s->SystemFlags &= ~(Rflags.Virtual8086 | Rflags.Interrupt | Rflags.Resume);
            s->Rip = (uint)s->Msr.Star;
            vcpu.UpdateMode();
        }
        if (vcpu.SystemObserver != null)
            vcpu.ReportSystemCall(op, TransferKind.SystemCall);
        Chain.Resume(vcpu, s, s->Rip);
    }

    // The usual one, to 64-bit code on Intel's; calls nothing but what it ends with.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SysretLong(Vcpu vcpu, CpuState* s, Op* op)
    {
        const ulong Stepped = Rflags.Trap | Rflags.AlignmentCheck;
        var target = s->Registers[1];
        if ((s->Efer & Efer.Sce) == 0 || s->Cpl != 0 || (s->Registers[11] & Stepped) != 0 || vcpu.HasUnusualSystemCalls
            || (ulong)((long)(target << 16) >> 16) != target)
        {
            Sysret(vcpu, s, op);
            return;
        }
        var selector = (uint)(s->Msr.Star >> 48);
        SetFlat(ref s->Segments[(int)SegmentName.Ss], (ushort)((selector + 8) | 3), FlatData | Dpl3);
        SetFlat(ref s->Segments[(int)SegmentName.Cs], (ushort)((selector + 16) | 3), FlatCode64 | Dpl3);
        s->Flags.SetFrom(s->Registers[11]);
        s->SystemFlags = (s->Registers[11] & SysretFlags) | Rflags.AlwaysSet;
        vcpu.DisarmSingleStep(s);
        vcpu.EnterUser(s);
        Chain.Resume(vcpu, s, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sysret(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        var amd = vcpu.Model.Vendor == CpuVendor.Amd;
        if ((s->Efer & Efer.Sce) == 0 || (!amd && !vcpu.Is64BitCode) || !vcpu.IsProtected)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        if (s->Cpl != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        var wide = op->Source == 8;
        // Intel faults here, at CPL 0 and with the user's stack pointer; AMD at the target's fetch.
        if (wide && !amd && !vcpu.IsCanonical(s->Registers[1]))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        var selector = (uint)(s->Msr.Star >> 48);
        ref var ss = ref s->Segments[(int)SegmentName.Ss];
        if (amd)
            ss.Selector = (ushort)((selector + 8) | 3);
        else
            SetFlat(ref ss, (ushort)((selector + 8) | 3), FlatData | Dpl3);
        SetFlat(
            ref s->Segments[(int)SegmentName.Cs],
            (ushort)((wide ? selector + 16 : selector) | 3),
            (wide ? FlatCode64 : FlatCode32) | Dpl3);
        if ((s->Efer & Efer.Lma) != 0)
        {
            s->Flags.SetFrom(s->Registers[11]);
            s->SystemFlags = (s->Registers[11] & SysretFlags) | Rflags.AlwaysSet;
            vcpu.StepByNewTrapFlag();
        }
        else
        {
            s->SystemFlags |= Rflags.Interrupt;
        }
        s->Cpl = 3;
        s->Rip = wide ? s->Registers[1] : (uint)s->Registers[1];
        vcpu.UpdateMode();
        if (vcpu.SystemObserver != null)
            vcpu.ReportSystemCall(op, TransferKind.SystemReturn);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sysenter(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        var isLong = (s->Efer & Efer.Lma) != 0;
        if (isLong && vcpu.Model.Vendor == CpuVendor.Amd)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        if ((s->Cr0 & Cr0.Pe) == 0 || (s->Msr.SysenterCs & 0xFFFC) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        Load(s, (ushort)(s->Msr.SysenterCs & 0xFFFC), isLong ? FlatCode64 : FlatCode32, 8, 0);
        s->SystemFlags &= ~(Rflags.Virtual8086 | Rflags.Interrupt | Rflags.Resume);
        s->Registers[4] = isLong ? s->Msr.SysenterEsp : (uint)s->Msr.SysenterEsp;
        s->Rip = isLong ? s->Msr.SysenterEip : (uint)s->Msr.SysenterEip;
        vcpu.UpdateMode();
        if (vcpu.SystemObserver != null)
            vcpu.ReportSystemCall(op, TransferKind.SystemCall);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sysexit(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.SystemObserver != null)
            vcpu.BeginTransfer(op);
        if ((s->Efer & Efer.Lma) != 0 && vcpu.Model.Vendor == CpuVendor.Amd)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        var wide = op->Source == 8;
        var selector = (uint)s->Msr.SysenterCs & 0xFFFC;
        if (!vcpu.IsProtected || s->Cpl != 0 || selector == 0
            || (wide && (!vcpu.IsCanonical(s->Registers[1]) || !vcpu.IsCanonical(s->Registers[2]))))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        Load(s, (ushort)(selector + (wide ? 32u : 16u) | 3), (wide ? FlatCode64 : FlatCode32) | Dpl3, 8, 3);
        s->Registers[4] = wide ? s->Registers[1] : (uint)s->Registers[1];
        s->Rip = wide ? s->Registers[2] : (uint)s->Registers[2];
        vcpu.UpdateMode();
        if (vcpu.SystemObserver != null)
            vcpu.ReportSystemCall(op, TransferKind.SystemReturn);
        Chain.Resume(vcpu, s, s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EnterLong(CpuState* s, ulong next, ulong target)
    {
        var flags = (s->SystemFlags & ~Rflags.Resume) | s->Flags.ToRflags();
        s->Registers[1] = next;
        s->Registers[11] = flags;
        flags &= ~s->Msr.SyscallMask;
        s->Flags.SetFrom(flags);
        s->SystemFlags = (flags & ~Rflags.Arithmetic) | Rflags.AlwaysSet;
        Load(s, (ushort)((s->Msr.Star >> 32) & 0xFFFC), FlatCode64, 8, 0);
        s->Rip = target;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(CpuState* s, ushort code, SegmentAttributes attributes, int toStack, uint cpl)
    {
        SetFlat(ref s->Segments[(int)SegmentName.Cs], code, attributes);
        SetFlat(ref s->Segments[(int)SegmentName.Ss], (ushort)(code + toStack), FlatData | (attributes & Dpl3));
        s->Cpl = cpl;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetFlat(ref SegmentRegister register, ushort selector, SegmentAttributes attributes)
    {
        register.Base = 0;
        register.Limit = uint.MaxValue;
        register.Selector = selector;
        register.Attributes = attributes;
    }
}
