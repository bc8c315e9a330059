using System.Globalization;

namespace Emu.Xen.Tracing;

/// <summary>How a value is shown.</summary>
internal enum ValueForm
{
    Decimal,
    Signed,
    Hexadecimal,

    /// <summary>
    /// Where the guest keeps something, as an address or a frame number: <c>&amp;ffff88800f82f040</c>. Which one says nothing about what it
    /// does.
    /// </summary>
    Pointer,

    /// <summary>A time or a duration: <c>1500000ns</c>.</summary>
    Nanoseconds,

    /// <summary>A domain id.</summary>
    Domain,

    /// <summary>GNTST_*.</summary>
    GrantStatus,
}

/// <summary>What the values of a field are called in Xen's headers.</summary>
/// <param name="First">The value of the first name.</param>
/// <param name="Names">The names; null where a value has none.</param>
internal sealed record ValueNames(uint First, params string?[] Names)
{
    public string? Find(ulong value) => value >= First && value - First < (ulong)Names.Length ? Names[value - First] : null;
}

/// <summary>Values as text.</summary>
internal static class ValueText
{
    /// <summary>Text of a guest is shown up to here.</summary>
    public const int LongestText = 120;

    private const ulong SelfDomain = 0x7FF0;

    public static string Format(Field field, ulong value, int size)
    {
        if (field.Names?.Find(value) is { } name)
            return name;
        return field.Form switch
        {
            ValueForm.Hexadecimal => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}"),
            ValueForm.Pointer => value == 0 ? "&0" : string.Create(CultureInfo.InvariantCulture, $"&{value:x}"),
            ValueForm.Nanoseconds => string.Create(CultureInfo.InvariantCulture, $"{value}ns"),
            ValueForm.Signed => SignExtend(value, size).ToString(CultureInfo.InvariantCulture),
            ValueForm.GrantStatus => Forms.GrantForms.Status(SignExtend(value, size)),
            ValueForm.Domain when value == SelfDomain => "SELF",
            _ => value.ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Bytes of a guest as a text between quotation marks, in which nothing but printable ASCII stands for itself.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes, bool isCut = false)
    {
        System.Text.StringBuilder text = new("\"");
        if (bytes.Length > LongestText)
        {
            bytes = bytes[..LongestText];
            isCut = true;
        }

        foreach (var value in bytes)
        {
            switch (value)
            {
                case (byte)'\n':
                    text.Append("\\n");
                    break;
                case (byte)'\r':
                    text.Append("\\r");
                    break;
                case (byte)'"' or (byte)'\\':
                    text.Append('\\').Append((char)value);
                    break;
                case < 0x20 or > 0x7E:
                    text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
                    break;
                default:
                    text.Append((char)value);
                    break;
            }
        }

        return text.Append('"').Append(isCut ? "…" : "").ToString();
    }

    private static long SignExtend(ulong value, int size)
    {
        var shift = 64 - (8 * size);
        return (long)(value << shift) >> shift;
    }
}
