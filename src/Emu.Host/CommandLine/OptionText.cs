using System.Globalization;
using System.Text;

namespace Emu.Host.CommandLine;

/// <summary>Turns the text of options into values. Every refusal names the option, what was given and what would do.</summary>
internal static class OptionText
{
    public static T Choice<T>(string option, string? text, T standard, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        if (text is null)
            return standard;
        foreach ((string name, T value) in choices)
        {
            if (name == text)
                return value;
        }

        List<string> names = [];
        foreach ((string name, _) in choices)
            names.Add(name);
        throw new UsageException($"{option} does not know '{text}'; it takes {Enumerate(names)}.");
    }

    public static ulong? Count(string option, string? text)
    {
        if (text is null)
            return null;
        // 1_000_000 and 1,000,000 read better than seven digits.
        string digits = text.Replace("_", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal);
        if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
            throw new UsageException($"{option} takes a whole number of instructions, not '{text}'.");
        return count;
    }

    public static ulong Seed(string option, string? text)
    {
        if (text is null)
            return 0;
        bool isHexadecimal = text.StartsWith("0x", StringComparison.Ordinal);
        if (!ulong.TryParse(isHexadecimal ? text[2..] : text, isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture, out ulong seed))
        {
            throw new UsageException($"{option} takes a whole number of up to 64 bits, such as 42 or 0x2A, not '{text}'.");
        }
        return seed;
    }

    public static TimeSpan? Seconds(string option, string? text)
    {
        if (text is null)
            return null;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
            || !(seconds > 0) || seconds > 1e9)
        {
            throw new UsageException($"{option} takes a number of seconds above 0, such as 30 or 0.5, not '{text}'.");
        }

        return TimeSpan.FromSeconds(seconds);
    }

    public static ulong Size(string option, string? text, ulong standard, ulong minimum, ulong maximum)
    {
        if (text is null)
            return standard;
        if (!ByteSize.TryParse(text, out ulong bytes))
            throw new UsageException($"{option} takes a size such as 512M or 2G, not '{text}'.");
        if (bytes < minimum || bytes > maximum)
            throw new UsageException($"{option} must lie between {ByteSize.Format(minimum)} and {ByteSize.Format(maximum)}; '{text}' does not.");
        return bytes;
    }

    public static int Integer(string option, string? text, int standard, int minimum, int maximum)
    {
        if (text is null)
            return standard;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < minimum || value > maximum)
            throw new UsageException($"{option} takes a whole number from {minimum} to {maximum}, not '{text}'.");
        return value;
    }

    /// <summary>Text as the guest gets it: UTF-8, and never a character that was lost on the way to us.</summary>
    public static ReadOnlyMemory<byte>? GuestText(string option, string? text)
    {
        if (text is null)
            return null;
        if (text.Contains('\uFFFD', StringComparison.Ordinal))
            throw new UsageException($"{option} holds bytes that are not UTF-8, which cannot be passed on as they are.");
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new UsageException($"{option} holds half of a surrogate pair, which cannot be written as UTF-8.", e);
        }
    }

    /// <summary>FILE[,cmdline]: the first comma parts the two.</summary>
    public static ModuleOption Module(string option, string text)
    {
        int comma = text.IndexOf(',', StringComparison.Ordinal);
        string path = comma < 0 ? text : text[..comma];
        if (path.Length == 0)
            throw new UsageException($"{option} needs a file name before the comma in '{text}'.");
        return new ModuleOption(path, comma < 0 ? null : GuestText(option, text[(comma + 1)..]));
    }

    /// <summary>What a domain may be called.</summary>
    public const string DomainNameRule = "a domain's name has 1 to 63 letters, digits, '-', '_', '.', '+' or ':'";

    /// <summary>Whether a domain may be called so: nothing that means something in a path of xenstore or in a line of the log.</summary>
    public static bool IsDomainName(string text) =>
        text.Length is > 0 and <= 63 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+' or ':');

    /// <summary>Reads a span of virtual time: a number, perhaps with a fraction, and its unit.</summary>
    /// <param name="text">The text: 2s, 1.5ms, 300us or 20ns.</param>
    /// <param name="nanoseconds">The time.</param>
    /// <returns>False where it is none.</returns>
    public static bool TryParseTime(ReadOnlySpan<char> text, out ulong nanoseconds)
    {
        nanoseconds = 0;
        int unit = text.IndexOfAnyExcept("0123456789.");
        if (unit <= 0
            || !decimal.TryParse(text[..unit], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            || number > 1_000_000_000)
        {
            return false;
        }

        decimal? scale = text[unit..] switch
        {
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            _ => null,
        };
        if (scale is not { } factor)
            return false;
        nanoseconds = (ulong)(number * factor);
        return true;
    }

    private static string Enumerate(List<string> names) =>
        names.Count == 1 ? names[0] : string.Join(", ", names.SkipLast(1)) + " or " + names[^1];
}
