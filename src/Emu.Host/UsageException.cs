namespace Emu.Host;

/// <summary>Something that the user gave cannot be used. The message is one sentence; the process prints it and ends with <see cref="ExitCode.Usage"/>.</summary>
public sealed class UsageException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence that names what was given and what would do.</param>
    /// <param name="inner">What the system reported, or null.</param>
    public UsageException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
