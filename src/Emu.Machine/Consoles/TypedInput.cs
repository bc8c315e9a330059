using System.Text;

namespace Emu.Machine.Consoles;

/// <summary>
/// A keyboard under a program's control (<see cref="PvhMachine.Type"/>). While nothing is typed, nothing is waited for: a guest that idles
/// does so in virtual time.
/// </summary>
public sealed class TypedInput : IConsoleSource
{
    private readonly Queue<byte> _bytes = [];

    /// <inheritdoc/>
    public bool IsInteractive => false;

    /// <inheritdoc/>
    public ConsoleInput TryRead(out byte value) => _bytes.TryDequeue(out value) ? ConsoleInput.Available : ConsoleInput.Ended;

    /// <inheritdoc/>
    public bool Wait(TimeSpan timeout) => true;

    internal void Add(string text)
    {
        foreach (var value in Encoding.UTF8.GetBytes(text))
            _bytes.Enqueue(value);
    }
}
