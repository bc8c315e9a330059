namespace Emu.Xen.Grants;

/// <summary>What became of one operation on a grant (GNTST_*, xen/include/public/grant_table.h).</summary>
public enum GrantStatus : short
{
    /// <summary>It was done.</summary>
    Okay = 0,

    /// <summary>It failed, for example since the entry does not grant it.</summary>
    GeneralError = -1,

    /// <summary>There is no such domain.</summary>
    BadDomain = -2,

    /// <summary>There is no such entry.</summary>
    BadReference = -3,

    /// <summary>There is no such mapping.</summary>
    BadHandle = -4,

    /// <summary>A guest buffer cannot be written.</summary>
    BadVirtualAddress = -5,

    /// <summary>The caller may not do that.</summary>
    PermissionDenied = -8,

    /// <summary>The page that was named does not exist.</summary>
    BadPage = -9,

    /// <summary>A copy crosses the end of a page.</summary>
    BadCopyArgument = -10,

    /// <summary>Not now: the entry is in use.</summary>
    Again = -12,

    /// <summary>No handle is left.</summary>
    NoSpace = -13,
}
