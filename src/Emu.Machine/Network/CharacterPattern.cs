namespace Emu.Machine.Network;

/// <summary>
/// The pattern of the character generator protocol (RFC 864): lines of 72 printing characters, each line one character further in
/// the ring of 95, ended by CR and LF.
/// </summary>
internal static class CharacterPattern
{
    /// <summary>After so many bytes it begins again: 95 lines.</summary>
    public const int Period = Ring * LineLength;

    private const int Ring = 95;
    private const int Characters = 72;
    private const int LineLength = Characters + 2;

    private static readonly byte[] Bytes = Make();

    /// <summary>Writes a piece of it.</summary>
    /// <param name="position">Where in the endless pattern the piece begins.</param>
    /// <param name="destination">Takes the piece.</param>
    public static void Fill(ulong position, Span<byte> destination)
    {
        var at = (int)(position % Period);
        while (destination.Length != 0)
        {
            var part = Bytes.AsSpan(at, Math.Min(Period - at, destination.Length));
            part.CopyTo(destination);
            destination = destination[part.Length..];
            at = 0;
        }
    }

    private static byte[] Make()
    {
        var bytes = new byte[Period];
        for (var line = 0; line < Ring; line++)
        {
            var start = line * LineLength;
            for (var i = 0; i < Characters; i++)
                bytes[start + i] = (byte)(' ' + ((line + i) % Ring));
            bytes[start + Characters] = (byte)'\r';
            bytes[start + Characters + 1] = (byte)'\n';
        }

        return bytes;
    }
}
