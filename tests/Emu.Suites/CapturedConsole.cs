using System.Text;
using Emu.Machine.Consoles;

namespace Emu.Suites;

/// <summary>Keeps what a guest prints.</summary>
internal sealed class CapturedConsole : IConsoleSink
{
    private readonly StringBuilder _text = new();

    /// <summary>All of it so far, a character for each byte.</summary>
    public string Text => _text.ToString();

    public void Write(byte value) => _text.Append((char)value);

    public void Flush()
    {
    }
}
