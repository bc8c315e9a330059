namespace Emu.Machine.Recording;

/// <summary>A recording cannot be used: it is damaged, no recording, or of another run. The message is one sentence for the user.</summary>
public sealed class RecordingException : Exception
{
    /// <summary>Without a reason.</summary>
    public RecordingException()
        : base("The recording cannot be used.")
    {
    }

    /// <summary>With the reason.</summary>
    /// <param name="message">One sentence.</param>
    public RecordingException(string message)
        : base(message)
    {
    }

    /// <summary>With the reason and its cause.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="innerException">The cause.</param>
    public RecordingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
