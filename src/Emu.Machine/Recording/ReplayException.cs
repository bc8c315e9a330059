namespace Emu.Machine.Recording;

/// <summary>A replay has left the run that was recorded. The message is one sentence that says where.</summary>
public sealed class ReplayException : Exception
{
    /// <summary>Without a reason.</summary>
    public ReplayException()
        : base("The replay has left the recorded run.")
    {
    }

    /// <summary>With the reason.</summary>
    /// <param name="message">One sentence.</param>
    public ReplayException(string message)
        : base(message)
    {
    }

    /// <summary>With the reason and its cause.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="innerException">The cause.</param>
    public ReplayException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
