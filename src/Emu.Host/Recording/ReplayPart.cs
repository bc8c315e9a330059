using System.Globalization;
using Emu.Host.CommandLine;

namespace Emu.Host.Recording;

/// <summary>One of several equal parts of a run, by the instructions of the guest's first life.</summary>
/// <param name="Number">Which one, from 1 to <paramref name="Count"/>.</param>
/// <param name="Count">How many there are.</param>
public sealed record ReplayPart(ulong Number, ulong Count)
{
    /// <summary>Reads it.</summary>
    /// <param name="option">The option, for refusals.</param>
    /// <param name="text">K/N.</param>
    /// <returns>It.</returns>
    /// <exception cref="UsageException">It is none.</exception>
    public static ReplayPart Parse(string option, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            && ulong.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            && ulong.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong count)
            && number > 0 && number <= count
            ? new ReplayPart(number, count)
            : throw new UsageException($"{option} takes which part of how many, from 1/N to N/N, such as 3/8, not '{text}'.");
    }

    /// <summary>The count of instructions where a part ends, and the next one begins.</summary>
    /// <param name="begin">The count where the whole begins.</param>
    /// <param name="end">The count where it ends.</param>
    /// <param name="number">The part.</param>
    /// <param name="count">How many parts there are.</param>
    /// <returns>The count.</returns>
    public static ulong EndOf(ulong begin, ulong end, ulong number, ulong count) => begin + (ulong)((UInt128)(end - begin) * number / count);
}
