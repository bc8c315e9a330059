using System.Text;
using Emu.Machine.Consoles;

namespace Emu.Host.Explaining;

/// <summary>Takes what the guest writes on a console, line by line, with the instruction count at which each line began.</summary>
/// <param name="narrator">Knows the time, and tells of the first line.</param>
/// <param name="device">The console's name.</param>
/// <param name="lines">Takes the lines.</param>
internal sealed class ConsoleListener(BootNarrator narrator, string device, List<ConsoleLine> lines) : IConsoleSink
{
    /// <summary>More than any boot writes; a guest may write for ever.</summary>
    private const int MostLines = 20_000;

    private const int LongestLine = 400;

    private readonly List<byte> _line = [];
    private ulong _count;
    private ulong _time;
    private bool _hasTold;

    /// <summary>Hears each line once it is whole.</summary>
    public Action<ConsoleLine>? Line { get; set; }

    /// <inheritdoc/>
    public void Write(byte value)
    {
        if (value is (byte)'\n')
        {
            End();
            return;
        }

        if (value is < 0x20 or 0x7F)
            return;
        if (_line.Count == 0)
        {
            _count = narrator.Now;
            _time = narrator.Time;
        }

        _line.Add(value);
        if (_line.Count >= LongestLine)
            End();
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <summary>Text of the guest's that does nothing to a terminal.</summary>
    internal static string Plain(string text) => string.Concat(text.Select(static c => char.IsControl(c) ? '\uFFFD' : c));

    /// <summary>Ends the last line.</summary>
    public void End()
    {
        if (_line.Count == 0)
            return;
        ConsoleLine line = new(_count, _time, Plain(Encoding.UTF8.GetString([.. _line])));
        _line.Clear();
        if (!_hasTold)
            narrator.TellConsole(line, device);
        _hasTold = true;
        if (lines.Count >= MostLines)
            return;
        lines.Add(line);
        Line?.Invoke(line);
    }
}
