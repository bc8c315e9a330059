using System.Collections.Concurrent;
using Emu.Machine.Consoles;

namespace Emu.Host.Terminals;

/// <summary>Reads standard input on a thread of its own and hands the bytes to the guest when it asks for them.</summary>
public sealed class GuestInput : IConsoleSource, IDisposable
{
    private readonly ITerminal _terminal;
    private readonly ConcurrentQueue<byte> _queue = new();
    private readonly ManualResetEventSlim _hasNews = new(false);
    private readonly EscapeFilter? _escapes;
    private volatile bool _isAtEnd;
    private volatile bool _isWoken;

    /// <summary>Creates the input. Nothing is read before <see cref="Start"/>.</summary>
    /// <param name="terminal">Where bytes come from. The escape key is heeded only where a person types: a pipe may carry any byte.</param>
    public GuestInput(ITerminal terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        _terminal = terminal;
        _escapes = terminal.IsInteractive ? new EscapeFilter() : null;
    }

    /// <summary>Is called on the reading thread when the user used the escape key.</summary>
    public Action<EscapeCommand>? Escaped { get; set; }

    /// <inheritdoc/>
    public bool IsInteractive => _terminal.IsInteractive;

    /// <summary>True once the guest has taken a byte: another run without it would be another run.</summary>
    public bool HasDelivered { get; private set; }

    /// <summary>Starts reading.</summary>
    public void Start() => new Thread(Pump) { IsBackground = true, Name = "console input" }.Start();

    /// <inheritdoc/>
    public ConsoleInput TryRead(out byte value)
    {
        // The end is looked at first: what was queued before it must still come out.
        bool isAtEnd = _isAtEnd;
        if (_queue.TryDequeue(out value))
        {
            HasDelivered = true;
            return ConsoleInput.Available;
        }

        return isAtEnd ? ConsoleInput.Ended : ConsoleInput.Empty;
    }

    /// <inheritdoc/>
    public bool Wait(TimeSpan timeout)
    {
        if (_isWoken)
            return HasSomething;
        _hasNews.Reset();
        if (HasSomething || _isWoken)
            return HasSomething;
        _hasNews.Wait(timeout);
        return HasSomething;
    }

    /// <summary>Ends every <see cref="Wait"/>, present and future, so that the run can end.</summary>
    public void Wake()
    {
        _isWoken = true;
        _hasNews.Set();
    }

    /// <inheritdoc/>
    public void Dispose() => Wake();

    private bool HasSomething => !_queue.IsEmpty || _isAtEnd;

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
            _hasNews.Set();
        }

        _isAtEnd = true;
        _hasNews.Set();
    }
}
