namespace Emu.Xen.Grants;

/// <summary>Type and flags of a grant entry (GTF_*, xen/include/public/grant_table.h). The type is the lowest two bits.</summary>
[Flags]
internal enum GrantFlags : ushort
{
    Invalid = 0,
    PermitAccess = 1,
    AcceptTransfer = 2,
    Transitive = 3,
    TypeMask = 3,
    ReadOnly = 1 << 2,

    /// <summary>Xen: the page is mapped, or being copied from.</summary>
    Reading = 1 << 3,

    /// <summary>Xen: the page is mapped for writing, or being copied to.</summary>
    Writing = 1 << 4,
    SubPage = 1 << 8,
}

/// <summary>How a grant is to be mapped (GNTMAP_*, xen/include/public/grant_table.h).</summary>
[Flags]
internal enum GrantMapFlags : uint
{
    None = 0,
    DeviceMap = 1 << 0,
    HostMap = 1 << 1,
    ReadOnly = 1 << 2,
    ApplicationMap = 1 << 3,
    ContainsPageTableEntry = 1 << 4,
}
