using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>RDMSR and WRMSR: which registers there are, and what may be written to them (SDM Vol. 4; APM Vol. 2, appendix A).</summary>
/// <remarks>What is not here raises #GP(0) and is reported as unsupported.</remarks>
internal static unsafe class MsrAccess
{
    private const uint ApicBase = 0x1B;
    private const uint TscDeadline = 0x6E0;

    /// <summary>IA32_PKRS.</summary>
    private const uint ProtectionKeyRights = 0x6E1;

    private const uint MiscEnable = 0x1A0;
    private const uint HardwareConfiguration = 0xC001_0015;

    /// <summary>MTRRs: eight variable ranges, fixed ranges, write-combining.</summary>
    private const ulong MtrrCapabilities = 0x508;

    private const ulong MtrrDefaultTypeBits = 0xCFF;

    /// <summary>No banks: nothing in this machine could report into one.</summary>
    private const ulong MachineCheckCapabilities = 0;

    /// <summary>Fast strings, and the two "unavailable" bits of branch trace and precise sampling.</summary>
    private const ulong MiscEnableAtReset = 1 | (1 << 11) | (1 << 12);

    /// <summary>Performance counters that every AMD processor has, and their width in bits.</summary>
    public const uint AmdCounters = 4;

    private const int CounterBits = 48;

    /// <summary>Reads an AMD performance counter.</summary>
    public static ulong AmdCounter(CpuState* s, uint counter) => s->Msr.Amd[AmdCounters + counter] & ((1UL << CounterBits) - 1);

    /// <summary>Reads an MSR.</summary>
    /// <returns>False where the access raises #GP(0).</returns>
    public static bool TryRead(Vcpu vcpu, Op* op, uint msr, out ulong value)
    {
        var s = vcpu.State;
        switch (msr)
        {
            case ApicBase or TscDeadline or (>= 0x800 and <= 0x8FF):
                vcpu.EnterPlatform(op);
                var answered = vcpu.Interrupts.TryReadMsr(msr, out value);
                vcpu.LeavePlatform();
                return answered;
            case >= 0x4000_0000 and <= 0x4000_FFFF when vcpu.Hypervisor is { } hypervisor:
                vcpu.EnterPlatform(op);
                answered = hypervisor.TryReadMsr(vcpu, msr, out value);
                vcpu.LeavePlatform();
                return answered || Unknown(vcpu, op, msr, "read");
            case 0x10:
                value = vcpu.TimeStamp(op);
                return true;
            case 0xC000_0080:
                value = s->Efer;
                return true;
            case 0xC000_0100:
                value = s->Segments[(int)SegmentName.Fs].Base;
                return true;
            case 0xC000_0101:
                value = s->Segments[(int)SegmentName.Gs].Base;
                return true;
            case ProtectionKeyRights when (vcpu.Model.Cr4Bits & Cr4.Pks) != 0:
                value = s->Pkrs;
                return true;
            case 0xFE:
                value = MtrrCapabilities;
                return true;
            case 0x179:
                value = MachineCheckCapabilities;
                return true;
        }
        var place = PlaceOf(vcpu, msr);
        if (place != null)
        {
            value = *place;
            return true;
        }
        if (vcpu.Model.TryReadConstantMsr(msr, out value))
            return true;
        return Unknown(vcpu, op, msr, "read");
    }

    /// <summary>Writes an MSR.</summary>
    /// <returns>False where the access raises #GP(0).</returns>
    public static bool TryWrite(Vcpu vcpu, Op* op, uint msr, ulong value)
    {
        var s = vcpu.State;
        switch (msr)
        {
            case ApicBase or TscDeadline or (>= 0x800 and <= 0x8FF):
                vcpu.EnterPlatform(op);
                var taken = vcpu.Interrupts.TryWriteMsr(msr, value);
                vcpu.LeavePlatform();
                return taken;
            case >= 0x4000_0000 and <= 0x4000_FFFF when vcpu.Hypervisor is { } hypervisor:
                vcpu.EnterPlatform(op);
                taken = hypervisor.TryWriteMsr(vcpu, msr, value);
                vcpu.LeavePlatform();
                return taken || Unknown(vcpu, op, msr, "write");
            case 0x10:
                ShiftTimeStamp(vcpu, op, value - vcpu.TimeStamp(op));
                return true;
            case 0x3B when vcpu.Model.Has(CpuFeature.TscAdjust):
                ShiftTimeStamp(vcpu, op, value - s->Msr.TscAdjust);
                return true;
            case 0xC000_0080:
                return ControlRegisterWrites.TryWriteEfer(vcpu, value);
            case 0xC000_0100:
                return TrySetBase(vcpu, ref s->Segments[(int)SegmentName.Fs], value);
            case 0xC000_0101:
                return TrySetBase(vcpu, ref s->Segments[(int)SegmentName.Gs], value);
            case 0xC000_0082 or 0xC000_0083 or 0xC000_0102 or 0x175 or 0x176 when !vcpu.IsCanonicalBase(value):
                return false;
            case 0xC000_0084 when value >> 32 != 0:
            case 0xC000_0103 when value >> 32 != 0:
                return false;
            case 0x277:
                if (!IsPat(value))
                    return false;
                break;
            case 0x2FF:
                if ((value & ~MtrrDefaultTypeBits) != 0 || !IsMemoryType((byte)value))
                    return false;
                break;
            case 0x250 or 0x258 or 0x259 or (>= 0x268 and <= 0x26F):
                if (!AreMemoryTypes(value))
                    return false;
                break;
            case >= 0x200 and <= 0x20F when (msr & 1) == 0:
                if ((value & 0xF00) != 0 || value >> vcpu.Model.PhysicalAddressBits != 0 || !IsMemoryType((byte)value))
                    return false;
                break;
            case >= 0x200 and <= 0x20F:
                if ((value & 0x7FF) != 0 || value >> vcpu.Model.PhysicalAddressBits != 0)
                    return false;
                break;
            case 0x8B:
                // Software writes zero before CPUID 1 reports the revision here; ours stays.
                return true;
            case MiscEnable when (value & MonitorInstructions.IntelEnable) != 0 && !vcpu.Model.Has(CpuFeature.Monitor):
                return false;
            case 0x79:
                // A microcode update that is never newer than what runs.
                return true;
            case 0x17A:
                break;
            case 0xDA0 when vcpu.Model.Has(CpuFeature.Xsaves):
                // No supervisor state component exists.
                return value == 0;
            case ProtectionKeyRights when (vcpu.Model.Cr4Bits & Cr4.Pks) != 0:
                if (value >> 32 != 0)
                    return false;
                vcpu.SetSupervisorKeys((uint)value);
                return true;
            case 0x49:
                // PRED_CMD: nothing is predicted.
                return (value & ~0x81UL) == 0 && vcpu.Model.Vendor == CpuVendor.Amd;
        }
        var place = PlaceOf(vcpu, msr);
        if (place == null)
            return Unknown(vcpu, op, msr, "write");
        *place = value;
        return true;
    }

    // What is simply kept.
    private static ulong* PlaceOf(Vcpu vcpu, uint msr)
    {
        var m = &vcpu.State->Msr;
        if (msr is >= 0xC001_0000 and <= 0xC001_FFFF)
            return vcpu.Model.Vendor == CpuVendor.Amd ? AmdPlaceOf(m, msr) : null;
        return msr switch
        {
            0x3B when vcpu.Model.Has(CpuFeature.TscAdjust) => &m->TscAdjust,
            0x8B => &m->MicrocodeRevision,
            0x174 => &m->SysenterCs,
            0x175 => &m->SysenterEsp,
            0x176 => &m->SysenterEip,
            0x17A => &m->MachineCheckStatus,
            MiscEnable => &m->MiscEnable,
            0x1D9 => &m->DebugControl,
            >= 0x200 and <= 0x20F => m->MtrrVariable + (msr - 0x200),
            0x250 => m->MtrrFixed,
            0x258 or 0x259 => m->MtrrFixed + 1 + (msr - 0x258),
            >= 0x268 and <= 0x26F => m->MtrrFixed + 3 + (msr - 0x268),
            0x277 => &m->PageAttributeTable,
            0x2FF => &m->MtrrDefaultType,
            0xDA0 when vcpu.Model.Has(CpuFeature.Xsaves) => &m->SupervisorXstate,
            0xC000_0081 => &m->Star,
            0xC000_0082 => &m->LongStar,
            0xC000_0083 => &m->CompatibilityStar,
            0xC000_0084 => &m->SyscallMask,
            0xC000_0102 => &m->KernelGsBase,
            0xC000_0103 when vcpu.Model.Has(CpuFeature.Rdtscp) => &m->TscAux,
            _ => null,
        };
    }

    // Performance counters, SYSCFG, HWCR, NB_CFG, DE_CFG: without effect, but software sets them and reads them back.
    private static ulong* AmdPlaceOf(ModelSpecificRegisters* m, uint msr) => msr switch
    {
        >= 0xC001_0000 and <= 0xC001_0007 => m->Amd + (msr - 0xC001_0000),
        0xC001_0010 => m->Amd + 8,
        HardwareConfiguration => m->Amd + 9,
        0xC001_001F => m->Amd + 10,
        0xC001_1029 => m->Amd + 11,
        _ => null,
    };

    /// <summary>True where software has left MONITOR and MWAIT on, as firmware does: CPUID shows it, too.</summary>
    public static bool IsMonitorEnabled(Vcpu vcpu)
    {
        var m = &vcpu.State->Msr;
        return vcpu.Model.Vendor == CpuVendor.Intel
            ? (m->MiscEnable & MonitorInstructions.IntelEnable) != 0
            : (*AmdPlaceOf(m, HardwareConfiguration) & MonitorInstructions.AmdDisable) == 0;
    }

    /// <summary>Gives the MSRs that are simply kept their values after reset.</summary>
    public static void Reset(Vcpu vcpu)
    {
        var s = vcpu.State;
        s->Msr.MiscEnable = MiscEnableAtReset | (vcpu.Model.Has(CpuFeature.Monitor) ? MonitorInstructions.IntelEnable : 0);
        // The time-stamp counter runs at P0's frequency.
        *AmdPlaceOf(&s->Msr, HardwareConfiguration) = 1 << 24;
    }

    private static void ShiftTimeStamp(Vcpu vcpu, Op* op, ulong ticks)
    {
        vcpu.State->TimeStampOffset += ticks;
        vcpu.State->Msr.TscAdjust += ticks;
        vcpu.EnterPlatform(op);
        vcpu.Interrupts.TimeStampChanged();
        vcpu.LeavePlatform();
    }

    private static bool TrySetBase(Vcpu vcpu, ref SegmentRegister segment, ulong value)
    {
        if (!vcpu.IsCanonicalBase(value))
            return false;
        segment.Base = value;
        return true;
    }

    // UC, WC, WT, WP, WB.
    private static bool IsMemoryType(byte type) => type is 0 or 1 or 4 or 5 or 6;

    private static bool AreMemoryTypes(ulong types)
    {
        for (; types != 0; types >>= 8)
        {
            if (!IsMemoryType((byte)types))
                return false;
        }
        return true;
    }

    // The PAT knows UC− too.
    private static bool IsPat(ulong types)
    {
        for (; types != 0; types >>= 8)
        {
            if (!IsMemoryType((byte)types) && (byte)types != 7)
                return false;
        }
        return true;
    }

    private static bool Unknown(Vcpu vcpu, Op* op, uint msr, string access)
    {
        vcpu.ReportUnsupported(op, $"MSR 0x{msr:X} {access}");
        return false;
    }
}
