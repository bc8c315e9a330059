namespace Emu.Machine.Consoles;

/// <summary>A device of the guest that takes console input: a serial port, a console ring.</summary>
public interface IConsoleReceiver
{
    /// <summary>True where the guest listens, and a byte would not meet one that it has not taken yet.</summary>
    bool WantsInput { get; }

    /// <summary>How long a byte takes on its way, in nanoseconds.</summary>
    ulong CharacterTime { get; }

    /// <summary>Called when <see cref="WantsInput"/> may have become true.</summary>
    event Action? ReceiverReady;

    /// <summary>Gives the guest a byte.</summary>
    /// <param name="value">The byte.</param>
    void Receive(byte value);
}
