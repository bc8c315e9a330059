using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>What writes to CR0, CR3, CR4 and EFER allow and bring about: modes, and the TLB (SDM Vol. 3, 2.5, 4.1, 4.10.4 and 9.8.5).</summary>
internal static unsafe class ControlRegisterWrites
{
    private const ulong Cr0Writable = Cr0.Pe | Cr0.Mp | Cr0.Em | Cr0.Ts | Cr0.Ne | Cr0.Wp | Cr0.Am | Cr0.Nw | Cr0.Cd | Cr0.Pg;
    private const ulong NoFlush = 1UL << 63;

    /// <summary>Writes CR0.</summary>
    /// <returns>False with #GP(0) recorded and nothing changed.</returns>
    public static bool TryWriteCr0(Vcpu vcpu, ulong value)
    {
        var s = vcpu.State;
        if (value >> 32 != 0)
            return Refuse(vcpu);
        value = (value & Cr0Writable) | Cr0.Et;
        if ((value & (Cr0.Pg | Cr0.Pe)) == Cr0.Pg || (value & (Cr0.Nw | Cr0.Cd)) == Cr0.Nw)
            return Refuse(vcpu);
        var changed = s->Cr0 ^ value;
        var efer = s->Efer;
        if ((changed & Cr0.Pg) != 0)
        {
            if ((value & Cr0.Pg) == 0)
            {
                if (vcpu.Is64BitCode || (s->Cr4 & Cr4.Pcide) != 0)
                    return Refuse(vcpu);
                efer &= ~Efer.Lma;
            }
            else if ((efer & Efer.Lme) != 0)
            {
                if ((s->Cr4 & Cr4.Pae) == 0 || (s->Segments[(int)SegmentName.Cs].Attributes & SegmentAttributes.Long) != 0
                    || !IsTaskWide(s))
                {
                    return Refuse(vcpu);
                }
                efer |= Efer.Lma;
            }
        }
        if ((value & Cr0.Pg) != 0 && (changed & (Cr0.Pg | Cr0.Cd | Cr0.Nw)) != 0
            && (s->Cr4 & Cr4.Pae) != 0 && (efer & Efer.Lma) == 0 && !vcpu.TryLoadPdptes(s->Cr3))
        {
            return Refuse(vcpu);
        }
        s->Cr0 = value;
        s->Efer = efer;
        if ((changed & (Cr0.Pg | Cr0.Pe | Cr0.Wp)) != 0)
            vcpu.ForgetTranslations();
        if ((changed & (Cr0.Pg | Cr0.Pe | Cr0.Am)) != 0)
            vcpu.UpdateMode();
        return true;
    }

    /// <summary>Writes CR3.</summary>
    /// <returns>False with #GP(0) recorded and nothing changed.</returns>
    /// <remarks>Bit 63 asks to keep the translations of the new PCID.</remarks>
    public static bool TryWriteCr3(Vcpu vcpu, ulong value)
    {
        var s = vcpu.State;
        var noFlush = false;
        if ((s->Cr4 & Cr4.Pcide) != 0)
        {
            noFlush = (value & NoFlush) != 0;
            value &= ~NoFlush;
        }
        if ((s->Efer & Efer.Lma) != 0)
        {
            if (value >> vcpu.Model.PhysicalAddressBits != 0)
                return Refuse(vcpu);
        }
        else
        {
            value = (uint)value;
            if ((s->Cr0 & Cr0.Pg) != 0 && (s->Cr4 & Cr4.Pae) != 0 && !vcpu.TryLoadPdptes(value))
                return Refuse(vcpu);
        }
        s->Cr3 = value;
        vcpu.ChangeAddressSpace(noFlush);
        return true;
    }

    /// <summary>Writes CR4.</summary>
    /// <returns>False with #GP(0) recorded and nothing changed.</returns>
    public static bool TryWriteCr4(Vcpu vcpu, ulong value)
    {
        var s = vcpu.State;
        if ((value & ~vcpu.Model.Cr4Bits) != 0)
            return Refuse(vcpu);
        var changed = s->Cr4 ^ value;
        var isLong = (s->Efer & Efer.Lma) != 0;
        if (isLong && (value & Cr4.Pae) == 0)
            return Refuse(vcpu);
        if ((changed & value & Cr4.Pcide) != 0 && (!isLong || (s->Cr3 & 0xFFF) != 0))
            return Refuse(vcpu);
        // The depth of the tables may not change while they are in use.
        if (isLong && (changed & Cr4.La57) != 0)
            return Refuse(vcpu);
        const ulong Translation = Cr4.Pse | Cr4.Pae | Cr4.Pge | Cr4.La57 | Cr4.Pcide | Cr4.Smep | Cr4.Smap | Cr4.Pke | Cr4.Pks;
        if ((s->Cr0 & Cr0.Pg) != 0 && (value & Cr4.Pae) != 0 && !isLong
            && (changed & (Cr4.Pae | Cr4.Pge | Cr4.Pse | Cr4.Smep)) != 0)
        {
            // The entries are checked under the new CR4, which their format does not depend on.
            if (!vcpu.TryLoadPdptes(s->Cr3))
                return Refuse(vcpu);
        }
        s->Cr4 = value;
        if ((changed & Translation) != 0)
            vcpu.ForgetTranslations();
        vcpu.UpdateMode();
        return true;
    }

    /// <summary>Writes IA32_EFER.</summary>
    /// <returns>False where the write raises #GP(0).</returns>
    public static bool TryWriteEfer(Vcpu vcpu, ulong value)
    {
        var s = vcpu.State;
        if ((value & ~vcpu.Model.EferBits) != 0)
            return false;
        var changed = s->Efer ^ value;
        if ((changed & Efer.Lme) != 0 && (s->Cr0 & Cr0.Pg) != 0)
            return false;
        // LMA is read only.
        s->Efer = (value & ~Efer.Lma) | (s->Efer & Efer.Lma);
        if ((changed & Efer.Nxe) != 0)
            vcpu.ForgetTranslations();
        return true;
    }

    // Long mode may not be entered on a 16-bit TSS.
    private static bool IsTaskWide(CpuState* s)
    {
        ref var tr = ref s->Segments[(int)SegmentName.Tr];
        return (tr.Attributes & SegmentAttributes.Present) == 0 || ((uint)tr.Attributes & 0x1F) is not (1 or 3) || tr.Selector == 0;
    }

    private static bool Refuse(Vcpu vcpu) => vcpu.Fail(ExceptionVector.GeneralProtection, 0);
}
