namespace Emu.Host.Terminals;

/// <summary>What the user asked of the emulator itself with the escape key.</summary>
public enum EscapeCommand
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Ctrl-A x: end the run.</summary>
    Quit,

    /// <summary>Ctrl-A h or Ctrl-A ?: show the keys.</summary>
    Help,
}

/// <summary>Takes the escape key's sequences out of what the user types: Ctrl-A x, Ctrl-A h, and Ctrl-A Ctrl-A for a Ctrl-A that the guest gets.</summary>
public sealed class EscapeFilter
{
    /// <summary>Ctrl-A, as QEMU's console has it.</summary>
    public const byte EscapeKey = 0x01;

    /// <summary>What Ctrl-A h shows.</summary>
    public const string HelpText = "Ctrl-A x  end the emulator\nCtrl-A h  this help\nCtrl-A Ctrl-A  send Ctrl-A to the guest\n";

    private bool _afterEscape;

    /// <summary>Takes one byte that was typed.</summary>
    /// <param name="typed">The byte.</param>
    /// <param name="guest">Gets what the guest shall see: nothing, one byte or two.</param>
    /// <returns>What the emulator shall do.</returns>
    public EscapeCommand Accept(byte typed, List<byte> guest)
    {
        ArgumentNullException.ThrowIfNull(guest);
        if (!_afterEscape)
        {
            if (typed == EscapeKey)
                _afterEscape = true;
            else
                guest.Add(typed);
            return EscapeCommand.None;
        }

        _afterEscape = false;
        switch (typed)
        {
            case (byte)'x' or (byte)'X':
                return EscapeCommand.Quit;
            case (byte)'h' or (byte)'H' or (byte)'?':
                return EscapeCommand.Help;
            case EscapeKey:
                guest.Add(EscapeKey);
                return EscapeCommand.None;
            default:
                // Not a command: the guest gets both, so that screen or readline inside it lose nothing.
                guest.Add(EscapeKey);
                guest.Add(typed);
                return EscapeCommand.None;
        }
    }
}
