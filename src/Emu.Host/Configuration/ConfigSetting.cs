using System.Globalization;

namespace Emu.Host.Configuration;

/// <summary>A key and its value, and the value as what its key wants.</summary>
/// <param name="Source">The file's name, for refusals.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value.</param>
internal sealed record ConfigSetting(string Source, string Key, ConfigValue Value)
{
    /// <summary>The value as text, which has no NUL.</summary>
    /// <exception cref="UsageException">It is a list.</exception>
    public string Text => Value is ConfigText text ? WithoutNul(text) : throw Refuse("a single value is wanted, not a list");

    /// <summary>The value as a list of strings; a single string counts as a list of one.</summary>
    /// <exception cref="UsageException">It holds a list.</exception>
    public IReadOnlyList<ConfigText> Texts => Value switch
    {
        ConfigText text => [text],
        ConfigList list => [.. list.Items.Select(item => item as ConfigText ?? throw Refuse("a list of strings is wanted, without lists in it"))],
        _ => [],
    };

    /// <summary>The value as a truth: a number, of which 0 is false.</summary>
    /// <exception cref="UsageException">It is no number.</exception>
    public bool IsTrue => Number(0, long.MaxValue) != 0;

    /// <summary>The value as a number: decimal, hexadecimal after 0x, octal after 0, in quotes or not.</summary>
    /// <param name="least">The least that will do.</param>
    /// <param name="most">The most that will do.</param>
    /// <returns>The number.</returns>
    /// <exception cref="UsageException">It is no number, or out of range.</exception>
    public long Number(long least, long most)
    {
        string text = Text.Trim();
        if (!TryParse(text, out long number) || number < least || number > most)
        {
            string range = most == long.MaxValue ? $"from {least} up" : $"from {least} to {most}";
            throw Refuse(string.Create(CultureInfo.InvariantCulture, $"a whole number {range} is wanted, not '{text}'"));
        }

        return number;
    }

    /// <summary>Makes a refusal that names file, line and key.</summary>
    /// <param name="what">What is wrong, without the full stop.</param>
    /// <returns>The refusal.</returns>
    public UsageException Refuse(string what) => RefuseAt(Value.Line, what);

    /// <summary>Makes a refusal of one value of a list.</summary>
    /// <param name="line">Its line.</param>
    /// <param name="what">What is wrong, without the full stop.</param>
    /// <returns>The refusal.</returns>
    public UsageException RefuseAt(int line, string what) => new($"{Source}:{line}: {Key}: {OnOneLine(what)}.");

    /// <summary>What is quoted from the file may hold line ends, written as escapes.</summary>
    private static string OnOneLine(string text) => string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c));

    private string WithoutNul(ConfigText text) =>
        text.Text.Contains('\0', StringComparison.Ordinal) ? throw Refuse("a NUL character cannot be passed on") : text.Text;

    private static bool TryParse(string text, out long number)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) && number >= 0;
        if (text is not ['0', _, ..])
            return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
        number = 0;
        foreach (char c in text.AsSpan(1))
        {
            if (c is < '0' or > '7' || number > long.MaxValue >> 3)
                return false;
            number = (number << 3) | (uint)(c - '0');
        }

        return true;
    }
}
