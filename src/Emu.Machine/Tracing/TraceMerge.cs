namespace Emu.Machine.Tracing;

/// <summary>Puts the traces of consecutive intervals of one run together, without looking into what was executed.</summary>
public static class TraceMerge
{
    /// <summary>Whether a trace begins where another ends, in the same life of the guest or with the next one.</summary>
    /// <param name="next">The trace.</param>
    /// <param name="before">The other.</param>
    /// <returns>Whether it does.</returns>
    public static bool Follows(TraceReader next, TraceReader before)
    {
        ArgumentNullException.ThrowIfNull(next);
        ArgumentNullException.ThrowIfNull(before);
        TraceLife last = before.Lives[^1], first = next.Lives[0];
        return next.FirstCount == before.EndCount && (first == last || (first.Number > last.Number && first.FirstCount == next.FirstCount));
    }

    /// <summary>Writes the whole.</summary>
    /// <param name="parts">The intervals in their order: each begins where the one before it ends, and <see cref="TraceHeader.IsLike"/> the first.</param>
    /// <param name="whole">Where it goes; closed when it is written.</param>
    /// <returns>The hash of the whole.</returns>
    /// <exception cref="TraceFileException">A part is damaged.</exception>
    public static TraceHash Write(IReadOnlyList<TraceReader> parts, Stream whole)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentOutOfRangeException.ThrowIfZero(parts.Count);
        for (var i = 1; i < parts.Count; i++)
        {
            if (!Follows(parts[i], parts[i - 1]) || !parts[i].Header.IsLike(parts[0].Header))
                throw new ArgumentException("The parts do not follow one another.", nameof(parts));
        }

        using TraceWriter writer = new(whole, parts[0].Header with { IsFiltered = parts.Any(static part => part.Header.IsFiltered) });
        foreach (var part in parts)
        {
            var firstId = writer.DefineAll(part.Blocks);
            foreach (var stream in part.Streams)
                writer.TakeOver(part.ReadPayload(stream.Offset, stream.Length), stream, part.Lives.First(life => life.Number == stream.Life), firstId);
            foreach (var symbol in part.ReadSymbols())
                writer.Name(symbol);
        }

        writer.Complete();
        return writer.Hash;
    }
}
