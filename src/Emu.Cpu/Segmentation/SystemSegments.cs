using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>Loads of LDTR and TR (SDM Vol. 2A, LLDT and LTR).</summary>
internal static unsafe class SystemSegments
{
    /// <summary>LLDT.</summary>
    /// <returns>False with the failure recorded.</returns>
    public static bool TryLoadLdt(Vcpu vcpu, ushort selector)
    {
        ref var ldtr = ref vcpu.State->Segments[(int)SegmentName.Ldtr];
        if (DescriptorTables.IsNull(selector))
        {
            ldtr = SegmentLoads.Null(selector);
            return true;
        }
        if (!TryRead(vcpu, selector, out var descriptor, out var register))
            return false;
        if (descriptor.IsCodeOrData || descriptor.Type != DescriptorType.Ldt)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector));
        ldtr = register;
        return true;
    }

    /// <summary>LTR: the TSS becomes busy.</summary>
    /// <returns>False with the failure recorded.</returns>
    public static bool TryLoadTask(Vcpu vcpu, ushort selector)
    {
        if (DescriptorTables.IsNull(selector))
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!TryRead(vcpu, selector, out var descriptor, out var register))
            return false;
        var is16Allowed = (vcpu.State->Efer & Efer.Lma) == 0;
        if (descriptor.IsCodeOrData
            || !(descriptor.Type == DescriptorType.AvailableTss32 || (is16Allowed && descriptor.Type == DescriptorType.AvailableTss16)))
        {
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        }
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector));
        if (!DescriptorTables.TryMarkBusy(vcpu, selector, descriptor, true))
            return false;
        register.Attributes |= SegmentAttributes.WritableOrReadable;
        vcpu.State->Segments[(int)SegmentName.Tr] = register;
        return true;
    }

    // Both live in the GDT; in long mode their descriptors have 16 bytes.
    private static bool TryRead(Vcpu vcpu, ushort selector, out Descriptor descriptor, out SegmentRegister register)
    {
        descriptor = default;
        register = default;
        if ((selector & DescriptorTables.TableIndicator) != 0)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        if (!DescriptorTables.TryRead(vcpu, selector, out descriptor))
            return false;
        register = new SegmentRegister
        {
            Base = descriptor.Base,
            Limit = descriptor.Limit,
            Selector = selector,
            Attributes = descriptor.Attributes,
        };
        if ((vcpu.State->Efer & Efer.Lma) == 0 || descriptor.IsCodeOrData)
            return true;
        if (!DescriptorTables.TryReadUpper(vcpu, selector, out var upper))
            return false;
        register.Base |= upper << 32;
        return vcpu.IsCanonicalBase(register.Base) || vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
    }
}
