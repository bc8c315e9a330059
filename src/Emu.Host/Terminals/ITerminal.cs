namespace Emu.Host.Terminals;

/// <summary>The user's terminal, or what stands in its place. Its one source of trouble is a mode left behind, so <see cref="Restore"/> may be called at any time, from any thread, any number of times.</summary>
public interface ITerminal : IDisposable
{
    /// <summary>True where standard input is a terminal, so that a person types and sees the escape key's help.</summary>
    bool IsInteractive { get; }

    /// <summary>Passes keys on as they are pressed, unechoed and uninterpreted: Ctrl-C is the guest's. Does nothing where input is no terminal.</summary>
    void EnterRawMode();

    /// <summary>Gives the terminal back as it was found.</summary>
    void Restore();

    /// <summary>Waits for input.</summary>
    /// <param name="buffer">Where the bytes go.</param>
    /// <returns>How many bytes were read; 0 at the end of input.</returns>
    int Read(Span<byte> buffer);
}

/// <summary>Opens the terminal of the system that this process runs on.</summary>
public static class Terminal
{
    /// <summary>Opens standard input. Nothing is changed before <see cref="ITerminal.EnterRawMode"/>.</summary>
    /// <returns>The terminal.</returns>
    public static ITerminal Open() => OperatingSystem.IsWindows() ? new WindowsTerminal() : new PosixTerminal();

    /// <summary>True where a person reads standard error as it comes, so that a progress line makes sense.</summary>
    public static bool ErrorIsTerminal => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>True where a person sees standard output as it comes: what stands on the screen is then what matters, not which bytes the guest has written now.</summary>
    public static bool OutputIsTerminal => !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>True where colours suit standard error: it is a terminal, and the user has not set NO_COLOR (no-color.org).</summary>
    public static bool ErrorTakesColour => ErrorIsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
}
