namespace Emu.Xen;

/// <summary>What hypercalls return where they fail (xen/include/public/errno.h), negated as the guest sees it.</summary>
public static class XenError
{
    /// <summary>Not permitted: the caller's privilege, or the domain's.</summary>
    public const long NotPermitted = -1;

    /// <summary>EFAULT: a guest buffer cannot be read or written.</summary>
    public const long BadAddress = -14;

    /// <summary>EINVAL: an argument is out of its range.</summary>
    public const long Invalid = -22;

    /// <summary>ENOSYS: no such hypercall or sub-operation.</summary>
    public const long NotImplemented = -38;
}
