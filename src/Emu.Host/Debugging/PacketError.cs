namespace Emu.Host.Debugging;

/// <summary>Answers that refuse; the numbers are errno's, as gdb's users know them.</summary>
internal static class PacketError
{
    /// <summary>EINVAL: the packet cannot be understood.</summary>
    public const string Malformed = "E16";

    /// <summary>ESRCH.</summary>
    public const string NoSuchThread = "E03";

    /// <summary>EFAULT: no RAM is mapped there.</summary>
    public const string NoMemory = "E0e";

    /// <summary>EPERM: the register is read only, or cannot have that value.</summary>
    public const string NotWritable = "E01";

    /// <summary>ENOSPC: more breakpoints than anybody sets.</summary>
    public const string TooMany = "E1c";
}
