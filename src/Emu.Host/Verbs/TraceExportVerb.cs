using Emu.Host.Running;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Binary;
using Emu.Host.Tracing.Export;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu trace export</c>.</summary>
public static class TraceExportVerb
{
    /// <summary>Writes a trace in a format of another tool.</summary>
    /// <param name="options">Which, what of it, and where to.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">The trace cannot be used, has not what the format needs, or the file cannot be written.</exception>
    public static int Export(TraceExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Output is { } path && FileClaims.AreSame(path, options.File))
            throw new UsageException($"'emu trace export' cannot write '{path}', which it is to read.");
        using TraceFile trace = TraceFile.Open(options.File, TraceShowVerb.ReadSymbols(options.SymbolFile));
        TraceExport.Check(trace.Reader, options);
        if (options.Output is not null)
            return UserFile.WriteWhole(options.Output, "--output", file => Write(trace, options, file));
        using Stream output = StandardStreams.OpenOutput();
        return Write(trace, options, output);
    }

    private static int Write(TraceFile trace, TraceExportOptions options, Stream output) => trace.Use(reader =>
    {
        TraceExport.Write(reader, trace.Symbols, options, output);
        return trace.ExitCode;
    });
}
