using System.Text;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Binary;
using Emu.Host.Tracing.Comparison;
using Emu.Machine.Tracing;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu trace diff</c>.</summary>
public static class TraceDiffVerb
{
    /// <summary>Compares two logs, and tells on standard output where they differ first.</summary>
    /// <param name="options">Which, and how.</param>
    /// <returns><see cref="ExitCode.Success"/> where they are equal and whole, else <see cref="ExitCode.Different"/> or <see cref="ExitCode.Usage"/>.</returns>
    /// <exception cref="UsageException">A log cannot be read, or has no hypercalls.</exception>
    public static int Compare(TraceDiffOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (string path in new[] { options.First, options.Second })
        {
            if (!File.Exists(path))
                throw new UsageException($"The trace '{path}' cannot be read: there is no such file.");
        }

        bool isBinary = TraceFile.IsOne(options.First);
        if (isBinary != TraceFile.IsOne(options.Second))
        {
            (string binary, string other) = isBinary ? (options.First, options.Second) : (options.Second, options.First);
            throw new UsageException($"'{other}' is no binary trace, but '{binary}' is one: both have to be, or both logs of hypercalls.");
        }

        int code = isBinary ? CompareTraces(options, out string report) : CompareLogs(options, out report);
        using (Stream output = StandardStreams.OpenOutput())
            output.Write(Encoding.UTF8.GetBytes(report));
        return code;
    }

    private static int CompareLogs(TraceDiffOptions options, out string report) =>
        TraceComparison.AreEqual(Read(options.First), Read(options.Second), options, out report) ? ExitCode.Success : ExitCode.Different;

    private static int CompareTraces(TraceDiffOptions options, out string report)
    {
        if (options.DistinctOnly || options.ByVcpu || options.Ignored.Count != 0 || options.Until is not null)
            throw new UsageException("Options of 'emu trace diff' are for logs of hypercalls; binary traces are compared whole.");
        using TraceFile first = TraceFile.Open(options.First, SymbolTable.Empty);
        using TraceFile second = TraceFile.Open(options.Second, SymbolTable.Empty);
        bool areEqual = new TraceComparer(first, second).AreEqual(out report);
        return areEqual ? Math.Max(first.ExitCode, second.ExitCode) : ExitCode.Different;
    }

    private static List<TracedCall> Read(string path)
    {
        List<TracedCall> calls = XenLog.Read(Encoding.UTF8.GetString(UserFile.Read(path, "log")));
        return calls.Count != 0 ? calls : throw new UsageException($"'{path}' has no line of a hypercall; 'emu run --trace-xen FILE' writes such logs.");
    }
}
