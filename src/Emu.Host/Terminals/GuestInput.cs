using System.Collections.Concurrent;

namespace Emu.Host.Terminals;

/// <summary>Reads standard input on a thread of its own and hands the bytes to the guest when it asks for them.</summary>
public sealed class GuestInput
{
    private readonly ITerminal _terminal;
    private readonly ConcurrentQueue<byte> _queue = new();
    private readonly EscapeFilter? _escapes;

    /// <summary>Creates the input. Nothing is read before <see cref="Start"/>.</summary>
    /// <param name="terminal">Where bytes come from. The escape key is heeded only where a person types: a pipe may carry any byte.</param>
    public GuestInput(ITerminal terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        _terminal = terminal;
        _escapes = terminal.IsInteractive ? new EscapeFilter() : null;
    }

    /// <summary>Is called on the reading thread when new bytes wait.</summary>
    public Action? Arrived { get; set; }

    /// <summary>Is called on the reading thread when the user used the escape key.</summary>
    public Action<EscapeCommand>? Escaped { get; set; }

    /// <summary>True after the end of input.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>True where bytes wait.</summary>
    public bool HasBytes => !_queue.IsEmpty;

    /// <summary>Starts reading.</summary>
    public void Start() => new Thread(Pump) { IsBackground = true, Name = "console input" }.Start();

    /// <summary>Takes the next byte, without waiting.</summary>
    /// <param name="value">The byte.</param>
    /// <returns>False where none waits.</returns>
    public bool TryRead(out byte value) => _queue.TryDequeue(out value);

    private void Pump()
    {
        byte[] buffer = new byte[4096];
        List<byte> guest = [];
        int count;
        while ((count = _terminal.Read(buffer)) > 0)
        {
            guest.Clear();
            foreach (byte typed in buffer.AsSpan(0, count))
            {
                if (_escapes is null)
                    guest.Add(typed);
                else if (_escapes.Accept(typed, guest) is var command and not EscapeCommand.None)
                    Escaped?.Invoke(command);
            }

            foreach (byte value in guest)
                _queue.Enqueue(value);
            if (guest.Count != 0)
                Arrived?.Invoke();
        }

        IsAtEnd = true;
    }
}
