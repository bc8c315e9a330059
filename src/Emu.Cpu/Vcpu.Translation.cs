using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// From linear to physical addresses on a TLB miss: the walk, its page fault, and the entry made for the next time.
public sealed unsafe partial class Vcpu
{
    /// <summary>Reads linear memory for the platform as the current privilege would: no fault is raised, but accessed bits are set.</summary>
    /// <returns>False, with nothing guaranteed of <paramref name="destination"/>, where any byte is not readable RAM.</returns>
    public bool TryReadVirtual(ulong linear, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var run = (int)Math.Min((ulong)destination.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if (!TryTranslateQuietly(linear, PageAccess.Read, out var physical) || !_memory.TryRead(physical, destination[..run]))
                return false;
            destination = destination[run..];
            linear += (ulong)run;
        }
        return true;
    }

    /// <summary>Writes linear memory for the platform as the current privilege would; bytes before an unwritable page are written.</summary>
    /// <returns>False where any byte is not writable RAM.</returns>
    public bool TryWriteVirtual(ulong linear, ReadOnlySpan<byte> source) => TryWriteAs(linear, source, AsCurrent(PageAccess.Write));

    /// <summary>Writes linear memory for the platform as the guest's kernel would, whatever the current privilege is.</summary>
    /// <inheritdoc cref="TryWriteVirtual"/>
    public bool TryWriteVirtualAsKernel(ulong linear, ReadOnlySpan<byte> source) => TryWriteAs(linear, source, PageAccess.Write);

    private bool TryWriteAs(ulong linear, ReadOnlySpan<byte> source, PageAccess access)
    {
        while (!source.IsEmpty)
        {
            var run = (int)Math.Min((ulong)source.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if (!TryTranslateAs(linear, access, out var physical) || !_memory.TryWrite(physical, source[..run]))
                return false;
            source = source[run..];
            linear += (ulong)run;
        }
        return true;
    }

    /// <summary>Translates for the platform: no fault is raised, but accessed and dirty bits are set as by the guest's own access. SMAP does not apply.</summary>
    public bool TryTranslateQuietly(ulong linear, PageAccess access, out ulong physical) =>
        TryTranslateAs(linear, AsCurrent(access), out physical);

    private PageAccess AsCurrent(PageAccess access) => State->Cpl == 3 ? access | PageAccess.User : access;

    private bool TryTranslateAs(ulong linear, PageAccess access, out ulong physical)
    {
        physical = 0;
        if (!IsCanonical(linear) || !_walker.TryTranslate(linear, access, true, out var page, out _))
            return false;
        physical = page.Physical | (linear & 0xFFF);
        return true;
    }

    /// <summary>True for an address that is canonical under the paging mode in use (SDM Vol. 1, 3.3.7.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsCanonical(ulong linear) => SignExtend(linear, (State->Cr4 & Cr4.La57) != 0 ? 57 : 48) == linear;

    /// <summary>
    /// True for an address that a register may hold: canonical under the widest paging mode that the processor has. That is how bases in
    /// MSRs, descriptor tables and system segments are checked, and INVPCID's address.
    /// </summary>
    public bool IsCanonicalBase(ulong linear) => SignExtend(linear, Model.LinearAddressBits) == linear;

    /// <summary>Checks the target of a near branch that has more than 48 bits: #GP(0) where it is not canonical.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool AllowsTarget(Op* op, ulong target) => IsCanonical(target) || RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    private static ulong SignExtend(ulong linear, int bits) => (ulong)((long)(linear << (64 - bits)) >> (64 - bits));

    private PageAccess DataAccess => State->Cpl == 3 ? PageAccess.User : PageAccess.Read;

    // Implicit accesses to system structures from CPL 3 are never excused by EFLAGS.AC (SDM Vol. 3, 4.6.1).
    private bool SmapOverride => State->Cpl != 3 && (State->SystemFlags & Rflags.AlignmentCheck) != 0;

    // The bank of data accesses, unless every one of them is looked at.
    private TlbBank DataBank => State->Cpl == 3 ? TlbBank.User
        : (State->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor;

    // Linear addresses wrap at 4 GiB outside 64-bit mode.
    private ulong WrapLinear(ulong linear) => Is64BitCode ? linear : (uint)linear;

    // host is null where the page is not RAM, nor ROM that is read: a device answers at the physical address. Else that is the page's home.
    private bool TryTranslateData(Op* op, ulong linear, PageAccess rights, out byte* host, out ulong physical) =>
        TryTranslate(DataBank, linear, rights, out host, out physical, out var errorCode)
        || RaiseFault(op, ExceptionVector.PageFault, (uint)errorCode);

    // The first of two pages that an access crosses: checked, and marked dirty only together with the other.
    private bool MayCross(Op* op, ulong linear, PageAccess rights) =>
        MayTouch(DataBank, linear, rights, out var errorCode) || RaiseFault(op, ExceptionVector.PageFault, (uint)errorCode);

    // An access is answered by its bank where that knows the page, else by a walk, which enters the page for the next time. Whether an
    // engine might have gone straight to RAM makes no difference: only what the guest's tables say does.
    private bool TryTranslate(TlbBank bank, ulong linear, PageAccess rights, out byte* host, out ulong physical, out PageAccess errorCode)
    {
        errorCode = 0;
        var isWrite = (rights & PageAccess.Write) != 0;
        var slot = Tlb.Slot(_tlb.Bank(bank), linear);
        if (slot->Allows(linear, isWrite ? TlbEntry.Writable : TlbEntry.Readable))
        {
            host = (byte*)((nint)linear + slot->Addend);
            physical = _memory.HomeAddress(host);
            if (isWrite && slot->WriteTag == TlbEntry.Never)
            {
                _memory.NoteWrite(host);
                if (!_memory.WatchesWrites(host))
                    _tlb.LetWritesThrough(slot);
                else if (_memory.IsRom(host))
                    host = null;
            }
            else if (!isWrite && slot->ReadTag == TlbEntry.Never)
            {
                _tlb.LetReadsThrough(slot);
            }
            return true;
        }
        var smapOverride = bank == TlbBank.SupervisorOverride;
        if (!_walker.TryTranslate(linear, rights, smapOverride, out var page, out errorCode))
        {
            host = null;
            physical = 0;
            NotePageFault(linear);
            return false;
        }
        physical = page.Physical | (linear & 0xFFF);
        host = HostOf(physical, rights);
        if (host != null)
        {
            if (isWrite)
                _memory.NoteWrite(host);
            var isReadOnlyHere = _memory.IsReadOnlyHere(physical);
            physical = _memory.HomeAddress(host);
            var user = rights & PageAccess.User;
            // D is set by the first write, and only then may later writes go without a walk.
            var writable = page.Dirty && _walker.Denied(page, user | PageAccess.Write, smapOverride) == 0 && !isReadOnlyHere;
            _tlb.Insert(bank, linear & ~0xFFFUL, page, _walker.Denied(page, user, smapOverride) == 0, writable,
                !_memory.WatchesWrites(host), host - (linear & 0xFFF));
        }
        return true;
    }

    // What TranslateQuickly returns for a page fault that it has raised, and for a device, which is at _devicePhysical.
    private static byte* Faulted => (byte*)1;

    private static byte* AtDevice => (byte*)2;

    private ulong _devicePhysical;

    /// <summary>
    /// The usual end of a data access that the TLB does not answer: RAM in the bank in use that used tables allow, a device that they allow, or a
    /// page that is not present. Does then what <see cref="TryTranslateData"/> does.
    /// </summary>
    /// <param name="op">The instruction.</param>
    /// <param name="linear">The address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="isWrite">Whether they are to be written.</param>
    /// <returns>The host address; <see cref="Faulted"/>; <see cref="AtDevice"/>; or null where anything is not as usual: nothing was done then.</returns>
    private byte* TranslateQuickly(Op* op, ulong linear, int size, bool isWrite)
    {
        var s = State;
        var slot = Tlb.Slot(s->DataTlb, linear);
        if ((linear & 0xFFF) + (ulong)size > PhysicalMemory.PageSize || SignExtend(linear, 48) != linear || _segmentFaulted
            || s->DataTlb == _tlb.Bank(TlbBank.Checked) || slot->Allows(linear, isWrite ? TlbEntry.Writable : TlbEntry.Readable)
            || _tlb.IsWatched(linear))
        {
            return null;
        }
        var leaf = _walker.WalkUsed(linear);
        var isUser = s->Cpl == 3;
        if (leaf <= PageWalker.NoLeaf)
        {
            if (leaf == 0)
                return null;
            NotePageFault(linear);
            RaiseFault(op, ExceptionVector.PageFault, (uint)((isWrite ? PageAccess.Write : 0) | (isUser ? PageAccess.User : 0)));
            return Faulted;
        }
        var isUsers = (leaf & PageWalker.LeafUser) != 0;
        var isWritable = (leaf & PageWalker.LeafWritable) != 0 || (!isUser && (s->Cr0 & Cr0.Wp) == 0);
        var key = (int)(leaf >> PageWalker.LeafKeyShift) & 15;
        var physical = leaf & _walker.AddressBits;
        if ((isUser ? !isUsers : isUsers && (s->Cr4 & Cr4.Smap) != 0 && (s->SystemFlags & Rflags.AlignmentCheck) == 0)
            || (isWrite && !isWritable)
            // Where a key takes anything away, the usual is over.
            || ((s->Cr4 & (Cr4.Pke | Cr4.Pks)) != 0 && (((isUsers ? s->Pkru : s->Pkrs) >> (key * 2)) & 3) != 0))
        {
            return null;
        }
        var isDevice = physical >= _memory.PlainLimit;
        if (isDevice && !_memory.IsInDeviceHole(physical))
            return null;
        if ((leaf & PageWalker.LeafAccessed) == 0 || (isWrite && (leaf & PageWalker.LeafDirty) == 0))
        {
            if (!_walker.MarkLeaf(leaf, isWrite))
                return null;
        }
        if (isDevice)
        {
            _devicePhysical = physical | (linear & 0xFFF);
            return AtDevice;
        }
        var host = _memory.Host + physical;
        if (isWrite)
            _memory.NoteWrite(host);
        var page = linear & ~0xFFFUL;
        // D is set by the first write, and only then may later writes go without a walk.
        var writable = isWritable && (isWrite || (leaf & PageWalker.LeafDirty) != 0);
        _tlb.Insert(slot, new TlbEntry
        {
            ReadTag = page,
            WriteTag = writable && !_memory.WatchesWrites(host) ? page : TlbEntry.Never,
            Addend = (nint)host - (nint)page,
            Identity = page | TlbEntry.Readable | (writable ? TlbEntry.Writable : 0)
                | ((leaf & PageWalker.LeafGlobal) != 0 && (s->Cr4 & Cr4.Pge) != 0 ? TlbEntry.Global : 0)
                | ((ulong)key << TlbEntry.KeyShift)
                | ((leaf & PageWalker.LeafOf2MiB) != 0 ? 21UL : (leaf & PageWalker.LeafOf1GiB) != 0 ? 30UL : 12UL) << TlbEntry.SizeShift,
        });
        return host + (linear & 0xFFF);
    }

    private bool MayTouch(TlbBank bank, ulong linear, PageAccess rights, out PageAccess errorCode)
    {
        errorCode = 0;
        if (Tlb.Slot(_tlb.Bank(bank), linear)->Allows(linear, (rights & PageAccess.Write) != 0 ? TlbEntry.Writable : TlbEntry.Readable)
            || _walker.TryProbe(linear, rights, bank == TlbBank.SupervisorOverride, out errorCode))
        {
            return true;
        }
        NotePageFault(linear);
        return false;
    }

    // A page fault forgets what was known of its page (SDM Vol. 3, 4.10.4.1).
    private void NotePageFault(ulong linear)
    {
        State->Cr2 = linear;
        _tlb.ForgetFaulted(linear);
        UpdateCodeTag();
    }

    private bool TryTranslateFetch(ulong linear, out byte* host, out ulong physical)
    {
        var user = State->Cpl == 3;
        host = null;
        if (!_tlb.TryFindFetch(linear, user, out physical))
        {
            if (!IsCanonical(linear))
                return RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
            var rights = PageAccess.Fetch | (user ? PageAccess.User : 0);
            if (!_walker.TryTranslate(linear, rights, true, out var page, out var errorCode))
            {
                NotePageFault(linear);
                return RaiseFetchFault(ExceptionVector.PageFault, (uint)errorCode);
            }
            physical = page.Physical;
            _tlb.InsertFetch(linear, user, page);
            UpdateCodeTag();
        }
        physical |= linear & 0xFFF;
        host = _memory.HostAddress(physical);
        // A page may show at several places: its code is known by one address.
        if (host != null)
            physical = _memory.HomeAddress(host);
        return true;
    }

    // Where an access may go straight to; null for a device, and for a write to ROM, which the platform's bus ignores.
    private byte* HostOf(ulong physical, PageAccess rights) =>
        (rights & PageAccess.Write) != 0 ? _memory.WritableHostAddress(physical) : _memory.HostAddress(physical);
}
