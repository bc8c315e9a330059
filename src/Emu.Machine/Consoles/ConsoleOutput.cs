namespace Emu.Machine.Consoles;

/// <summary>The machine's console output: remembers whether there is something to flush.</summary>
internal sealed class ConsoleOutput : IConsoleSink
{
    private readonly IConsoleSink? _sink;
    private bool _hasUnflushed;

    public ConsoleOutput(IConsoleSink? sink) => _sink = sink;

    /// <summary>While true, what is written has been seen before and goes nowhere.</summary>
    public bool IsMuted { get; set; }

    public void Write(byte value)
    {
        if (IsMuted)
            return;
        _hasUnflushed = true;
        _sink?.Write(value);
    }

    public void Flush()
    {
        if (!_hasUnflushed)
            return;
        _hasUnflushed = false;
        _sink?.Flush();
    }
}
