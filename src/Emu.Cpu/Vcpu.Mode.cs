using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What follows from control registers, segments and privilege: the code mode, the TLB bank, and what a change of them invalidates.
public sealed unsafe partial class Vcpu
{
    private const SegmentAttributes FlatData =
        SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable;

    private CodeMode _codeMode;
    private ulong _epoch;

    /// <summary>CS.L in long mode.</summary>
    public bool Is64BitCode => (_codeMode & CodeMode.Code64) != 0;

    /// <summary>CR0.PE, and not virtual-8086 mode.</summary>
    public bool IsProtected => (_codeMode & CodeMode.Unprotected) == 0;

    /// <summary>Mode of the code that executes.</summary>
    public CodeMode CodeMode => _codeMode;

    /// <summary>To be called after anything outside the engine has written <see cref="State"/>: every cache starts anew.</summary>
    public void StateChanged()
    {
        if ((State->Cr0 & Cr0.Pg) != 0 && (State->Cr4 & Cr4.Pae) != 0 && (State->Efer & Efer.Lma) == 0)
            TryLoadPdptes(State->Cr3);
        FlushTranslations(keepGlobal: false);
        UpdateBreakpoints();
        UpdateMode();
    }

    /// <summary>Loads the page-directory pointers of PAE paging, which the CPU keeps until the next load.</summary>
    internal bool TryLoadPdptes(ulong cr3) => _walker.TryLoadPdptes(cr3);

    /// <summary>Forgets translations: a write to CR3, CR0 or CR4.</summary>
    internal void FlushTranslations(bool keepGlobal)
    {
        _tlb.Flush(keepGlobal);
        ForgetCodeAddresses();
    }

    /// <summary>Forgets the translation of one page: INVLPG.</summary>
    internal void FlushTranslation(ulong linear)
    {
        _tlb.FlushPage(linear);
        ForgetCodeAddresses();
    }

    /// <summary>Works out code mode, privilege and TLB bank anew: after any change of CS, SS, DS, ES, CPL, CR0, CR4, EFER, RFLAGS.AC or VM.</summary>
    internal void UpdateMode()
    {
        var s = State;
        ref var cs = ref s->Segments[(int)SegmentName.Cs];
        var mode = ComputeCodeMode();
        if (mode != _codeMode || cs.Base != _codeBase || cs.Limit != _codeLimit)
        {
            _codeMode = mode;
            _codeBase = cs.Base;
            _codeLimit = cs.Limit;
            _codeIsLimited = (mode & CodeMode.Limited) != 0;
            // The jump cache is indexed by RIP alone: another base means other code, another limit other ends of it.
            if ((mode & (CodeMode.Flat | CodeMode.Code64)) == 0)
                _epoch++;
        }
        s->CodeTag = (_epoch << 8) | (uint)mode | (s->Cpl == 3 ? (uint)CodeMode.User : 0);
        UpdateDataBank();
    }

    /// <summary>Chooses the TLB bank of data accesses: after a change of RFLAGS.AC or the breakpoints alone.</summary>
    internal void UpdateDataBank()
    {
        var s = State;
        s->DataTlb = _tlb.Bank(ChecksEveryAccess ? TlbBank.Checked
            : s->Cpl == 3 ? TlbBank.User
            : (s->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor);
    }

    private ulong _codeBase;
    private uint _codeLimit;
    private bool _codeIsLimited;

    private bool ChecksEveryAccess => ChecksAlignment || HasDataBreakpoints;

    private void ForgetCodeAddresses()
    {
        _epoch++;
        State->CodeTag = (_epoch << 8) | (byte)State->CodeTag;
    }

    private CodeMode ComputeCodeMode()
    {
        var s = State;
        ref var cs = ref s->Segments[(int)SegmentName.Cs];
        if ((s->Efer & Efer.Lma) != 0 && (cs.Attributes & SegmentAttributes.Long) != 0)
            return CodeMode.Code64 | CodeMode.Flat;
        var mode = (cs.Attributes & SegmentAttributes.Default32) != 0 ? CodeMode.Code32 : CodeMode.Code16;
        if ((s->Segments[(int)SegmentName.Ss].Attributes & SegmentAttributes.Default32) != 0)
            mode |= CodeMode.Stack32;
        if ((s->Cr0 & Cr0.Pe) == 0 || (s->SystemFlags & Rflags.Virtual8086) != 0)
            mode |= CodeMode.Unprotected;
        if (cs.Limit != uint.MaxValue)
            mode |= CodeMode.Limited;
        if (cs.Base == 0 && cs.Limit == uint.MaxValue && IsFlat(SegmentName.Ds) && IsFlat(SegmentName.Es) && IsFlat(SegmentName.Ss))
            mode |= CodeMode.Flat;
        return mode;
    }

    private bool IsFlat(SegmentName name)
    {
        ref var segment = ref State->Segments[(int)name];
        return segment.Base == 0 && segment.Limit == uint.MaxValue
            && (segment.Attributes & (FlatData | SegmentAttributes.Code | SegmentAttributes.ExpandDownOrConforming)) == FlatData;
    }
}
