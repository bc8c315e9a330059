namespace Emu.Pvh;

/// <summary>
/// The root of every error that this library reports about its inputs. <see cref="Exception.Message"/> is one sentence that a user
/// who knows nothing of the code can act on; a host prints it and ends, without a stack trace.
/// </summary>
public abstract class PvhBootException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    /// <param name="inner">What a lower layer reported, or null.</param>
    protected PvhBootException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The kernel image cannot be used. Every cause has a class of its own below this one.</summary>
public abstract class KernelImageException : PvhBootException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    /// <param name="inner">What a lower layer reported, or null.</param>
    protected KernelImageException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The image is fine, but what was asked for does not fit into this guest: memory, modules, command line or memory map.</summary>
public sealed class BootLayoutException : PvhBootException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    public BootLayoutException(string message)
        : base(message)
    {
    }
}

/// <summary>A start_info block read back from guest memory breaks the ABI.</summary>
public sealed class StartInfoException : PvhBootException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    public StartInfoException(string message)
        : base(message)
    {
    }
}
