using Emu.Machine.Consoles;

namespace Emu.Host.Snapshots;

/// <summary>Passes the guest's console on, and waits for texts in it.</summary>
/// <param name="inner">Where it goes.</param>
internal sealed class ConsoleTexts(IConsoleSink inner) : IConsoleSink
{
    private readonly List<(byte[] Text, int[] Borders, Action Found)> _texts = [];
    private readonly List<int> _matched = [];

    /// <summary>Waits for a text, once.</summary>
    /// <param name="text">It; not empty.</param>
    /// <param name="found">Called when its last byte has been written, in the middle of an instruction.</param>
    public void Await(ReadOnlySpan<byte> text, Action found)
    {
        _texts.Add((text.ToArray(), Borders(text), found));
        _matched.Add(0);
    }

    /// <inheritdoc/>
    public void Write(byte value)
    {
        inner.Write(value);
        for (int i = _texts.Count - 1; i >= 0; i--)
        {
            (byte[] text, int[] borders, Action found) = _texts[i];
            int matched = _matched[i];
            while (matched != 0 && text[matched] != value)
                matched = borders[matched - 1];
            if (text[matched] == value)
                matched++;
            _matched[i] = matched;
            if (matched != text.Length)
                continue;
            _texts.RemoveAt(i);
            _matched.RemoveAt(i);
            found();
        }
    }

    /// <inheritdoc/>
    public void Flush() => inner.Flush();

    // How much of each beginning of the text is also its end: where the search goes on after a byte that does not fit (Knuth, Morris, Pratt).
    private static int[] Borders(ReadOnlySpan<byte> text)
    {
        int[] borders = new int[text.Length];
        for (int i = 1, matched = 0; i < text.Length; i++)
        {
            while (matched != 0 && text[matched] != text[i])
                matched = borders[matched - 1];
            if (text[matched] == text[i])
                matched++;
            borders[i] = matched;
        }

        return borders;
    }
}
