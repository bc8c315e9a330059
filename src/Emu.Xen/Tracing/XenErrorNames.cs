namespace Emu.Xen.Tracing;

/// <summary>What errors are called (xen/include/public/errno.h).</summary>
internal static class XenErrorNames
{
    public static string? Find(long result) => result switch
    {
        -1 => "EPERM",
        -2 => "ENOENT",
        -3 => "ESRCH",
        -5 => "EIO",
        -6 => "ENXIO",
        -7 => "E2BIG",
        -8 => "ENOEXEC",
        -9 => "EBADF",
        -11 => "EAGAIN",
        -12 => "ENOMEM",
        -13 => "EACCES",
        -14 => "EFAULT",
        -16 => "EBUSY",
        -17 => "EEXIST",
        -18 => "EXDEV",
        -19 => "ENODEV",
        -22 => "EINVAL",
        -28 => "ENOSPC",
        -34 => "ERANGE",
        -38 => "ENOSYS",
        -61 => "ENODATA",
        -62 => "ETIME",
        -95 => "EOPNOTSUPP",
        -106 => "EISCONN",
        -107 => "ENOTCONN",
        -110 => "ETIMEDOUT",
        _ => null,
    };
}
