namespace Emu.Cpu.Snapshots;

/// <summary>A snapshot cannot be used: it is damaged, or of another machine. The message is one sentence for the user.</summary>
public sealed class SnapshotException : Exception
{
    /// <summary>Without a reason.</summary>
    public SnapshotException()
        : base("The snapshot cannot be used.")
    {
    }

    /// <summary>With the reason.</summary>
    /// <param name="message">One sentence.</param>
    public SnapshotException(string message)
        : base(message)
    {
    }

    /// <summary>With the reason and its cause.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="innerException">The cause.</param>
    public SnapshotException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
