namespace Emu.Xen.Store;

/// <summary>Numbers in requests, which xenstored reads with the C library: strtol with base 0, and atoi.</summary>
internal static class CNumber
{
    /// <summary>Reads a whole text as strtol(…, 0) does: blanks, a sign, 0x for hexadecimal, 0 for octal.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long value)
    {
        var rest = SkipSign(text, out var negative);
        var radix = 10;
        if (rest.Length > 2 && rest[0] == '0' && (rest[1] | 0x20) == 'x')
        {
            radix = 16;
            rest = rest[2..];
        }
        else if (rest.Length > 1 && rest[0] == '0')
        {
            radix = 8;
        }

        var digits = Accumulate(rest, radix, out value);
        value = negative ? -value : value;
        return digits != 0 && digits == rest.Length;
    }

    /// <summary>Reads a text's beginning as atoi does: what follows the digits does not matter, and no digit is 0.</summary>
    public static int Parse(ReadOnlySpan<char> text)
    {
        _ = Accumulate(SkipSign(text, out var negative), 10, out var value);
        return (int)(negative ? -value : value);
    }

    private static ReadOnlySpan<char> SkipSign(ReadOnlySpan<char> text, out bool negative)
    {
        text = text.TrimStart(" \t\n\v\f\r");
        negative = !text.IsEmpty && text[0] == '-';
        return negative || (!text.IsEmpty && text[0] == '+') ? text[1..] : text;
    }

    private static int Accumulate(ReadOnlySpan<char> text, int radix, out long value)
    {
        value = 0;
        var count = 0;
        for (; count < text.Length; count++)
        {
            var digit = char.IsAsciiHexDigit(text[count]) ? Convert.ToInt32(text[count].ToString(), 16) : radix;
            if (digit >= radix)
                break;
            value = Math.Min((value * radix) + digit, long.MaxValue / 32);
        }

        return count;
    }
}
