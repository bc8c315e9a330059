using System.Globalization;
using System.Text;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Verbs;

/// <summary>What <c>emu trace show</c> was asked for.</summary>
/// <param name="File">The trace.</param>
public sealed record TraceShowOptions(string File)
{
    /// <summary>The count of retired instructions before the first that is shown.</summary>
    public ulong From { get; init; }

    /// <summary>How many instructions and events are shown; null for all.</summary>
    public ulong? Count { get; init; }

    /// <summary>Show events alone.</summary>
    public bool EventsOnly { get; init; }

    /// <summary>Further names for addresses; null for those that the trace carries.</summary>
    public string? SymbolFile { get; init; }
}

/// <summary>Carries out <c>emu trace show</c>.</summary>
public static class TraceShowVerb
{
    private const int PieceLength = 1 << 16;

    /// <summary>Writes a trace to standard output as text, one line for each instruction and event.</summary>
    /// <param name="options">Which, and what of it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">The trace cannot be used.</exception>
    public static int Show(TraceShowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using TraceFile trace = TraceFile.Open(options.File, ReadSymbols(options.SymbolFile));
        using Stream output = StandardStreams.OpenOutput();
        return trace.Use(reader =>
        {
            Write(reader, new TraceLines(trace), options, output);
            return ExitCode.Success;
        });
    }

    /// <summary>Reads the names that the user has added.</summary>
    internal static SymbolTable ReadSymbols(string? path) =>
        path is null ? SymbolTable.Empty : SymbolReader.Read(UserFile.Read(path, "symbol file"), path);

    private static void Write(TraceReader reader, TraceLines lines, TraceShowOptions options, Stream output)
    {
        StringBuilder text = new();
        ulong left = options.Count ?? ulong.MaxValue;
        TraceCursor cursor = reader.Read(options.From);
        ulong expected = Math.Max(options.From, reader.FirstCount);
        while (left > 0 && cursor.MoveNext())
        {
            if (cursor.Count != expected && !options.EventsOnly)
                text.Append(CultureInfo.InvariantCulture, $"… {cursor.Count - expected} that do not belong to the trace\n");
            expected = cursor.Count + (ulong)cursor.Length;
            for (int i = 0; i < cursor.Length && left > 0; i++)
            {
                if (options.EventsOnly && cursor.Block is not null)
                    break;
                lines.Append(text, cursor, i);
                left--;
            }

            if (text.Length >= PieceLength)
                Write(output, text);
        }

        Write(output, text);
    }

    private static void Write(Stream output, StringBuilder text)
    {
        output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        text.Clear();
    }
}
