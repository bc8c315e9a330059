using System.Buffers.Binary;
using System.Text;

namespace Emu.Host.Symbols;

/// <summary>The texts that names are made of, and where the table of them lies.</summary>
internal sealed class KallsymsTokens
{
    private const int Count = 256;

    /// <summary>The longest text that is taken for a token.</summary>
    private const int LongestToken = 512;

    private readonly string[] _texts;

    private KallsymsTokens(int start, int end, string[] texts)
    {
        Start = start;
        End = end;
        _texts = texts;
    }

    /// <summary>Where the table begins in the file.</summary>
    public int Start { get; }

    /// <summary>Where the index behind it ends.</summary>
    public int End { get; }

    /// <summary>A token's text.</summary>
    public string this[byte token] => _texts[token];

    // Characters that occur in names stay tokens of their own; all ten digits do.
    private static ReadOnlySpan<byte> Digits => "0\u00001\u00002\u00003\u00004\u00005\u00006\u00007\u00008\u00009\0"u8;

    /// <summary>The token tables of a file.</summary>
    public static IEnumerable<KallsymsTokens> FindAll(ReadOnlyMemory<byte> file)
    {
        for (int from = 0; ;)
        {
            int found = file.Span[from..].IndexOf(Digits);
            if (found < 0)
                yield break;
            int digits = from + found;
            if (Find(file.Span, digits) is { } tokens)
                yield return tokens;
            from = digits + 1;
        }
    }

    /// <summary>The table whose tokens 0x30 to 0x39 lie here.</summary>
    private static KallsymsTokens? Find(ReadOnlySpan<byte> file, int digits)
    {
        // Tokens have no zeros in them, so 48 texts back is the first one.
        int start = digits;
        for (int token = 0; token < '0' && start > 0; token++)
        {
            int from = Math.Max(0, start - 1 - LongestToken);
            int zero = file[from..(start - 1)].LastIndexOf((byte)0);
            if (zero < 0)
                return null;
            start = from + zero + 1;
        }

        return start % 4 == 0 ? Read(file, start) : null;
    }

    private static KallsymsTokens? Read(ReadOnlySpan<byte> file, int start)
    {
        string[] texts = new string[Count];
        Span<byte> index = stackalloc byte[Count * 2];
        int at = start;
        for (int token = 0; token < Count; token++)
        {
            int length = file[at..Math.Min(file.Length, at + LongestToken)].IndexOf((byte)0);
            if (length < 0 || at - start > ushort.MaxValue)
                return null;
            BinaryPrimitives.WriteUInt16LittleEndian(index[(token * 2)..], (ushort)(at - start));
            texts[token] = Encoding.Latin1.GetString(file.Slice(at, length));
            at += length + 1;
        }

        // The index follows, aligned to the size of a pointer: 4 or 8 bytes.
        for (int place = (at + 3) & ~3; place <= at + 8; place += 4)
        {
            if (place + index.Length <= file.Length && file.Slice(place, index.Length).SequenceEqual(index))
                return new KallsymsTokens(start, place + index.Length, texts);
        }

        return null;
    }
}
