namespace Emu.Machine.Tracing;

/// <summary>A file cannot be used as a trace. The message is one sentence that begins with what is wrong, without the file's name.</summary>
public sealed class TraceFileException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="inner">What was reported, or null.</param>
    public TraceFileException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
