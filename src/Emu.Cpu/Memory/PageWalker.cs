using System.Runtime.CompilerServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Memory;

/// <summary>Walks the page tables: no paging, 32-bit, PAE, 4-level and 5-level (SDM Vol. 3, chapter 4).</summary>
/// <remarks>
/// <code>
///            63   62:59  51:M        M-1:12                12..9  8  7    6  5  4   3   2   1   0
///  entry     XD   PK     reserved    physical address      avail  G  PS*  D  A  PCD PWT U/S R/W P
///                                                                    * PAT in a 4 KiB leaf
///  5-level   linear: 56:48 PML5, then as 4-level
///  4-level   linear: 47:39 PML4  38:30 PDPT  29:21 PD  20:12 PT  11:0 offset     leaf at PDPT (1 GiB), PD (2 MiB), PT (4 KiB)
///  PAE       linear:             31:30 PDPTE 29:21 PD  20:12 PT  11:0            leaf at PD (2 MiB), PT; PDPTEs are loaded with CR3
///  32-bit    linear:                         31:22 PD  21:12 PT  11:0            leaf at PD (4 MiB, CR4.PSE), PT; entries of 4 bytes
/// </code>
/// The accessed bit of an entry that refers to a table is set once the entry is used to find that table, whatever the walk then meets
/// (APM Vol. 2, 5.4.2; the SDM's "uses", Vol. 3, 4.8). The leaf's accessed and dirty bits are set only once the access is known to be
/// allowed. With 32-bit paging the directory's accessed bit waits for that too, as the 80386's manual says (5.2.4.3: before a read or write of
/// the page) and test386 asks; today's manuals leave room for either.
/// </remarks>
public sealed unsafe class PageWalker
{
    private const ulong P = 1, Rw = 1 << 1, Us = 1 << 2, A = 1 << 5, D = 1 << 6, Ps = 1 << 7, G = 1 << 8, Xd = 1UL << 63;
    private const ulong PatInLargePage = 1 << 12;

    /// <summary>In what <see cref="WalkUsed"/> found: writes are allowed, the page is a user's, it was accessed, it is dirty, it is global.</summary>
    internal const ulong LeafWritable = Rw, LeafUser = Us, LeafAccessed = A, LeafDirty = D, LeafGlobal = G;

    /// <summary>What <see cref="WalkUsed"/> returns where there is none.</summary>
    internal const ulong NoLeaf = 2;

    /// <summary>In what <see cref="WalkUsed"/> found, in place of bits that are the guest's to use: the page is part of a large one.</summary>
    internal const ulong LeafOf2MiB = 1 << 9, LeafOf1GiB = 1 << 10;

    /// <summary>The first bit of the protection key in a leaf.</summary>
    internal const int LeafKeyShift = 59;

    // In the PDPTE registers, besides what lies above M: bits 2:1 and 8:5 (SDM Vol. 3, table 4-8).
    private const ulong PdpteReserved = 0x1E6;

    private readonly PhysicalMemory _memory;
    private readonly CpuState* _state;
    private readonly bool _hasGiantPages;
    private readonly byte* _host;
    private ulong _plainLimit;
    private ulong _leafAddress;

    // Bits M-1:12, bits 51:M and, of a 4 MiB page's PDE, bits 21:(M-19): from 13 up it holds address bits 39:32 as far as there are
    // any (PSE-36, SDM Vol. 3, table 4-4).
    private readonly ulong _addressBits, _reservedHigh, _reservedPse36;

    /// <summary>Makes a walker.</summary>
    /// <param name="memory">Where page tables lie.</param>
    /// <param name="state">The control registers.</param>
    /// <param name="physicalAddressBits">M: width of a physical address in bits, 32 to 52, as CPUID 0x80000008 reports it.</param>
    /// <param name="hasGiantPages">Pages of 1 GiB exist (CPUID 0x80000001 EDX bit 26); else PS in a PDPTE is reserved.</param>
    public PageWalker(PhysicalMemory memory, CpuState* state, int physicalAddressBits, bool hasGiantPages)
    {
        var all = (1UL << physicalAddressBits) - 1;
        _addressBits = all & ~0xFFFUL;
        _reservedHigh = ((1UL << 52) - 1) & ~all;
        _reservedPse36 = 0x3F_E000 & ~((1UL << (Math.Min(physicalAddressBits, 40) - 19)) - 1);
        _memory = memory;
        _state = state;
        _hasGiantPages = hasGiantPages;
        _host = memory.Host;
        _plainLimit = memory.PlainLimit;
    }

    /// <summary>Guest-physical pages were remapped: what may be read without a look at the map is less.</summary>
    internal void TakeRemapping() => _plainLimit = _memory.PlainLimit;

    /// <summary>The bits of an entry that are an address.</summary>
    internal ulong AddressBits => _addressBits;

    // What a walk has found so far.
    private struct Walk
    {
        public ulong Writable, User, NoExecute;
        public ulong Leaf, LeafAddress, Physical;

        // The directory's entry, where its accessed bit waits for the leaf's.
        public ulong Directory, DirectoryAddress;
        public byte SizeShift;
        public bool Reserved;

        public void Add(ulong entry)
        {
            Writable &= entry & Rw;
            User &= entry & Us;
            NoExecute |= entry & Xd;
        }

        // The last entry of a walk: it names a page.
        public bool End(ulong entry, ulong address, int shift, ulong physical)
        {
            Add(entry);
            Leaf = entry;
            LeafAddress = address;
            SizeShift = (byte)shift;
            Physical = physical;
            return true;
        }
    }

    /// <summary>Translates a linear address and checks the access.</summary>
    /// <param name="linear">Canonical linear address.</param>
    /// <param name="access">What is wanted: a combination of Write, User and Fetch.</param>
    /// <param name="smapOverride">EFLAGS.AC, or anything else that lets a supervisor touch user pages under SMAP.</param>
    /// <param name="page">The result.</param>
    /// <param name="errorCode">The page fault's error code where the access is not allowed.</param>
    /// <returns>False for a page fault.</returns>
    public bool TryTranslate(ulong linear, PageAccess access, bool smapOverride, out PageTranslation page, out PageAccess errorCode) =>
        TryTranslate(linear, access, smapOverride, true, out page, out errorCode);

    /// <summary>Checks an access without making it: the leaf's accessed and dirty bits stay.</summary>
    /// <inheritdoc cref="TryTranslate(ulong, PageAccess, bool, out PageTranslation, out PageAccess)"/>
    public bool TryProbe(ulong linear, PageAccess access, bool smapOverride, out PageAccess errorCode) =>
        TryTranslate(linear, access, smapOverride, false, out _, out errorCode);

    private bool TryTranslate(
        ulong linear, PageAccess access, bool smapOverride, bool marks, out PageTranslation page, out PageAccess errorCode)
    {
        errorCode = 0;
        if ((_state->Cr0 & Cr0.Pg) == 0)
        {
            page = new PageTranslation(linear & ~0xFFFUL & ~_state->LinesHeldLow, true, true, false, false, true, 0, 12);
            return true;
        }

        var walk = new Walk { Writable = Rw, User = Us };
        var isLong = (_state->Efer & Efer.Lma) != 0;
        var found = (_state->Cr4 & Cr4.Pae) == 0 ? Walk32(linear, ref walk) : isLong ? WalkLong(linear, ref walk) : WalkPae(linear, ref walk);
        page = default;
        if (!found)
        {
            errorCode = Fault(access, walk.Reserved ? PageAccess.Present | PageAccess.Reserved : 0);
            return false;
        }

        page = new PageTranslation(walk.Physical & ~0xFFFUL & ~_state->LinesHeldLow, walk.Writable != 0, walk.User != 0, walk.NoExecute != 0,
            (walk.Leaf & G) != 0 && (_state->Cr4 & Cr4.Pge) != 0, (walk.Leaf & D) != 0 || (access & PageAccess.Write) != 0,
            isLong ? (byte)((walk.Leaf >> 59) & 15) : (byte)0, walk.SizeShift);
        var denied = Denied(page, access, smapOverride);
        if (denied != 0)
        {
            errorCode = Fault(access, denied);
            return false;
        }
        if (!marks)
            return true;
        if (walk.Directory != 0)
            Mark(walk.DirectoryAddress, walk.Directory, A);
        Mark(walk.LeafAddress, walk.Leaf, (access & PageAccess.Write) != 0 ? A | D : A);
        return true;
    }

    /// <summary>What forbids an access to a page that is there (SDM Vol. 3, 4.6).</summary>
    /// <param name="page">The page.</param>
    /// <param name="access">What is wanted: a combination of Write, User and Fetch.</param>
    /// <param name="smapOverride">Like that of <see cref="TryTranslate(ulong, PageAccess, bool, out PageTranslation, out PageAccess)"/>.</param>
    /// <returns>0, or the bits P and PK of the error code.</returns>
    public PageAccess Denied(in PageTranslation page, PageAccess access, bool smapOverride)
    {
        // Without paging nothing is denied, and the page looks like one of a user's.
        if ((_state->Cr0 & Cr0.Pg) == 0)
            return 0;
        var isUser = (access & PageAccess.User) != 0;
        var isWrite = (access & PageAccess.Write) != 0;
        if ((access & PageAccess.Fetch) != 0)
        {
            var executable = !page.NoExecute && (isUser ? page.User : !page.User || (_state->Cr4 & Cr4.Smep) == 0);
            return executable ? 0 : PageAccess.Present;
        }
        var needsRight = isUser || (_state->Cr0 & Cr0.Wp) != 0;
        var allowed = (!isWrite || page.Writable || !needsRight)
            && (isUser ? page.User : !page.User || smapOverride || (_state->Cr4 & Cr4.Smap) == 0);
        // PK is reported whatever else forbids the access.
        var key = KeyForbids(page, isUser, isWrite && needsRight) ? PageAccess.Present | PageAccess.ProtectionKey : 0;
        return allowed ? key : key | PageAccess.Present;
    }

    /// <summary>Loads the PDPTE registers (a write to CR3, CR0 or CR4 under PAE paging, SDM Vol. 3, 4.4.1).</summary>
    /// <returns>False, with the registers unchanged, where an entry has reserved bits set: #GP(0).</returns>
    public bool TryLoadPdptes(ulong cr3)
    {
        Span<ulong> entries = stackalloc ulong[4];
        if (!TryReadPdptes(cr3, entries))
            return false;
        entries.CopyTo(new Span<ulong>(_state->Pdptes, 4));
        return true;
    }

    /// <summary>Checks page-directory-pointer entries without loading them.</summary>
    /// <param name="cr3">Where they lie, as CR3 has it.</param>
    public bool AreValidPdptes(ulong cr3) => TryReadPdptes(cr3, stackalloc ulong[4]);

    private bool TryReadPdptes(ulong cr3, Span<ulong> entries)
    {
        for (var i = 0; i < 4; i++)
        {
            entries[i] = ReadEntry((cr3 & 0xFFFF_FFE0) + (ulong)i * 8);
            if ((entries[i] & P) != 0 && (entries[i] & (PdpteReserved | (~_addressBits & ~0xFFFUL))) != 0)
                return false;
        }
        return true;
    }

    // Keys of user pages bind everyone, those of supervisor pages the supervisor (SDM Vol. 3, 4.6.2).
    private bool KeyForbids(in PageTranslation page, bool isUser, bool needsWrite)
    {
        uint rights;
        if (page.User)
        {
            if ((_state->Cr4 & Cr4.Pke) == 0)
                return false;
            rights = _state->Pkru;
        }
        else
        {
            if ((_state->Cr4 & Cr4.Pks) == 0 || isUser)
                return false;
            rights = _state->Pkrs;
        }
        return (_state->Efer & Efer.Lma) != 0 && ((rights >> (page.ProtectionKey * 2)) & (needsWrite ? 3u : 1u)) != 0;
    }

    private PageAccess Fault(PageAccess access, PageAccess cause)
    {
        var reported = access & (PageAccess.Write | PageAccess.User);
        if ((access & PageAccess.Fetch) != 0 && (ExecuteDisable || (_state->Cr4 & Cr4.Smep) != 0))
            reported |= PageAccess.Fetch;
        return reported | cause;
    }

    private bool ExecuteDisable => (_state->Efer & Efer.Nxe) != 0 && (_state->Cr4 & Cr4.Pae) != 0;

    /// <summary>
    /// The way that nearly every walk for data goes, in one piece: four levels, tables that were used before, nothing reserved. It marks nothing.
    /// </summary>
    /// <param name="linear">Canonical linear address.</param>
    /// <returns>
    /// Zero where the walk is not of that kind: another has to be made. <see cref="NoLeaf"/> where an entry is not present. Else the leaf, with
    /// the physical address of the 4 KiB page, the rights of all levels in R/W and U/S, and <see cref="LeafOf2MiB"/> or <see cref="LeafOf1GiB"/>
    /// for a large page; <see cref="MarkLeaf"/> sets its accessed and dirty bits.
    /// </returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong WalkUsed(ulong linear)
    {
        var s = _state;
        if ((s->Cr0 & Cr0.Pg) == 0 || (s->Efer & Efer.Lma) == 0 || (s->Cr4 & Cr4.La57) != 0 || s->LinesHeldLow != 0)
            return 0;
        var reserved = _reservedHigh | ((s->Efer & Efer.Nxe) != 0 ? 0 : Xd);
        var used = P | A | reserved;
        var rights = ReadEntry((s->Cr3 & _addressBits) + ((linear >> 39) & 0x1FF) * 8);
        if ((rights & (used | Ps)) != (P | A))
            return Unused(rights);
        var entry = ReadEntry((rights & _addressBits) + ((linear >> 30) & 0x1FF) * 8);
        if ((entry & used) != (P | A))
            return Unused(entry);
        if ((entry & Ps) != 0)
            return _hasGiantPages ? LargeLeaf(linear, entry, rights, 30, LeafOf1GiB) : 0;
        rights &= entry;
        entry = ReadEntry((entry & _addressBits) + ((linear >> 21) & 0x1FF) * 8);
        if ((entry & used) != (P | A))
            return Unused(entry);
        if ((entry & Ps) != 0)
            return LargeLeaf(linear, entry, rights, 21, LeafOf2MiB);
        rights &= entry;
        _leafAddress = (entry & _addressBits) + ((linear >> 12) & 0x1FF) * 8;
        entry = ReadEntry(_leafAddress);
        if ((entry & (P | reserved)) != P)
            return Unused(entry);
        return entry & ~(LeafOf2MiB | LeafOf1GiB) & (rights | ~(Rw | Us));
    }

    /// <summary>Sets the accessed bit, or accessed and dirty bits, of the leaf that <see cref="WalkUsed"/> has just found with its accessed bit clear or its dirty bit.</summary>
    /// <returns>False, with nothing marked, where that has to be done by another walk.</returns>
    internal bool MarkLeaf(ulong leaf, bool isWrite)
    {
        if ((leaf & (LeafOf2MiB | LeafOf1GiB)) != 0 || _leafAddress >= _plainLimit || _memory.WatchesWrites(_host + _leafAddress))
            return false;
        _host[_leafAddress] |= (byte)(isWrite ? A | D : A);
        return true;
    }

    private static ulong Unused(ulong entry) => (entry & P) == 0 ? NoLeaf : 0;

    // Large pages' leaves are marked already, or left to the other walk.
    private ulong LargeLeaf(ulong linear, ulong leaf, ulong rights, int shift, ulong size)
    {
        var pageMask = (1UL << shift) - 1;
        if ((leaf & pageMask & _addressBits & ~PatInLargePage) != 0)
            return 0;
        return (leaf & (~pageMask | 0xFFF) & ~(LeafOf2MiB | LeafOf1GiB) & (rights | ~(Rw | Us))) | (linear & pageMask & ~0xFFFUL) | size;
    }

    private bool WalkLong(ulong linear, ref Walk walk)
    {
        var table = _state->Cr3 & _addressBits;
        var reservedBits = _reservedHigh | (ExecuteDisable ? 0 : Xd);
        for (var shift = (_state->Cr4 & Cr4.La57) != 0 ? 48 : 39; ; shift -= 9)
        {
            // PS exists in a PDE, and in a PDPTE where there are pages of 1 GiB; above it is reserved.
            var mayBeLeaf = shift == 21 || (shift == 30 && _hasGiantPages);
            var reserved = reservedBits | (shift >= 30 && !mayBeLeaf ? Ps : 0);
            if (!Step(linear, shift, mayBeLeaf, reserved, ref table, ref walk, out var more))
                return false;
            if (!more)
                return true;
        }
    }

    private bool WalkPae(ulong linear, ref Walk walk)
    {
        var pointer = _state->Pdptes[(linear >> 30) & 3];
        if ((pointer & P) == 0)
            return false;
        var table = pointer & _addressBits;
        // Nothing is ignored above the address here: bits 62:52 are reserved too.
        var reserved = (~_addressBits & ~0xFFFUL & ~Xd) | (ExecuteDisable ? 0 : Xd);
        return Step(linear, 21, true, reserved, ref table, ref walk, out var more)
            && (!more || Step(linear, 12, false, reserved, ref table, ref walk, out _));
    }

    // One level of tables whose entries have eight bytes. More: the entry refers to another table.
    private bool Step(ulong linear, int shift, bool mayBeLeaf, ulong reservedBits, ref ulong table, ref Walk walk, out bool more)
    {
        var address = table + ((linear >> shift) & 0x1FF) * 8;
        var entry = ReadEntry(address);
        more = false;
        if ((entry & P) == 0)
            return false;
        var pageMask = (1UL << shift) - 1;
        var large = mayBeLeaf && (entry & Ps) != 0;
        walk.Reserved = (entry & reservedBits) != 0 || (large && (entry & pageMask & _addressBits & ~PatInLargePage) != 0);
        if (walk.Reserved)
            return false;
        if (large || shift == 12)
            return walk.End(entry, address, shift, (entry & _addressBits & ~pageMask) | (linear & pageMask));
        walk.Add(entry);
        Mark(address, entry, A);
        table = entry & _addressBits;
        more = true;
        return true;
    }

    private bool Walk32(ulong linear, ref Walk walk)
    {
        var address = (_state->Cr3 & 0xFFFF_F000) + ((linear >> 22) & 0x3FF) * 4;
        ulong entry = ReadEntry32(address);
        if ((entry & P) == 0)
            return false;
        if ((entry & Ps) != 0 && (_state->Cr4 & Cr4.Pse) != 0)
        {
            walk.Reserved = (entry & _reservedPse36) != 0;
            return !walk.Reserved
                && walk.End(entry, address, 22, (entry & 0xFFC0_0000) | (((entry >> 13) & 0xFF) << 32) | (linear & 0x3F_FFFF));
        }
        walk.Add(entry);
        walk.Directory = entry;
        walk.DirectoryAddress = address;
        address = (entry & 0xFFFF_F000) + ((linear >> 12) & 0x3FF) * 4;
        entry = ReadEntry32(address);
        return (entry & P) != 0 && walk.End(entry, address, 12, (entry & 0xFFFF_F000) | (linear & 0xFFF));
    }

    // Sets accessed and dirty bits. They lie in the entry's first byte, whatever its size. vCPUs take turns by whole instructions,
    // which makes this as good as the locked update that the SDM describes.
    private void Mark(ulong address, ulong entry, ulong bits)
    {
        if ((entry & bits) == bits)
            return;
        var updated = (byte)(entry | bits);
        _memory.TryWrite(address & ~_state->LinesHeldLow, new ReadOnlySpan<byte>(in updated));
    }

    // A table outside RAM reads as all ones, as everything does that nothing answers: present, with reserved bits set.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong ReadEntry(ulong address)
    {
        if (address < _plainLimit && _state->LinesHeldLow == 0)
            return *(ulong*)(_host + address);
        return ReadDistantEntry(address);
    }

    private ulong ReadDistantEntry(ulong address)
    {
        var host = _memory.HostAddress(address & ~_state->LinesHeldLow);
        return host == null ? ulong.MaxValue : *(ulong*)host;
    }

    private uint ReadEntry32(ulong address)
    {
        var host = _memory.HostAddress(address & ~_state->LinesHeldLow);
        return host == null ? uint.MaxValue : *(uint*)host;
    }
}
