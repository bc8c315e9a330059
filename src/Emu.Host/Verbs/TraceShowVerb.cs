using System.Globalization;
using System.Text;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Host.Tracing;
using Emu.Host.Tracing.Binary;
using Emu.Host.Tracing.Export;
using Emu.Machine.Tracing;

namespace Emu.Host.Verbs;

/// <summary>What <c>emu trace show</c> was asked for.</summary>
/// <param name="File">The trace.</param>
public sealed record TraceShowOptions(string File)
{
    /// <summary>The count of retired instructions before the first that is shown.</summary>
    public ulong From { get; init; }

    /// <summary>How many lines are shown; null for all.</summary>
    public ulong? Count { get; init; }

    /// <summary>Show events alone.</summary>
    public bool EventsOnly { get; init; }

    /// <summary>Show calls instead of instructions.</summary>
    public bool Calls { get; init; }

    /// <summary>How deep calls are shown.</summary>
    public int Depth { get; init; } = int.MaxValue;

    /// <summary>The places whose instructions, or the functions whose calls are shown; empty for all.</summary>
    public IReadOnlyList<TracePlace> Only { get; init; } = [];

    /// <summary>With <see cref="Calls"/>: the exceptions, interrupts and system calls that are shown with what handles them, besides <see cref="Only"/>.</summary>
    public IReadOnlyList<string> OnlyEvents { get; init; } = [];

    /// <summary>The privilege level whose instructions are shown; null for all.</summary>
    public int? Ring { get; init; }

    /// <summary>The vCPU that is shown; null for all.</summary>
    public int? Vcpu { get; init; }

    /// <summary>Further names for addresses; null for those that the trace carries.</summary>
    public string? SymbolFile { get; init; }
}

/// <summary>Carries out <c>emu trace show</c>.</summary>
public static class TraceShowVerb
{
    private const int PieceLength = 1 << 16;

    /// <summary>Writes a trace to standard output as text, one line for each instruction and event, or call.</summary>
    /// <param name="options">Which, and what of it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">The trace cannot be used, or has no such function or vCPU.</exception>
    public static int Show(TraceShowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using TraceFile trace = TraceFile.Open(options.File, ReadSymbols(options.SymbolFile));
        if (options.Vcpu >= trace.Reader.Header.Vcpus)
            throw new UsageException($"The trace '{options.File}' has {trace.Reader.Header.Vcpus} vCPU(s), from 0 on; --vcpu {options.Vcpu} is none of them.");
        // Refused are names that the trace has not, before anything is written.
        ElementFilter filter = new(options, trace);
        using Stream output = StandardStreams.OpenOutput();
        return trace.Use(reader =>
        {
            if (options.Calls)
                WriteCalls(trace, options, output);
            else
                WriteElements(reader, new TraceLines(trace), filter, options, output);
            return trace.ExitCode;
        });
    }

    /// <summary>Reads the names that the user has added.</summary>
    internal static SymbolTable ReadSymbols(string? path) =>
        path is null ? SymbolTable.Empty : SymbolReader.Read(UserFile.Read(path, "symbol file"), path);

    private static void WriteElements(TraceReader reader, TraceLines lines, ElementFilter filter, TraceShowOptions options, Stream output)
    {
        StringBuilder text = new();
        ulong left = options.Count ?? ulong.MaxValue;
        TraceCursor cursor = reader.Read(options.From);
        ulong expected = Math.Max(options.From, reader.FirstCount);
        while (left > 0 && cursor.MoveNext())
        {
            if (cursor.Count != expected && filter.TakesAll)
                text.Append(CultureInfo.InvariantCulture, $"… {cursor.Count - expected} that do not belong to the trace\n");
            expected = cursor.Count + (ulong)cursor.Length;
            if (!filter.MayTake(cursor))
                continue;
            for (int i = 0; i < cursor.Length && left > 0; i++)
            {
                if (!filter.Takes(cursor, i))
                    continue;
                lines.Append(text, cursor, i);
                left--;
            }

            if (text.Length >= PieceLength)
                Write(output, text);
        }

        Write(output, text);
    }

    private static void WriteCalls(TraceFile trace, TraceShowOptions options, Stream output)
    {
        StringBuilder text = new();
        CallLines lines = new(trace, text, options.Only.Select(static place => place.Text).Concat(options.OnlyEvents), options.Depth);
        CallStacks stacks = new(trace.Symbols, trace.Reader.Header, lines);
        lines.Functions = stacks.Functions;
        TraceSteps steps = new(trace.Reader, options.From, options.Vcpu);
        ulong most = options.Count ?? ulong.MaxValue;
        while (lines.Lines < most && steps.MoveNext())
        {
            stacks.Take(steps);
            if (text.Length >= PieceLength)
                Write(output, text);
        }

        lines.Finish(most);
        Write(output, text);
    }

    private static void Write(Stream output, StringBuilder text)
    {
        output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        text.Clear();
    }
}
