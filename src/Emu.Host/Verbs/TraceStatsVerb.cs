using System.Globalization;
using System.Text;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu trace stats</c>.</summary>
public static class TraceStatsVerb
{
    /// <summary>Tells what a trace consists of.</summary>
    /// <param name="file">The trace.</param>
    /// <param name="symbolFile">Further names for addresses; null for those that the trace carries.</param>
    /// <param name="top">How many of each kind are told.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">The trace cannot be used.</exception>
    public static int Tell(string file, string? symbolFile, int top)
    {
        using TraceFile trace = TraceFile.Open(file, TraceShowVerb.ReadSymbols(symbolFile));
        string text = trace.Use(reader => Render(trace, reader, new TraceStatistics(reader, trace.Symbols), top));
        using Stream output = StandardStreams.OpenOutput();
        output.Write(Encoding.UTF8.GetBytes(text));
        return trace.ExitCode;
    }

    private static string Render(TraceFile trace, TraceReader reader, TraceStatistics statistics, int top)
    {
        if (statistics.Hash != reader.Hash)
            throw new TraceFileException("its hash is not that of what it holds.");
        StringBuilder text = new();
        ulong elements = reader.Hash.Length;
        Append(text, $"{trace.Path}: instructions {reader.FirstCount}–{reader.EndCount}, {elements} of them{(reader.Header.IsFiltered ? " (filtered)" : "")}");
        Append(text, $"hash {reader.Hash}, verified{(reader.IsComplete ? "" : "; the trace lacks its end: what wrote it was killed")}");
        string density = elements == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {reader.FileLength * 1e6 / elements:F0} per million");
        Append(text, $"{reader.FileLength} bytes{density}; {reader.Header.Detail.ToString().ToLowerInvariant()}; {reader.Header.Vcpus} vCPU(s)");
        foreach ((string name, string value) in reader.Header.Properties.OrderBy(static property => property.Key, StringComparer.Ordinal))
            Append(text, $"{name}: {value}");
        if (reader.Lives is not [{ Number: 1 }])
        {
            foreach (TraceLife life in reader.Lives)
                Append(text, $"life {life.Number} of the guest, which began after {life.FirstCount} instructions: {statistics.Lives.GetValueOrDefault(life.Number)} of them");
        }

        if (statistics.Steps != 0)
            Append(text, $"{statistics.Blocks.Count} blocks of {(double)statistics.Instructions / statistics.Steps:F1} instructions each time");
        List(text, "Modes", statistics.Modes, elements, int.MaxValue);
        List(text, "Changes of mode", statistics.Transitions.ToDictionary(static pair => $"{pair.Key.From} → {pair.Key.To}", static pair => pair.Value), 0, int.MaxValue);
        List(text, "Events", statistics.Events, 0, int.MaxValue);
        List(text, "Page faults", statistics.PageFaults, 0, int.MaxValue);
        List(text, "Functions", statistics.Functions, elements, top);
        List(
            text,
            "Blocks",
            statistics.Blocks.OrderByDescending(static block => block.Value).Take(top)
                .Select(block => KeyValuePair.Create($"{block.Key.Linear:x16}{trace.Describe(block.Key.Linear)}, {block.Key.Count} instruction(s)", block.Value)),
            elements,
            top);
        List(text, "Instructions", statistics.Mnemonics.ToDictionary(static pair => pair.Key.ToString().ToLowerInvariant(), static pair => pair.Value), elements, top);
        return text.ToString();
    }

    private static void List(StringBuilder text, string title, IEnumerable<KeyValuePair<string, ulong>> counts, ulong total, int top)
    {
        KeyValuePair<string, ulong>[] sorted = [.. counts.OrderByDescending(static pair => pair.Value).ThenBy(static pair => pair.Key, StringComparer.Ordinal)];
        if (sorted.Length == 0)
            return;
        Append(text, $"\n{title}");
        foreach ((string name, ulong count) in sorted.Take(top))
        {
            if (total == 0)
                Append(text, $"{count,14}  {name}");
            else
                Append(text, $"{count,14} {100.0 * count / total,6:F2} %  {name}");
        }
    }

    private static void Append(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
