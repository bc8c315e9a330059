namespace Emu.Machine.Consoles;

/// <summary>Where the guest's console input comes from.</summary>
public interface IConsoleSource
{
    /// <summary>
    /// True for a human at a terminal: nobody waits for the first byte, and idle time is paced while the guest listens. False for a file
    /// or a pipe, which is given a moment to deliver, so that the bytes that are there enter at the same virtual time in each run.
    /// </summary>
    bool IsInteractive { get; }

    /// <summary>Takes the next byte, if there is one.</summary>
    /// <param name="value">The byte.</param>
    /// <returns>Whether there is a byte, none yet, or none ever again.</returns>
    ConsoleInput TryRead(out byte value);

    /// <summary>Takes the next byte, and waits for it where there is none yet.</summary>
    /// <param name="patience">Host time to wait at most; zero for not at all.</param>
    /// <param name="value">The byte.</param>
    /// <returns>Whether there is a byte, none yet, or none ever again.</returns>
    ConsoleInput TryRead(TimeSpan patience, out byte value)
    {
        var state = TryRead(out value);
        return state == ConsoleInput.Empty && patience != TimeSpan.Zero && Wait(patience) ? TryRead(out value) : state;
    }

    /// <summary>Waits until <see cref="TryRead(out byte)"/> has something to say.</summary>
    /// <param name="timeout">Host time to wait at most.</param>
    /// <returns>True where there is a byte or the end of input.</returns>
    bool Wait(TimeSpan timeout);
}

/// <summary>What a console source has.</summary>
public enum ConsoleInput
{
    /// <summary>A byte was taken.</summary>
    Available,

    /// <summary>Nothing yet.</summary>
    Empty,

    /// <summary>Nothing ever again.</summary>
    Ended,
}
