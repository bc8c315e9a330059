using System.Text;

namespace Emu.Machine.Consoles;

/// <summary>Keeps the guest's console output as text, for programs that look at it (<see cref="PvhMachine.RunUntil(ConsoleText, string, RunLimits?, CancellationToken)"/>).</summary>
public sealed class ConsoleText : IConsoleSink
{
    private readonly List<byte> _bytes = [];
    private byte[]? _awaited;
    private Action? _found;
    private int _searched;

    /// <summary>All output so far, as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString([.. _bytes]);

    /// <inheritdoc/>
    public void Write(byte value)
    {
        _bytes.Add(value);
        if (_awaited is not null && _bytes.Count - _searched >= _awaited.Length && EndsWithAwaited())
            Find();
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <summary>Returns all output so far.</summary>
    /// <returns>It.</returns>
    public override string ToString() => Text;

    /// <summary>Looks for a text behind the one that was found last, in what is there and in what comes.</summary>
    /// <param name="text">The text.</param>
    /// <param name="found">Called when the text's last byte comes.</param>
    /// <returns>True where it is there already; nothing is called then.</returns>
    internal bool TryFind(string text, Action found)
    {
        _awaited = Encoding.UTF8.GetBytes(text);
        var at = _bytes.Slice(_searched, _bytes.Count - _searched).ToArray().AsSpan().IndexOf(_awaited);
        if (at < 0)
        {
            _found = found;
            return false;
        }

        _searched += at + _awaited.Length;
        _awaited = null;
        return true;
    }

    /// <summary>Looks for nothing any more.</summary>
    /// <returns>False where a text was looked for until now.</returns>
    internal bool EndSearch()
    {
        var hasFound = _awaited is null;
        _awaited = null;
        _found = null;
        return hasFound;
    }

    private bool EndsWithAwaited()
    {
        var start = _bytes.Count - _awaited!.Length;
        for (var i = 0; i < _awaited.Length; i++)
        {
            if (_bytes[start + i] != _awaited[i])
                return false;
        }

        return true;
    }

    private void Find()
    {
        _awaited = null;
        _searched = _bytes.Count;
        _found?.Invoke();
    }
}
