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
    public bool TryWriteVirtual(ulong linear, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var run = (int)Math.Min((ulong)source.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if (!TryTranslateQuietly(linear, PageAccess.Write, out var physical) || !_memory.TryWrite(physical, source[..run]))
                return false;
            source = source[run..];
            linear += (ulong)run;
        }
        return true;
    }

    /// <summary>Translates for the platform: no fault is raised, but accessed and dirty bits are set as by the guest's own access. SMAP does not apply.</summary>
    public bool TryTranslateQuietly(ulong linear, PageAccess access, out ulong physical)
    {
        var user = State->Cpl == 3 ? PageAccess.User : 0;
        physical = 0;
        if (!IsCanonical(linear) || !_walker.TryTranslate(linear, access | user, true, out var page, out _))
            return false;
        physical = page.Physical | (linear & 0xFFF);
        return true;
    }

    /// <summary>True for a canonical address (SDM Vol. 1, 3.3.7.1).</summary>
    public static bool IsCanonical(ulong linear) => (ulong)((long)(linear << 16) >> 16) == linear;

    private PageAccess DataAccess => State->Cpl == 3 ? PageAccess.User : PageAccess.Read;

    // Implicit accesses to system structures from CPL 3 are never excused by EFLAGS.AC (SDM Vol. 3, 4.6.1).
    private bool SmapOverride => State->Cpl != 3 && (State->SystemFlags & Rflags.AlignmentCheck) != 0;

    // Linear addresses wrap at 4 GiB outside 64-bit mode.
    private ulong WrapLinear(ulong linear) => Is64BitCode ? linear : (uint)linear;

    // host is null where the page is not RAM, or ROM that is read: a device answers at the physical address.
    private bool TryTranslateData(Op* op, ulong linear, PageAccess rights, out byte* host, out ulong physical)
    {
        // Page-crossing operands come here although the TLB knows both pages.
        var known = Tlb.Slot(State->DataTlb, linear);
        if (rights == DataAccess ? known->ReadTag == (linear & ~0xFFFUL) : rights == (DataAccess | PageAccess.Write) && known->WriteTag == (linear & ~0xFFFUL))
        {
            host = (byte*)((nint)linear + known->Addend);
            physical = _memory.PhysicalAddress(host);
            return true;
        }
        if (!_walker.TryTranslate(linear, rights, SmapOverride, out var page, out var errorCode))
        {
            host = null;
            physical = 0;
            State->Cr2 = linear;
            return RaiseFault(op, ExceptionVector.PageFault, (uint)errorCode);
        }
        physical = page.Physical | (linear & 0xFFF);
        host = HostOf(physical, rights);
        if (host != null)
            Enter(linear & ~0xFFFUL, page, host - (linear & 0xFFF), (rights & PageAccess.User) != 0, (rights & PageAccess.Write) != 0);
        return true;
    }

    private void Enter(ulong linearPage, in PageTranslation page, byte* hostPage, bool user, bool written)
    {
        // D is set by the first write, and only then may later writes go straight through.
        var dirty = page.Dirty || written;
        var code = _memory.WatchesWrites(hostPage);
        if (user)
        {
            var allowed = page.User && KeyAllows(page, false);
            var writable = allowed && page.Writable && dirty && !code && KeyAllows(page, true);
            _tlb.Insert(TlbBank.User, linearPage, allowed, writable, page.User && !page.NoExecute, page.Global, page.SizeShift, hostPage);
            return;
        }
        EnterSupervisor((State->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor,
            linearPage, page, hostPage, dirty && !code);
    }

    private void EnterSupervisor(TlbBank bank, ulong linearPage, in PageTranslation page, byte* hostPage, bool writesNeedNoCheck)
    {
        var hidden = bank == TlbBank.Supervisor && page.User;
        var supervisorWritable = (page.Writable || (State->Cr0 & Cr0.Wp) == 0) && writesNeedNoCheck && KeyAllows(page, true);
        var fetch = !page.NoExecute && !(page.User && (State->Cr4 & Cr4.Smep) != 0);
        _tlb.Insert(bank, linearPage, !hidden && KeyAllows(page, false), !hidden && supervisorWritable, fetch, page.Global, page.SizeShift, hostPage);
    }

    private bool KeyAllows(in PageTranslation page, bool write) =>
        !page.User || (State->Cr4 & Cr4.Pke) == 0 || ((State->Pkru >> (page.ProtectionKey * 2)) & (write ? 3u : 1u)) == 0;

    private bool TryTranslateFetch(ulong linear, out byte* host, out ulong physical)
    {
        var user = State->Cpl == 3;
        var bank = user ? TlbBank.User : (State->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor;
        var slot = Tlb.Slot(_tlb.Bank(bank), linear);
        if (slot->FetchTag == (linear & ~0xFFFUL))
        {
            host = (byte*)((nint)linear + slot->Addend);
            physical = _memory.PhysicalAddress(host);
            return true;
        }
        host = null;
        physical = 0;
        if (!IsCanonical(linear))
            return RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
        var rights = PageAccess.Fetch | (user ? PageAccess.User : 0);
        if (!_walker.TryTranslate(linear, rights, true, out var page, out var errorCode))
        {
            State->Cr2 = linear;
            return RaiseFetchFault(ExceptionVector.PageFault, (uint)errorCode);
        }
        physical = page.Physical | (linear & 0xFFF);
        host = _memory.HostAddress(physical);
        if (host == null)
            return true;
        // ROM shows at two places: a block is known by one address, the same as after a hit in the TLB.
        physical = _memory.PhysicalAddress(host);
        Enter(linear & ~0xFFFUL, page, host - (linear & 0xFFF), user, false);
        return true;
    }

    // Where an access may go straight to; null for a device, and for a write to ROM, which the platform's bus ignores.
    private byte* HostOf(ulong physical, PageAccess rights) =>
        (rights & PageAccess.Write) != 0 ? _memory.WritableHostAddress(physical) : _memory.HostAddress(physical);
}
