using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What follows from control registers, segments and privilege: the code mode, the TLB bank, and what a change of them invalidates.
public sealed unsafe partial class Vcpu
{
    private const SegmentAttributes FlatData =
        SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable;

    private const ulong A20 = 1 << 20;

    private CodeMode _codeMode;

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
        ForgetTranslations();
        UpdateBreakpoints();
        UpdateMode();
    }

    /// <summary>Loads the page-directory pointers of PAE paging, which the CPU keeps until the next load.</summary>
    internal bool TryLoadPdptes(ulong cr3) => _walker.TryLoadPdptes(cr3);

    /// <summary>True where <see cref="TryLoadPdptes"/> would succeed.</summary>
    internal bool AreValidPdptes(ulong cr3) => _walker.AreValidPdptes(cr3);

    /// <summary>Forgets all translations: a write to CR0, CR4 or EFER that changes what entries mean.</summary>
    public void ForgetTranslations()
    {
        _tlb.Flush();
        TakeAddressSpace();
    }

    private void TakeRemapping()
    {
        _walker.TakeRemapping();
        ForgetTranslations();
    }

    /// <summary>Forgets all translations but global ones, whatever their PCID.</summary>
    internal void ForgetAllButGlobal()
    {
        _tlb.FlushAllButGlobal();
        UpdateCodeTag();
    }

    /// <summary>Forgets the translations of one PCID that are not global.</summary>
    internal void ForgetAddressSpace(uint pcid)
    {
        _tlb.FlushSpace(pcid);
        UpdateCodeTag();
    }

    /// <summary>Forgets the translation of one page: INVLPG.</summary>
    internal void ForgetTranslation(ulong linear)
    {
        _tlb.FlushPage(linear);
        UpdateCodeTag();
    }

    /// <summary>Forgets the translation of one page under one PCID, unless it is global.</summary>
    internal void ForgetTranslation(uint pcid, ulong linear)
    {
        _tlb.FlushPage(pcid, linear);
        UpdateCodeTag();
    }

    /// <summary>Takes account of a write to CR3.</summary>
    /// <param name="keep">The PCID's translations stay; else those that are not global go.</param>
    internal void ChangeAddressSpace(bool keep)
    {
        if (!keep)
            _tlb.FlushSpace(CurrentPcid);
        TakeAddressSpace();
    }

    /// <summary>Sets PKRU: what translations with the keys concerned allow is worked out anew.</summary>
    internal void SetUserKeys(uint rights)
    {
        ForgetKeys(State->Pkru ^ rights);
        State->Pkru = rights;
    }

    /// <summary>Sets IA32_PKRS.</summary>
    internal void SetSupervisorKeys(uint rights)
    {
        ForgetKeys(State->Pkrs ^ rights);
        State->Pkrs = rights;
    }

    private void ForgetKeys(uint changed)
    {
        var keys = 0u;
        for (var key = 0; key < 16; key++)
        {
            if (((changed >> (key * 2)) & 3) != 0)
                keys |= 1u << key;
        }
        if (keys != 0)
            _tlb.FlushKeys(keys);
    }

    /// <summary>Whether address line 20 works; while it does not, bit 20 of every physical address is zero.</summary>
    public bool A20Enabled
    {
        get => State->LinesHeldLow == 0;
        set
        {
            State->LinesHeldLow = value ? 0 : A20;
            ForgetTranslations();
        }
    }

    // PCID 0 is the only one while CR4.PCIDE is clear.
    private uint CurrentPcid => (State->Cr4 & Cr4.Pcide) != 0 ? (uint)State->Cr3 & 0xFFF : 0;

    private void TakeAddressSpace()
    {
        _tlb.Switch(CurrentPcid);
        _banks = _tlb.Bank(0);
        // An epoch that was left knows nothing of other bases.
        if ((_codeMode & (CodeMode.Flat | CodeMode.Code64)) == 0)
            _tlb.RenewCode();
        UpdateCodeTag();
        UpdateDataBank();
    }

    private void UpdateCodeTag() =>
        State->CodeTag = (_tlb.CodeEpoch << 8) | (uint)_codeMode | (State->Cpl == 3 ? (uint)CodeMode.User : 0);

    /// <summary>Works out code mode, privilege and TLB bank anew: after any change of CS, SS, DS, ES, CPL, CR0, CR4, EFER, RFLAGS.AC or VM.</summary>
    internal void UpdateMode()
    {
        var s = State;
        ref var cs = ref s->Segments[(int)SegmentName.Cs];
        if ((s->Efer & Efer.Lma) != 0 && (cs.Attributes & SegmentAttributes.Long) != 0 && _codeMode == (CodeMode.Code64 | CodeMode.Flat))
        {
            UpdatePrivilege();
            return;
        }
        var mode = ComputeCodeMode();
        if (mode != _codeMode || cs.Base != _codeBase || cs.Limit != _codeLimit)
        {
            _codeMode = mode;
            _codeBase = cs.Base;
            _codeLimit = cs.Limit;
            _codeIsLimited = (mode & CodeMode.Limited) != 0;
            // The jump cache is indexed by RIP alone: another base means other code, another limit other ends of it.
            if ((mode & (CodeMode.Flat | CodeMode.Code64)) == 0)
                _tlb.RenewCode();
        }
        UpdateCodeTag();
        UpdateDataBank();
    }

    // The same where 64-bit code goes on as 64-bit code: only CPL and RFLAGS.AC may have changed.
    private void UpdatePrivilege()
    {
        var s = State;
        if (HasDataBreakpoints || (s->SystemFlags & Rflags.AlignmentCheck) != 0)
        {
            UpdateCodeTag();
            UpdateDataBank();
        }
        else if (s->Cpl == 3)
        {
            EnterUser(s);
        }
        else
        {
            TakeKernelView(s);
        }
    }

    /// <summary>From 64-bit code to 64-bit code at CPL 0, with neither data breakpoints nor RFLAGS.AC.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterKernel(CpuState* s)
    {
        s->Cpl = 0;
        TakeKernelView(s);
    }

    /// <summary>From 64-bit code to 64-bit code at CPL 3, with neither data breakpoints nor RFLAGS.AC.</summary>
    /// <param name="s">The state.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterUser(CpuState* s)
    {
        s->Cpl = 3;
        s->CodeTag |= (ulong)CodeMode.User;
        s->DataTlb = _banks + (int)TlbBank.User * Tlb.Entries;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TakeKernelView(CpuState* s)
    {
        s->CodeTag &= ~(ulong)CodeMode.User;
        s->DataTlb = _banks + ((s->Cr4 & Cr4.Smap) != 0 ? (int)TlbBank.Supervisor * Tlb.Entries : 0);
    }

    /// <summary>Chooses the TLB bank of data accesses: after a change of RFLAGS.AC or the breakpoints alone.</summary>
    internal void UpdateDataBank() => State->DataTlb = CheckedOrNot();

    private TlbEntry* CheckedOrNot() => ChecksEveryAccess ? _tlb.Bank(TlbBank.Checked) : _banks + (int)DataBank * Tlb.Entries;

    // The banks of the current address space.
    private TlbEntry* _banks;

    private ulong _codeBase;
    private uint _codeLimit;
    private bool _codeIsLimited;

    private bool ChecksEveryAccess => ChecksAlignment || HasDataBreakpoints;

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
