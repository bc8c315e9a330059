using System.Text;
using Emu.Machine.Consoles;

namespace Emu.Host.Snapshots;

/// <summary>Passes the guest's console on, and keeps the line that has no end yet: a shell's prompt, where a snapshot is taken at one.</summary>
/// <remarks>It is no part of the machine, which has sent these bytes and knows nothing of them any more; but who goes on from a snapshot wants to see where he is.</remarks>
/// <param name="inner">Where the console goes.</param>
internal sealed class UnfinishedLine(IConsoleSink inner) : IConsoleSink
{
    /// <summary>Bytes that are kept: the last ones of a longer line.</summary>
    public const int Longest = 1024;

    private const byte Escape = 0x1B;

    private readonly byte[] _ring = new byte[Longest];
    private int _length;

    /// <summary>The line as it is now.</summary>
    public byte[] ToArray()
    {
        byte[] line = new byte[Math.Min(_length, Longest)];
        for (int i = 0; i < line.Length; i++)
            line[i] = _ring[(_length - line.Length + i) % Longest];
        return line;
    }

    /// <summary>The console goes on where another run of the same guest has left it.</summary>
    /// <param name="line">Its unfinished line.</param>
    public void Begin(ReadOnlySpan<byte> line)
    {
        foreach (byte value in line)
            Keep(value);
    }

    /// <inheritdoc/>
    public void Write(byte value)
    {
        inner.Write(value);
        Keep(value);
    }

    /// <inheritdoc/>
    public void Flush() => inner.Flush();

    /// <summary>What of a line can be shown where it did not come from a guest right now: letters, colours, and ways back within the line.</summary>
    /// <remarks>Left out is what asks the terminal something, as a shell asks for the cursor's place: the answer would be typed into the guest.</remarks>
    /// <param name="line">The line; from a file, which may hold anything.</param>
    /// <returns>What a terminal may be given.</returns>
    public static byte[] ForTerminal(ReadOnlySpan<byte> line)
    {
        List<byte> shown = [];
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == Escape)
            {
                int end = EndOfSequence(line, i);
                if (end < line.Length && line[end] == (byte)'m' && line[i + 1] == (byte)'[')
                    shown.AddRange(line[i..(end + 1)]);
                i = end;
            }
            else if (line[i] is >= 0x20 and not 0x7F or (byte)'\t' or (byte)'\r' or (byte)'\b')
            {
                shown.Add(line[i]);
            }
        }

        return [.. shown];
    }

    /// <summary>The text of a line, without colours.</summary>
    /// <param name="line">The line; from a file, which may hold anything.</param>
    /// <returns>What can stand in a message; empty where nothing is to be seen.</returns>
    public static string ForMessage(ReadOnlySpan<byte> line)
    {
        line = line[(line.TrimEnd((byte)'\r').LastIndexOf((byte)'\r') + 1)..];
        List<byte> text = [];
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == Escape)
                i = EndOfSequence(line, i);
            else if (line[i] is >= 0x20 and not 0x7F)
                text.Add(line[i]);
        }

        return string.Concat(Encoding.UTF8.GetString([.. text]).Where(static letter => !char.IsControl(letter))).Trim();
    }

    // The last byte of what begins with ESC (ECMA-48): of a control sequence, its final byte; of anything else, the byte behind ESC.
    private static int EndOfSequence(ReadOnlySpan<byte> line, int escape)
    {
        int at = escape + 1;
        if (at >= line.Length || line[at] != (byte)'[')
            return at;
        at++;
        while (at < line.Length && line[at] is >= 0x20 and < 0x40)
            at++;
        return at;
    }

    private void Keep(byte value)
    {
        if (value == (byte)'\n')
        {
            _length = 0;
            return;
        }

        // The count only has to say what is in the ring, and where it goes on.
        _ring[_length % Longest] = value;
        _length = _length + 1 == 2 * Longest ? Longest : _length + 1;
    }
}
