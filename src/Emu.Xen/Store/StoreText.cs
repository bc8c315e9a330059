using System.Text;

namespace Emu.Xen.Store;

/// <summary>Texts in payloads: each is ended by a NUL, and every byte is a character, so that what came in goes out again.</summary>
internal static class StoreText
{
    public static byte[] Encode(ReadOnlySpan<string> texts)
    {
        var length = 0;
        foreach (var text in texts)
            length += text.Length + 1;
        var bytes = new byte[length];
        var rest = bytes.AsSpan();
        foreach (var text in texts)
        {
            _ = Encoding.Latin1.GetBytes(text, rest);
            rest = rest[(text.Length + 1)..];
        }

        return bytes;
    }

    public static string Decode(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>How many texts a payload holds; what follows the last NUL is none.</summary>
    public static int Count(ReadOnlySpan<byte> payload) => payload.Count((byte)0);

    /// <summary>Takes the first text off a payload; the caller knows that there is one.</summary>
    public static string Take(ref ReadOnlySpan<byte> payload)
    {
        var end = payload.IndexOf((byte)0);
        var text = Decode(payload[..end]);
        payload = payload[(end + 1)..];
        return text;
    }

    /// <summary>A payload that is exactly one text.</summary>
    public static bool TryTakeOnly(ReadOnlySpan<byte> payload, out string text)
    {
        var isOne = !payload.IsEmpty && payload.IndexOf((byte)0) == payload.Length - 1;
        text = isOne ? Decode(payload[..^1]) : "";
        return isOne;
    }
}
