using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.ExtendedState;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>CPUID, RDTSC and its kin, MSRs, HLT, the TLB's and caches' instructions, hypercalls, SWAPGS and FS/GS bases (SDM Vol. 2).</summary>
internal static unsafe class ProcessorInstructions
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Cpuid, &BindCpuid);
        table.Add(Mnemonic.Rdtsc, &BindRdtsc);
        table.Add(Mnemonic.Rdtscp, &BindRdtscp);
        table.Add(Mnemonic.Rdpmc, &BindRdpmc);
        table.Add(Mnemonic.Rdpid, &BindRdpid);
        table.Add(Mnemonic.Rdmsr, &BindRdmsr);
        table.Add(Mnemonic.Wrmsr, &BindWrmsr);
        table.Add(Mnemonic.Hlt, &BindHlt);
        table.Add(Mnemonic.Invlpg, &BindInvlpg);
        table.Add(Mnemonic.Invpcid, &BindInvpcid);
        table.Add(Mnemonic.Invd, &BindCacheFlush);
        table.Add(Mnemonic.Wbinvd, &BindCacheFlush);
        table.Add(Mnemonic.Wbnoinvd, &BindCacheFlush);
        table.Add(Mnemonic.Vmcall, &BindHypercall);
        table.Add(Mnemonic.Vmmcall, &BindHypercall);
        table.Add(Mnemonic.Rsm, &BindUndefined);
        table.Add(Mnemonic.Swapgs, &BindSwapgs);
        table.Add(Mnemonic.Rdfsbase, &BindReadBase);
        table.Add(Mnemonic.Rdgsbase, &BindReadBase);
        table.Add(Mnemonic.Wrfsbase, &BindWriteBase);
        table.Add(Mnemonic.Wrgsbase, &BindWriteBase);
        table.Add(Mnemonic.Xgetbv, &BindXgetbv);
        table.Add(Mnemonic.Xsetbv, &BindXsetbv);
        table.Add(Mnemonic.Rdpkru, &BindRdpkru);
        table.Add(Mnemonic.Wrpkru, &BindWrpkru);
    }

    private static void BindCpuid(ref Operands operands) => operands.Op->Handler = &Cpuid;

    private static void BindRdtsc(ref Operands operands) => operands.Op->Handler = &Rdtsc;

    private static void BindRdtscp(ref Operands operands) => operands.Op->Handler = &Rdtscp;

    private static void BindRdpmc(ref Operands operands) => operands.Op->Handler = &Rdpmc;

    private static void BindRdpid(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = &Rdpid;
    }

    private static void BindRdmsr(ref Operands operands) => operands.Op->Handler = &Rdmsr;

    private static void BindWrmsr(ref Operands operands)
    {
        operands.Op->Handler = &Wrmsr;
        operands.EndsBlock = true;
    }

    private static void BindHlt(ref Operands operands)
    {
        operands.Op->Handler = &Hlt;
        operands.EndsBlock = true;
    }

    private static void BindInvlpg(ref Operands operands)
    {
        operands.Op->Handler = &Invlpg;
        operands.EndsBlock = true;
    }

    private static void BindInvpcid(ref Operands operands)
    {
        operands.Op->Destination = operands.RegisterOf(0);
        operands.Op->Handler = &Invpcid;
        operands.EndsBlock = true;
    }

    private static void BindCacheFlush(ref Operands operands) => operands.Op->Handler = &CacheFlush;

    private static void BindHypercall(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Mnemonic == Mnemonic.Vmcall ? HypercallInstruction.Vmcall : HypercallInstruction.Vmmcall);
        operands.Op->Handler = &Hypercall;
        operands.EndsBlock = true;
    }

    private static void BindUndefined(ref Operands operands) => Undefined.BindInvalid(ref operands);

    private static void BindSwapgs(ref Operands operands) => operands.Op->Handler = &Swapgs;

    private static void BindReadBase(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Mnemonic == Mnemonic.Rdfsbase ? SegmentName.Fs : SegmentName.Gs);
        WordResult.Take(ref operands, 0);
        operands.Op->Handler = &ReadBase;
    }

    private static void BindWriteBase(ref Operands operands)
    {
        operands.Op->Source = (byte)(operands.Instruction.Mnemonic == Mnemonic.Wrfsbase ? SegmentName.Fs : SegmentName.Gs);
        WordResult.Take(ref operands, 0);
        operands.Op->Handler = &WriteBase;
    }

    private static void BindXgetbv(ref Operands operands) => operands.Op->Handler = &Xgetbv;

    private static void BindXsetbv(ref Operands operands) => operands.Op->Handler = &Xsetbv;

    private static void BindRdpkru(ref Operands operands) => operands.Op->Handler = &Rdpkru;

    private static void BindWrpkru(ref Operands operands)
    {
        operands.Op->Handler = &Wrpkru;
        operands.EndsBlock = true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Cpuid(Vcpu vcpu, CpuState* s, Op* op)
    {
        Identify(vcpu, s, op);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Identify(Vcpu vcpu, CpuState* s, Op* op)
    {
        var leaf = (uint)s->Registers[0];
        var subleaf = (uint)s->Registers[1];
        CpuidResult result;
        if (leaf >> 16 == 0x4000 && vcpu.Hypervisor is { } hypervisor)
        {
            vcpu.EnterPlatform(op);
            result = hypervisor.Cpuid(vcpu, leaf, subleaf);
            vcpu.LeavePlatform();
        }
        else
        {
            result = vcpu.Model.Cpuid(leaf, subleaf, vcpu);
        }
        s->Registers[0] = result.Eax;
        s->Registers[3] = result.Ebx;
        s->Registers[1] = result.Ecx;
        s->Registers[2] = result.Edx;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdtsc(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!MayReadTimeStamp(vcpu, s, op))
            return;
        SetEdxEax(s, vcpu.TimeStamp(op));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdtscp(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!MayReadTimeStamp(vcpu, s, op))
            return;
        SetEdxEax(s, vcpu.TimeStamp(op));
        s->Registers[1] = (uint)s->Msr.TscAux;
        Step.Next(vcpu, s, op);
    }

    private static bool MayReadTimeStamp(Vcpu vcpu, CpuState* s, Op* op) =>
        (s->Cr4 & Cr4.Tsd) == 0 || s->Cpl == 0 || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    // Intel's CPUID says that there are no performance counters. AMD's processors always have four; these hold still.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdpmc(Vcpu vcpu, CpuState* s, Op* op)
    {
        var counter = (uint)s->Registers[1];
        if (vcpu.Model.Vendor != CpuVendor.Amd || counter >= MsrAccess.AmdCounters || (s->Cpl != 0 && (s->Cr4 & Cr4.Pce) == 0))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        SetEdxEax(s, MsrAccess.AmdCounter(s, counter));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdpid(Vcpu vcpu, CpuState* s, Op* op)
    {
        Step.Set(s, op->Destination, s->Msr.TscAux & 0xFFFF_FFFF);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdmsr(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op) || !TryRdmsr(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryRdmsr(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!MsrAccess.TryRead(vcpu, op, (uint)s->Registers[1], out var value))
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        SetEdxEax(s, value);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wrmsr(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op) || !TryWrmsr(vcpu, s, op))
            return;
        Chain.Resume(vcpu, s, Step.RipAfter(s, op));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryWrmsr(Vcpu vcpu, CpuState* s, Op* op)
    {
        const uint EferRegister = 0xC000_0080;
        var value = (uint)s->Registers[0] | (s->Registers[2] << 32);
        var register = (uint)s->Registers[1];
        var efer = s->Efer;
        if (!MsrAccess.TryWrite(vcpu, op, register, value))
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        if (vcpu.SystemObserver != null)
        {
            if (register == EferRegister)
                vcpu.ReportControlRegister(op, ControlRegister.Efer, efer);
            else
                vcpu.ReportModelSpecificRegister(op, register, value);
        }
        return true;
    }

    private static void Hlt(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        s->Pending |= PendingEvents.Halt;
        if (vcpu.SystemObserver != null)
            vcpu.ReportHalt(op);
        Chain.Boundary(s, Step.RipAfter(s, op));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Invlpg(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        // No access is made: neither limits nor canonicality are checked.
        vcpu.ForgetTranslation(EffectiveLinear(vcpu, s, op));
        Chain.Resume(vcpu, s, Step.RipAfter(s, op));
    }

    private static ulong EffectiveLinear(Vcpu vcpu, CpuState* s, Op* op)
    {
        var offset = LongAddress.Linear(vcpu, s, op, 1, false) & op->AddressMask;
        if (vcpu.Is64BitCode)
            return op->Segment >= (byte)SegmentName.Fs ? offset + s->Segments[op->Segment].Base : offset;
        return (uint)(offset + s->Segments[op->Segment].Base);
    }

    private static void Invpcid(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        var type = vcpu.Is64BitCode ? Step.Get<ulong>(s, op->Destination) : Step.Get<uint>(s, op->Destination);
        var descriptor = Operand.Read<SegmentedAddress, UInt128>(vcpu, s, op);
        if (descriptor == null)
            return;
        if (!TryInvalidate(vcpu, s, type, (ulong)*descriptor, (ulong)(*descriptor >> 64)))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        Chain.Boundary(s, Step.RipAfter(s, op));
    }

    // False where #GP(0) is due. The descriptor's reserved bits count whatever the type (SDM Vol. 2A, INVPCID).
    private static bool TryInvalidate(Vcpu vcpu, CpuState* s, ulong type, ulong pcid, ulong linear)
    {
        if (type > 3 || pcid >> 12 != 0 || (type <= 1 && pcid != 0 && (s->Cr4 & Cr4.Pcide) == 0)
            || (type == 0 && !vcpu.IsCanonicalBase(linear)))
        {
            return false;
        }
        switch (type)
        {
            case 0:
                vcpu.ForgetTranslation((uint)pcid, linear);
                break;
            case 1:
                vcpu.ForgetAddressSpace((uint)pcid);
                break;
            case 2:
                vcpu.ForgetTranslations();
                break;
            default:
                vcpu.ForgetAllButGlobal();
                break;
        }
        return true;
    }

    // Caches are not modelled: memory is always coherent.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CacheFlush(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Privilege.IsKernel(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    private static void Hypercall(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (vcpu.Hypervisor is not { } hypervisor)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        // The hypervisor sees RIP at the instruction, and may replace the whole state: an answer that sets RIP elsewhere is kept.
        var blockStart = s->Rip;
        var rip = Step.RipOf(s, op);
        s->Rip = rip;
        vcpu.EnterPlatformAtRip(op);
        var outcome = hypervisor.Hypercall(vcpu, (HypercallInstruction)op->Source);
        vcpu.LeavePlatform();
        if (outcome == HypercallOutcome.Undefined)
        {
            s->Rip = blockStart;
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        Chain.Boundary(s, s->Rip == rip && outcome == HypercallOutcome.Completed ? rip + (uint)op->Length : s->Rip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Swapgs(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (s->Cpl != 0)
        {
            Privilege.Refuse(vcpu, s, op);
            return;
        }
        ref var gs = ref s->Segments[(int)SegmentName.Gs];
        (gs.Base, s->Msr.KernelGsBase) = (s->Msr.KernelGsBase, gs.Base);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBase(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Fsgsbase) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        WordResult.ToRegister(s, op, s->Segments[op->Source].Base);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBase(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Fsgsbase) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        var value = Step.Get<ulong>(s, op->Destination);
        if (op->Scale == 4)
            value = (uint)value;
        if (!vcpu.IsCanonicalBase(value))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        s->Segments[op->Source].Base = value;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Xgetbv(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Osxsave) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        // 1 asks what of XCR0 is not in its initial configuration.
        var index = (uint)s->Registers[1];
        if (index > 1 || (index == 1 && !vcpu.Model.Has(CpuFeature.Xgetbv1)))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        SetEdxEax(s, index == 0 ? s->Xcr0 : s->Xcr0 & XsaveState.InUseWithMxcsr(s));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Xsetbv(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Osxsave) == 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
            return;
        }
        var value = (uint)s->Registers[0] | (s->Registers[2] << 32);
        if (s->Cpl != 0 || (uint)s->Registers[1] != 0 || !vcpu.Model.AllowsXcr0(value))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        var before = s->Xcr0;
        s->Xcr0 = value;
        if (vcpu.SystemObserver != null)
            vcpu.ReportControlRegister(op, ControlRegister.Xcr0, before);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rdpkru(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!MayUseKeys(vcpu, s, op))
            return;
        SetEdxEax(s, s->Pkru);
        Step.Next(vcpu, s, op);
    }

    private static void Wrpkru(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!MayUseKeys(vcpu, s, op))
            return;
        if ((uint)s->Registers[2] != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        vcpu.SetUserKeys((uint)s->Registers[0]);
        Chain.Boundary(s, Step.RipAfter(s, op));
    }

    private static bool MayUseKeys(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Pke) == 0)
            return vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
        return (uint)s->Registers[1] == 0 || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
    }

    private static void SetEdxEax(CpuState* s, ulong value)
    {
        s->Registers[0] = (uint)value;
        s->Registers[2] = value >> 32;
    }
}
