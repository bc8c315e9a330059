using Emu.Cpu.State;

namespace Emu.Cpu.Memory;

/// <summary>What an access wants of a page, as the bits of a page fault's error code (SDM Vol. 3, 4.7).</summary>
[Flags]
public enum PageAccess : uint
{
    /// <summary>A supervisor's data read.</summary>
    Read = 0,

    /// <summary>P: the fault was a protection violation, not a missing page. In error codes only.</summary>
    Present = 1 << 0,

    /// <summary>W/R: a write.</summary>
    Write = 1 << 1,

    /// <summary>U/S: made at CPL 3, and not an implicit access to a system structure.</summary>
    User = 1 << 2,

    /// <summary>RSVD: a reserved bit was set. In error codes only.</summary>
    Reserved = 1 << 3,

    /// <summary>I/D: an instruction fetch.</summary>
    Fetch = 1 << 4,

    /// <summary>PK: a protection key forbids it. In error codes only.</summary>
    ProtectionKey = 1 << 5,
}

/// <summary>Where a linear page leads and what it allows.</summary>
/// <param name="Physical">Guest-physical address of the 4 KiB page.</param>
/// <param name="Writable">R/W set at every level.</param>
/// <param name="User">U/S set at every level.</param>
/// <param name="NoExecute">XD set at some level (and EFER.NXE).</param>
/// <param name="Global">G in the leaf, and CR4.PGE.</param>
/// <param name="Dirty">D in the leaf, now.</param>
/// <param name="ProtectionKey">Bits 62:59 of the leaf; 0 outside 4-level paging.</param>
/// <param name="SizeShift">Binary logarithm of the size of the page that the tables name: 12, 21, 22 or 30.</param>
public readonly record struct PageTranslation(
    ulong Physical, bool Writable, bool User, bool NoExecute, bool Global, bool Dirty, byte ProtectionKey, byte SizeShift);

/// <summary>Walks the page tables: no paging, 32-bit, PAE and 4-level (SDM Vol. 3, chapter 4).</summary>
/// <remarks>
/// <code>
///            63   62:59  51:M        M-1:12                12..9  8  7    6  5  4   3   2   1   0
///  entry     XD   PK     reserved    physical address      avail  G  PS*  D  A  PCD PWT U/S R/W P
///                                                                    * PAT in a 4 KiB leaf
///  4-level   linear: 47:39 PML4  38:30 PDPT  29:21 PD  20:12 PT  11:0 offset     leaf at PDPT (1 GiB), PD (2 MiB), PT (4 KiB)
///  PAE       linear:             31:30 PDPTE 29:21 PD  20:12 PT  11:0            leaf at PD (2 MiB), PT; PDPTEs are loaded with CR3
///  32-bit    linear:                         31:22 PD  21:12 PT  11:0            leaf at PD (4 MiB, CR4.PSE), PT; entries of 4 bytes
/// </code>
/// Accessed and dirty bits are set only once the whole access is known to be allowed.
/// </remarks>
public sealed unsafe class PageWalker(PhysicalMemory memory, CpuState* state)
{
    /// <summary>M: width of a physical address in bits, as CPUID 0x80000008 reports it.</summary>
    public const int PhysicalAddressBits = 40;

    private const ulong P = 1, Rw = 1 << 1, Us = 1 << 2, A = 1 << 5, D = 1 << 6, Ps = 1 << 7, G = 1 << 8, Xd = 1UL << 63;
    private const ulong AddressBits = ((1UL << PhysicalAddressBits) - 1) & ~0xFFFUL;
    private const ulong ReservedHigh = ((1UL << 52) - 1) & ~((1UL << PhysicalAddressBits) - 1);
    private const ulong PatInLargePage = 1 << 12;

    // PAE: the four page-directory-pointer entries, read when CR3 is loaded.
    private readonly ulong[] _pdptes = new ulong[4];

    private struct Walk
    {
        public ulong Writable, User, NoExecute;
        public int Levels;
        public byte SizeShift;
        public fixed ulong Entries[4];
        public fixed ulong Addresses[4];

        public void Add(ulong address, ulong entry)
        {
            Addresses[Levels] = address;
            Entries[Levels++] = entry;
            Writable &= entry & Rw;
            User &= entry & Us;
            NoExecute |= entry & Xd;
        }
    }

    /// <summary>Translates a linear address and checks the access.</summary>
    /// <param name="linear">Canonical linear address.</param>
    /// <param name="access">What is wanted: a combination of Write, User and Fetch.</param>
    /// <param name="smapOverride">EFLAGS.AC, or anything else that lets a supervisor touch user pages under SMAP.</param>
    /// <param name="page">The result.</param>
    /// <param name="errorCode">The page fault's error code where the access is not allowed.</param>
    /// <returns>False for a page fault.</returns>
    public bool TryTranslate(ulong linear, PageAccess access, bool smapOverride, out PageTranslation page, out PageAccess errorCode)
    {
        errorCode = 0;
        if ((state->Cr0 & Cr0.Pg) == 0)
        {
            page = new PageTranslation(linear & ~0xFFFUL, true, true, false, false, true, 0, 12);
            return true;
        }

        var walk = new Walk { Writable = Rw, User = Us };
        ulong physical;
        var found = (state->Cr4 & Cr4.Pae) == 0 ? Walk32(linear, ref walk, out physical, out var reserved)
            : (state->Efer & Efer.Lma) == 0 ? WalkPae(linear, ref walk, out physical, out reserved)
            : Walk4Level(linear, ref walk, out physical, out reserved);
        page = default;
        if (!found)
        {
            errorCode = Fault(access, reserved ? PageAccess.Present | PageAccess.Reserved : 0);
            return false;
        }

        var leaf = walk.Entries[walk.Levels - 1];
        var user = walk.User != 0;
        var writable = walk.Writable != 0;
        var key = (state->Efer & Efer.Lma) != 0 ? (byte)((leaf >> 59) & 15) : (byte)0;
        var denied = Denied(access, smapOverride, writable, user, walk.NoExecute != 0, key);
        if (denied != 0)
        {
            errorCode = Fault(access, denied);
            return false;
        }

        SetAccessedAndDirty(ref walk, (access & PageAccess.Write) != 0);
        page = new PageTranslation(physical & ~0xFFFUL, writable, user, walk.NoExecute != 0,
            (leaf & G) != 0 && (state->Cr4 & Cr4.Pge) != 0, (leaf & D) != 0 || (access & PageAccess.Write) != 0, key, walk.SizeShift);
        return true;
    }

    /// <summary>Loads the PDPTE registers (a write to CR3, CR0 or CR4 under PAE paging, SDM Vol. 3, 4.4.1).</summary>
    /// <returns>False, with the registers unchanged, where an entry has reserved bits set: #GP(0).</returns>
    public bool TryLoadPdptes(ulong cr3)
    {
        Span<ulong> entries = stackalloc ulong[4];
        for (var i = 0; i < 4; i++)
        {
            entries[i] = ReadEntry((cr3 & 0xFFFF_FFE0) + (ulong)i * 8);
            if ((entries[i] & P) != 0 && (entries[i] & (~AddressBits & ~0xFFFUL | 0x1E6)) != 0)
                return false;
        }
        entries.CopyTo(_pdptes);
        return true;
    }

    private PageAccess Denied(PageAccess access, bool smapOverride, bool writable, bool user, bool noExecute, byte key)
    {
        if ((access & PageAccess.User) != 0)
        {
            if (!user || ((access & PageAccess.Write) != 0 && !writable))
                return PageAccess.Present;
        }
        else
        {
            if ((access & PageAccess.Fetch) != 0 && user && (state->Cr4 & Cr4.Smep) != 0)
                return PageAccess.Present;
            if ((access & PageAccess.Fetch) == 0 && user && (state->Cr4 & Cr4.Smap) != 0 && !smapOverride)
                return PageAccess.Present;
            if ((access & PageAccess.Write) != 0 && !writable && (state->Cr0 & Cr0.Wp) != 0)
                return PageAccess.Present;
        }
        if ((access & PageAccess.Fetch) != 0)
            return noExecute ? PageAccess.Present : 0;
        return user && (state->Cr4 & Cr4.Pke) != 0 && KeyForbids(key, access) ? PageAccess.Present | PageAccess.ProtectionKey : 0;
    }

    private bool KeyForbids(byte key, PageAccess access)
    {
        var rights = state->Pkru >> (key * 2);
        if ((rights & 1) != 0)
            return true;
        return (rights & 2) != 0 && (access & PageAccess.Write) != 0 && ((access & PageAccess.User) != 0 || (state->Cr0 & Cr0.Wp) != 0);
    }

    private PageAccess Fault(PageAccess access, PageAccess cause)
    {
        var reported = access & (PageAccess.Write | PageAccess.User);
        if ((access & PageAccess.Fetch) != 0 && (ExecuteDisable || (state->Cr4 & Cr4.Smep) != 0))
            reported |= PageAccess.Fetch;
        return reported | cause;
    }

    private bool ExecuteDisable => (state->Efer & Efer.Nxe) != 0 && (state->Cr4 & Cr4.Pae) != 0;

    private bool Walk4Level(ulong linear, ref Walk walk, out ulong physical, out bool reserved)
    {
        var table = state->Cr3 & AddressBits;
        var reservedBits = ReservedHigh | (ExecuteDisable ? 0 : Xd);
        for (var shift = 39; ; shift -= 9)
        {
            var address = table + ((linear >> shift) & 0x1FF) * 8;
            var entry = ReadEntry(address);
            physical = 0;
            reserved = false;
            if ((entry & P) == 0)
                return false;
            var large = shift is 30 or 21 && (entry & Ps) != 0;
            var pageMask = (1UL << shift) - 1;
            reserved = (entry & reservedBits) != 0 || (shift == 39 && (entry & Ps) != 0)
                || (large && (entry & pageMask & AddressBits & ~PatInLargePage) != 0);
            if (reserved)
                return false;
            walk.Add(address, entry);
            if (large || shift == 12)
            {
                walk.SizeShift = (byte)shift;
                physical = (entry & AddressBits & ~pageMask) | (linear & pageMask);
                return true;
            }
            table = entry & AddressBits;
        }
    }

    private bool WalkPae(ulong linear, ref Walk walk, out ulong physical, out bool reserved)
    {
        physical = 0;
        reserved = false;
        var pointer = _pdptes[(linear >> 30) & 3];
        if ((pointer & P) == 0)
            return false;
        var table = pointer & AddressBits;
        var reservedBits = (~AddressBits & ~0xFFFUL & ~Xd) | (ExecuteDisable ? 0 : Xd);
        for (var shift = 21; ; shift -= 9)
        {
            var address = table + ((linear >> shift) & 0x1FF) * 8;
            var entry = ReadEntry(address);
            if ((entry & P) == 0)
                return false;
            var large = shift == 21 && (entry & Ps) != 0;
            var pageMask = (1UL << shift) - 1;
            reserved = (entry & reservedBits) != 0 || (large && (entry & pageMask & AddressBits & ~PatInLargePage) != 0);
            if (reserved)
                return false;
            walk.Add(address, entry);
            if (large || shift == 12)
            {
                walk.SizeShift = (byte)shift;
                physical = (entry & AddressBits & ~pageMask) | (linear & pageMask);
                return true;
            }
            table = entry & AddressBits;
        }
    }

    private bool Walk32(ulong linear, ref Walk walk, out ulong physical, out bool reserved)
    {
        physical = 0;
        reserved = false;
        var address = (state->Cr3 & 0xFFFF_F000) + ((linear >> 22) & 0x3FF) * 4;
        ulong entry = ReadEntry32(address);
        if ((entry & P) == 0)
            return false;
        if ((entry & Ps) != 0 && (state->Cr4 & Cr4.Pse) != 0)
        {
            // PSE-36: bits 20:13 hold physical address bits 39:32, bit 21 is reserved (SDM Vol. 3, table 4-4).
            reserved = (entry & (1 << 21)) != 0;
            if (reserved)
                return false;
            walk.Add(address, entry);
            walk.SizeShift = 22;
            physical = (entry & 0xFFC0_0000) | (((entry >> 13) & 0xFF) << 32) | (linear & 0x3F_FFFF);
            return true;
        }
        walk.Add(address, entry);
        address = (entry & 0xFFFF_F000) + ((linear >> 12) & 0x3FF) * 4;
        entry = ReadEntry32(address);
        if ((entry & P) == 0)
            return false;
        walk.Add(address, entry);
        walk.SizeShift = 12;
        physical = (entry & 0xFFFF_F000) | (linear & 0xFFF);
        return true;
    }

    private void SetAccessedAndDirty(ref Walk walk, bool write)
    {
        for (var level = 0; level < walk.Levels; level++)
        {
            var wanted = write && level == walk.Levels - 1 ? A | D : A;
            if ((walk.Entries[level] & wanted) == wanted)
                continue;
            // The bits lie in the entry's first byte, whatever its size.
            var updated = (byte)(walk.Entries[level] | wanted);
            memory.TryWrite(walk.Addresses[level], new ReadOnlySpan<byte>(in updated));
        }
    }

    // A table outside RAM reads as all ones, as everything does that nothing answers: present, with reserved bits set.
    private ulong ReadEntry(ulong address)
    {
        var host = memory.HostAddress(address);
        return host == null ? ulong.MaxValue : *(ulong*)host;
    }

    private uint ReadEntry32(ulong address)
    {
        var host = memory.HostAddress(address);
        return host == null ? uint.MaxValue : *(uint*)host;
    }
}
