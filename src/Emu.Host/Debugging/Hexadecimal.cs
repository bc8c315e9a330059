using System.Globalization;
using System.Text;

namespace Emu.Host.Debugging;

/// <summary>Numbers and bytes as the protocol writes them: hexadecimal without prefix.</summary>
internal static class Hexadecimal
{
    /// <summary>The value of a digit.</summary>
    /// <param name="digit">ASCII.</param>
    /// <returns>0–15; a large negative number where it is none, so that a sum with another digit stays negative.</returns>
    public static int Digit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -4096,
    };

    /// <summary>Reads a number of up to 16 digits.</summary>
    /// <param name="text">The digits and nothing else.</param>
    /// <param name="value">The number.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryNumber(ReadOnlySpan<char> text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    /// <summary>Reads bytes.</summary>
    /// <param name="text">Two digits for each.</param>
    /// <returns>The bytes; null where the text is not of that form.</returns>
    public static byte[]? TryBytes(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[text.Length / 2];
        return Convert.FromHexString(text, bytes, out _, out int written) == System.Buffers.OperationStatus.Done && written == bytes.Length ? bytes : null;
    }

    /// <summary>Bytes as text.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>Two digits for each.</returns>
    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    /// <summary>Text in UTF-8, as hexadecimal digits.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Two digits for each byte.</returns>
    public static string Text(string text) => Text(Encoding.UTF8.GetBytes(text));
}
