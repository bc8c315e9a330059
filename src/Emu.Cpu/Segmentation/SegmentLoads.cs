using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>Loads of data, stack and code segment registers, with their checks (SDM Vol. 3, chapter 5).</summary>
internal static unsafe class SegmentLoads
{
    private const SegmentAttributes RealModeData =
        SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable | SegmentAttributes.Accessed;

    /// <summary>What a segment register holds in virtual-8086 mode (DPL is 3).</summary>
    private const SegmentAttributes Virtual8086Data = RealModeData | (SegmentAttributes)0x60;

    /// <summary>Loads ES, SS, DS, FS or GS as MOV and POP do, and sets A in the descriptor.</summary>
    /// <returns>False with the failure recorded and nothing changed.</returns>
    public static bool TryLoad(Vcpu vcpu, SegmentName name, ushort selector)
    {
        var s = vcpu.State;
        if (!vcpu.IsProtected)
        {
            LoadUnprotected(s, name, selector);
            return true;
        }
        if (name == SegmentName.Ss)
            return TryLoadStack(vcpu, selector);
        if (!TryPrepareData(vcpu, selector, out var register))
            return false;
        s->Segments[(int)name] = register;
        return true;
    }

    /// <summary>Loads a segment register in real or virtual-8086 mode: the base follows the selector; real mode leaves the limit as it is.</summary>
    public static void LoadUnprotected(CpuState* s, SegmentName name, ushort selector)
    {
        if ((s->SystemFlags & Rflags.Virtual8086) != 0)
        {
            s->Segments[(int)name] = Virtual8086(selector);
            return;
        }
        ref var register = ref s->Segments[(int)name];
        register.Selector = selector;
        register.Base = (uint)selector << 4;
        register.Attributes = (register.Attributes & (SegmentAttributes.Default32 | SegmentAttributes.Granularity)) | RealModeData;
    }

    /// <summary>A segment register of virtual-8086 mode.</summary>
    public static SegmentRegister Virtual8086(ushort selector) => new()
    {
        Base = (uint)selector << 4,
        Limit = 0xFFFF,
        Selector = selector,
        Attributes = Virtual8086Data,
    };

    /// <summary>A register that holds a null selector: unusable.</summary>
    public static SegmentRegister Null(ushort selector) => SegmentRegister.Of(0, 0, selector, SegmentAttributes.None);

    /// <summary>Checks the load of ES, DS, FS or GS in protected mode.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="selector">The selector.</param>
    /// <param name="register">The register to load.</param>
    /// <param name="vector">#GP, or #TS where the selector comes from a TSS.</param>
    /// <param name="ext">EXT of error codes.</param>
    public static bool TryPrepareData(Vcpu vcpu, ushort selector, out SegmentRegister register,
        byte vector = ExceptionVector.GeneralProtection, uint ext = 0)
    {
        register = Null(selector);
        if (DescriptorTables.IsNull(selector))
            return true;
        if (!DescriptorTables.TryRead(vcpu, selector, out var descriptor, ext, vector))
            return false;
        var cpl = vcpu.State->Cpl;
        if (!descriptor.IsReadable
            || (!descriptor.IsConforming && (descriptor.Dpl < cpl || descriptor.Dpl < DescriptorTables.Rpl(selector))))
        {
            return vcpu.Fail(vector, DescriptorTables.ErrorCode(selector, ext));
        }
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector, ext));
        if (!DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
            return false;
        register = descriptor.ToRegister(selector);
        return true;
    }

    /// <summary>Checks a stack segment for a privilege level.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="selector">Its selector.</param>
    /// <param name="cpl">The level that will use it: RPL and DPL must equal it.</param>
    /// <param name="nullAllowed">Whether a null selector will do (64-bit code below CPL 3).</param>
    /// <param name="vector">#GP, or #TS where the selector comes from a TSS.</param>
    /// <param name="ext">EXT of error codes.</param>
    /// <param name="register">The register to load.</param>
    public static bool TryPrepareStack(Vcpu vcpu, ushort selector, uint cpl, bool nullAllowed, byte vector, uint ext, out SegmentRegister register)
    {
        register = Null(selector);
        if (DescriptorTables.IsNull(selector))
            return (nullAllowed && DescriptorTables.Rpl(selector) == cpl) || vcpu.Fail(vector, ext);
        if (!DescriptorTables.TryRead(vcpu, selector, out var descriptor, ext, vector))
            return false;
        var errorCode = DescriptorTables.ErrorCode(selector, ext);
        if (DescriptorTables.Rpl(selector) != cpl || !descriptor.IsWritableData || descriptor.Dpl != cpl)
            return vcpu.Fail(vector, errorCode);
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.StackFault, errorCode);
        if (!DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
            return false;
        register = descriptor.ToRegister(selector);
        return true;
    }

    /// <summary>What the far returns do to data segments that the new, less privileged code may not use.</summary>
    public static void DropInaccessible(CpuState* s, uint cpl)
    {
        Drop(ref s->Segments[(int)SegmentName.Es], cpl);
        Drop(ref s->Segments[(int)SegmentName.Ds], cpl);
        Drop(ref s->Segments[(int)SegmentName.Fs], cpl);
        Drop(ref s->Segments[(int)SegmentName.Gs], cpl);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Drop(ref SegmentRegister register, uint cpl)
    {
        var attributes = (uint)register.Attributes;
        const uint ConformingCode = (uint)(SegmentAttributes.Code | SegmentAttributes.ExpandDownOrConforming);
        var dpl = (attributes >> 5) & 3;
        if (dpl >= cpl || (attributes & ConformingCode) == ConformingCode)
            return;
        // The selector becomes null and the segment unusable; its base stays, as it does where it was null before: 64-bit code reaches FS
        // and GS through it.
        register = SegmentRegister.Of(register.Base, 0, 0, SegmentAttributes.None);
    }

    private static bool TryLoadStack(Vcpu vcpu, ushort selector)
    {
        var s = vcpu.State;
        var nullAllowed = vcpu.Is64BitCode && s->Cpl != 3;
        if (!TryPrepareStack(vcpu, selector, s->Cpl, nullAllowed, ExceptionVector.GeneralProtection, 0, out var register))
            return false;
        s->Segments[(int)SegmentName.Ss] = register;
        return true;
    }
}
