using System.Globalization;
using System.Text;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu trace merge</c>.</summary>
public static class TraceMergeVerb
{
    /// <summary>Puts the traces of consecutive intervals together.</summary>
    /// <param name="files">The traces, in any order.</param>
    /// <param name="output">Where the whole goes.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">A trace cannot be used, they do not follow one another, or the whole cannot be written.</exception>
    public static int Merge(IReadOnlyList<string> files, string output)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (files.Any(file => FileClaims.AreSame(file, output)))
            throw new UsageException($"'emu trace merge' cannot write '{output}', which it is to read.");
        List<TraceFile> traces = [];
        try
        {
            foreach (string file in files)
                traces.Add(TraceFile.Open(file, SymbolTable.Empty));
            traces.Sort(static (a, b) => a.Reader.FirstCount.CompareTo(b.Reader.FirstCount));
            CheckOrder(traces);
            TraceHash hash = UserFile.WriteWhole(output, "--output", whole => Write(traces, whole));
            using Stream standard = StandardStreams.OpenOutput();
            standard.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{hash.Length} instructions and events, hash {hash}\n")));
            return ExitCode.Success;
        }
        finally
        {
            foreach (TraceFile trace in traces)
                trace.Dispose();
        }
    }

    private static TraceHash Write(List<TraceFile> traces, Stream whole)
    {
        try
        {
            return TraceMerge.Write([.. traces.Select(static trace => trace.Reader)], whole);
        }
        catch (TraceFileException e)
        {
            // Which one it is, the check of each says.
            foreach (TraceFile trace in traces)
                trace.Verify();
            throw new UsageException($"One of the traces cannot be used: {e.Message}", e);
        }
    }

    private static void CheckOrder(List<TraceFile> traces)
    {
        for (int i = 0; i < traces.Count; i++)
        {
            if (!traces[i].Reader.IsComplete)
                throw new UsageException($"The trace '{traces[i].Path}' lacks its end.");
            if (i == 0)
                continue;
            ulong end = traces[i - 1].Reader.EndCount, next = traces[i].Reader.FirstCount;
            if (end != next)
                throw new UsageException($"'{traces[i].Path}' begins after {next} instructions, but what comes before it, '{traces[i - 1].Path}', ends after {end}.");
            if (!TraceMerge.Follows(traces[i].Reader, traces[i - 1].Reader))
                throw new UsageException($"'{traces[i].Path}' begins in another life of the guest than '{traces[i - 1].Path}' ends in.");
            if (!traces[i].Reader.Header.IsLike(traces[0].Reader.Header))
                throw new UsageException($"'{traces[i].Path}' and '{traces[0].Path}' are traces of different kinds or machines.");
        }
    }
}
