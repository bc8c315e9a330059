namespace Emu.Xen;

/// <summary>What hypercalls return where they fail (xen/include/public/errno.h), negated as the guest sees it.</summary>
public static class XenError
{
    /// <summary>EPERM: the caller's privilege, or the domain's, does not allow it.</summary>
    public const long NotPermitted = -1;

    /// <summary>ENOENT: what was named does not exist, a vCPU for example.</summary>
    public const long NoEntry = -2;

    /// <summary>ESRCH: no such domain.</summary>
    public const long NoDomain = -3;

    /// <summary>ENXIO: an address lies outside what it has to be in.</summary>
    public const long NoAddress = -6;

    /// <summary>E2BIG: the caller's buffer is too small.</summary>
    public const long TooBig = -7;

    /// <summary>ENOMEM: no memory is left.</summary>
    public const long NoMemory = -12;

    /// <summary>EACCES: the domain has no right to it.</summary>
    public const long NoAccess = -13;

    /// <summary>EFAULT: a guest buffer cannot be read or written.</summary>
    public const long BadAddress = -14;

    /// <summary>EBUSY: it is in use.</summary>
    public const long Busy = -16;

    /// <summary>EEXIST: it is there already.</summary>
    public const long Exists = -17;

    /// <summary>ENODEV: there is no such device.</summary>
    public const long NoDevice = -19;

    /// <summary>EINVAL: an argument is out of its range.</summary>
    public const long Invalid = -22;

    /// <summary>ENOSPC: no number is left to hand out.</summary>
    public const long NoSpace = -28;

    /// <summary>ERANGE: a result has no place in what has to take it.</summary>
    public const long Range = -34;

    /// <summary>EDOM: a number that Xen itself would have made is not of that form.</summary>
    public const long OutOfDomain = -33;

    /// <summary>ENOSYS: no such hypercall or sub-operation.</summary>
    public const long NotImplemented = -38;

    /// <summary>ENODATA: there is no such datum.</summary>
    public const long NoData = -61;

    /// <summary>EOVERFLOW: a range goes beyond the last number.</summary>
    public const long Overflow = -75;

    /// <summary>EILSEQ: a continued operation is already beyond its end.</summary>
    public const long IllegalSequence = -84;

    /// <summary>EOPNOTSUPP: the operation exists, but not here.</summary>
    public const long NotSupported = -95;
}
