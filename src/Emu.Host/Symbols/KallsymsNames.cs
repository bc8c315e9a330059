using System.Buffers.Binary;

namespace Emu.Host.Symbols;

/// <summary>The compressed names, and where they lie.</summary>
internal sealed class KallsymsNames
{
    /// <summary>One marker for so many names.</summary>
    private const int NamesPerMarker = 256;

    /// <summary>How long so many names are at least (a length and two tokens each; a few have one) and at most.</summary>
    private const int ShortestStep = NamesPerMarker * 2, LongestStep = NamesPerMarker * 512;

    /// <summary>How far the token table is from the markers, and the markers from their names' beginning, at most.</summary>
    private const int Reach = 1 << 26;

    private KallsymsNames(int countAt, int start, int count)
    {
        CountAt = countAt;
        Start = start;
        Count = count;
    }

    /// <summary>Where num_syms lies in the file.</summary>
    public int CountAt { get; }

    /// <summary>Where the first name lies.</summary>
    public int Start { get; }

    /// <summary>How many names there are.</summary>
    public int Count { get; }

    /// <summary>Finds the names that belong to a token table, behind which they never lie.</summary>
    public static KallsymsNames? Find(ReadOnlySpan<byte> file, KallsymsTokens tokens, int mostNames, KallsymsBudget budget)
    {
        for (int markers = (tokens.Start - 8) & ~3; markers >= 16 && markers > tokens.Start - Reach && budget.Take(1); markers -= 4)
        {
            if (ReadUInt32(file, markers) != 0)
                continue;
            foreach (int width in (ReadOnlySpan<int>)[4, 8])
            {
                if (CountMarkers(file[markers..tokens.Start], width) is > 1 and var count
                    && FindBefore(file, markers, width, count, mostNames, budget) is { } names)
                {
                    return names;
                }
            }
        }

        return null;
    }

    /// <summary>The length of a name's tokens.</summary>
    /// <param name="file">The file.</param>
    /// <param name="at">Where the name begins; afterwards, where its tokens do.</param>
    /// <returns>How many tokens.</returns>
    public static int Length(ReadOnlySpan<byte> file, ref int at)
    {
        int length = file[at++];
        return length < 0x80 ? length : (length & 0x7F) | (file[at++] << 7);
    }

    /// <summary>How many numbers from here on could be markers. What lies behind the last marker may look like one too.</summary>
    private static int CountMarkers(ReadOnlySpan<byte> bytes, int width)
    {
        ulong last = 0;
        int count = 1;
        for (; (count + 1) * width <= bytes.Length; count++)
        {
            ulong value = ReadNumber(bytes, count * width, width);
            if (value < last + ShortestStep || value > last + LongestStep)
                break;
            last = value;
        }

        return count;
    }

    /// <summary>The names in front of these markers: they begin behind their number, and where they end, the markers begin.</summary>
    private static KallsymsNames? FindBefore(
        ReadOnlySpan<byte> file, int markers, int width, int markerCount, int mostNames, KallsymsBudget budget)
    {
        for (int at = markers - 8; at >= 0 && at > markers - Reach && budget.Take(1); at -= 4)
        {
            uint count = ReadUInt32(file, at);
            if (count <= NamesPerMarker || count > (uint)mostNames || (count - 1) / NamesPerMarker >= (uint)markerCount)
                continue;
            ulong last = ReadNumber(file, markers + ((int)((count - 1) / NamesPerMarker) * width), width);
            foreach (int distance in (ReadOnlySpan<int>)[8, 4])
            {
                int start = at + distance;
                if ((ulong)(markers - start) > last && (ulong)(markers - start) <= last + LongestStep
                    && AreNames(file, start, (int)count, markers, width, budget))
                {
                    return new KallsymsNames(at, start, (int)count);
                }
            }
        }

        return null;
    }

    private static bool AreNames(ReadOnlySpan<byte> file, int start, int count, int markers, int width, KallsymsBudget budget)
    {
        int at = start;
        for (int i = 0; i < count; i++)
        {
            if (i % NamesPerMarker == 0
                && (ReadNumber(file, markers + (i / NamesPerMarker * width), width) != (ulong)(at - start) || !budget.Take(NamesPerMarker)))
            {
                return false;
            }

            if (at >= markers)
                return false;
            int length = Length(file, ref at);
            at += length;
            if (length == 0 || at > markers)
                return false;
        }

        return markers - at < 8;
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> file, int at, int width) =>
        width == 4 ? ReadUInt32(file, at) : BinaryPrimitives.ReadUInt64LittleEndian(file[at..]);

    private static uint ReadUInt32(ReadOnlySpan<byte> file, int at) => BinaryPrimitives.ReadUInt32LittleEndian(file[at..]);
}
