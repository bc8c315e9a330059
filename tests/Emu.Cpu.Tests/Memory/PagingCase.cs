using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Tests.Memory;

/// <summary>How linear addresses are translated, and by a page of which size: what the tests go through.</summary>
public enum PagingMode
{
    /// <summary>32-bit paging, 4 KiB.</summary>
    Legacy4K,

    /// <summary>32-bit paging, 4 MiB.</summary>
    Legacy4M,

    /// <summary>PAE paging, 4 KiB.</summary>
    Pae4K,

    /// <summary>PAE paging, 2 MiB.</summary>
    Pae2M,

    /// <summary>4-level paging, 4 KiB.</summary>
    Long4K,

    /// <summary>4-level paging, 2 MiB.</summary>
    Long2M,

    /// <summary>4-level paging, 1 GiB.</summary>
    Long1G,

    /// <summary>5-level paging, 4 KiB.</summary>
    Deep4K,

    /// <summary>5-level paging, 2 MiB.</summary>
    Deep2M,

    /// <summary>5-level paging, 1 GiB.</summary>
    Deep1G,
}

/// <summary>
/// One access to one page: the entries that translate it, from the root to the leaf, the registers that matter, and what is wanted.
/// </summary>
/// <remarks>
/// <see cref="Expect"/> is the SDM's chapter 4 in the words of a test: it walks nothing, shares nothing with the walker, and takes the
/// rules one by one.
/// </remarks>
internal sealed record PagingCase(PagingMode Mode, ulong[] Entries, ulong Cr0, ulong Cr4, ulong Efer, bool Ac, uint Pkru, uint Pkrs, PageAccess Access)
{
    public const ulong P = 1, Rw = 2, Us = 4, A = 0x20, D = 0x40, Ps = 0x80, Xd = 1UL << 63;
    public const int PhysicalBits = 40;

    public bool IsLong => Mode >= PagingMode.Long4K;

    public bool IsPae => Mode is PagingMode.Pae4K or PagingMode.Pae2M;

    /// <summary>The leaf's level: 1 for a page table's entry, 2 for a directory's, 3 for a pointer table's.</summary>
    public int LeafLevel => Mode switch
    {
        PagingMode.Legacy4M or PagingMode.Pae2M or PagingMode.Long2M or PagingMode.Deep2M => 2,
        PagingMode.Long1G or PagingMode.Deep1G => 3,
        _ => 1,
    };

    /// <summary>Entries that a walk of the mode reads (PAE's pointers are registers).</summary>
    public static int Levels(PagingMode mode) => mode switch
    {
        PagingMode.Legacy4M or PagingMode.Pae2M => 1,
        PagingMode.Legacy4K or PagingMode.Pae4K => 2,
        PagingMode.Long1G => 2,
        PagingMode.Long2M or PagingMode.Deep1G => 3,
        PagingMode.Long4K or PagingMode.Deep2M => 4,
        _ => 5,
    };

    /// <summary>What the architecture says: null where the access is made, else the error code; and the entries afterwards.</summary>
    public (uint? ErrorCode, ulong[] After) Expect()
    {
        var after = (ulong[])Entries.Clone();
        var nxe = (Efer & State.Efer.Nxe) != 0 && Mode >= PagingMode.Pae4K;
        var write = (Access & PageAccess.Write) != 0;
        var user = (Access & PageAccess.User) != 0;
        var fetch = (Access & PageAccess.Fetch) != 0;
        var code = (write ? 2u : 0) | (user ? 4u : 0) | (fetch && (nxe || Has(State.Cr4.Smep)) ? 16u : 0);

        for (var i = 0; i < Entries.Length; i++)
        {
            if ((Entries[i] & P) == 0)
                return (code, after);
            if ((Entries[i] & Reserved(i, nxe)) != 0)
                return (code | 1 | 8, after);
            if (i < Entries.Length - 1 && Mode != PagingMode.Legacy4K)
                after[i] |= A;
        }

        var isUserPage = Entries.All(entry => (entry & Us) != 0);
        var isWritable = Entries.All(entry => (entry & Rw) != 0);
        var isExecutable = !nxe || Entries.All(entry => (entry & Xd) == 0);
        var wp = (Cr0 & State.Cr0.Wp) != 0;
        var denied = false;
        if (user)
            denied |= !isUserPage || (write && !isWritable);
        else
            denied |= write && wp && !isWritable;
        if (fetch)
            denied |= !isExecutable || (!user && isUserPage && Has(State.Cr4.Smep));
        else
            denied |= !user && isUserPage && Has(State.Cr4.Smap) && !Ac;
        var key = IsLong ? (int)(Entries[^1] >> 59) & 15 : 0;
        if (!fetch && IsLong)
        {
            var rights = isUserPage && Has(State.Cr4.Pke) ? Pkru : !isUserPage && !user && Has(State.Cr4.Pks) ? Pkrs : 0;
            var accessDisabled = ((rights >> (2 * key)) & 1) != 0;
            var writeDisabled = ((rights >> (2 * key)) & 2) != 0;
            if (accessDisabled || (writeDisabled && write && (user || wp)))
            {
                denied = true;
                code |= 32;
            }
        }
        if (denied)
            return (code | 1, after);
        // With 32-bit paging the directory's bit comes with the page's.
        after[0] |= A;
        after[^1] |= A | (write ? D : 0);
        return (null, after);
    }

    // The bits that must be zero in an entry, by SDM Vol. 3, tables 4-4 to 4-20 and figure 4-11.
    private ulong Reserved(int index, bool nxe)
    {
        var isLeaf = index == Entries.Length - 1;
        if (!IsLong && !IsPae)
            return isLeaf && Mode == PagingMode.Legacy4M ? 1u << 21 : 0;
        var level = LeafLevel + Entries.Length - 1 - index;
        var bits = Range(IsPae ? 62 : 51, PhysicalBits) | (nxe ? 0 : Xd);
        if (level >= 4)
            bits |= Ps;
        if (isLeaf)
            bits |= level switch { 2 => Range(20, 13), 3 => Range(29, 13), _ => 0 };
        return bits;
    }

    private static ulong Range(int high, int low) => ((1UL << (high - low + 1)) - 1) << low;

    private bool Has(ulong bit) => (Cr4 & bit) != 0;

    public override string ToString() =>
        $"{Mode} [{string.Join(' ', Entries.Select(entry => entry.ToString("X")))}] CR0={Cr0:X} CR4={Cr4:X} EFER={Efer:X} AC={Ac} PKRU={Pkru:X} PKRS={Pkrs:X} {Access}";
}
