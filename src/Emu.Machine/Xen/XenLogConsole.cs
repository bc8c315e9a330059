using Emu.Machine.Consoles;

namespace Emu.Machine.Xen;

/// <summary>Where a domain's output goes that is meant for Xen's own log: console_io, and port 0xE9.</summary>
/// <remarks>
/// A guest that has nothing else talks to its user through it. One that has a PV console often writes everything to both; then the log
/// would only repeat what the console shows, and is kept only where somebody asked for it.
/// </remarks>
internal sealed class XenLogConsole : IConsoleSink
{
    private readonly IConsoleSink _console;
    private readonly IConsoleSink? _log;

    /// <summary>Makes it.</summary>
    /// <param name="console">The guest's console.</param>
    /// <param name="log">Where the log was asked to go; null where nobody asked.</param>
    public XenLogConsole(IConsoleSink console, IConsoleSink? log)
    {
        _console = console;
        _log = log;
    }

    /// <summary>Says whether the guest uses its PV console.</summary>
    public Func<bool> HasOtherConsole { get; set; } = static () => false;

    /// <summary>Takes a byte of console_io.</summary>
    public void WriteText(byte value) => (HasOtherConsole() ? _log : _console)?.Write(value);

    /// <summary>Takes a byte of port 0xE9.</summary>
    public void Write(byte value)
    {
        if (_log is not null)
            _log.Write(value);
        else
            WriteText(value);
    }

    public void Flush()
    {
        _console.Flush();
        _log?.Flush();
    }
}
