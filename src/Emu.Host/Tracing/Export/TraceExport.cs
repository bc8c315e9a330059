using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>Turns traces into what other tools read.</summary>
public static class TraceExport
{
    /// <summary>Refuses what cannot be done, before anything is written.</summary>
    /// <param name="reader">The trace.</param>
    /// <param name="options">What is wanted.</param>
    /// <exception cref="UsageException">The trace has not what the format needs, or not such a vCPU.</exception>
    public static void Check(TraceReader reader, TraceExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Vcpu >= reader.Header.Vcpus)
            throw new UsageException($"The trace '{options.File}' has {reader.Header.Vcpus} vCPU(s), from 0 on; --vcpu {options.Vcpu} is none of them.");
        if (options.Format == TraceExportFormat.Tenet && reader.Header.Detail != (TraceDetail.Registers | TraceDetail.Memory))
            throw new UsageException($"Tenet needs registers and memory, which the trace '{options.File}' lacks: record it with 'emu run … --trace FILE.emut --trace-detail all'.");
    }

    /// <summary>Writes a trace in another format. Only what the format has to know of the whole is kept in memory.</summary>
    /// <param name="reader">The trace.</param>
    /// <param name="symbols">Names for addresses.</param>
    /// <param name="options">Which format, and what of the trace.</param>
    /// <param name="output">Where it goes; stays open.</param>
    /// <exception cref="TraceFileException">The trace is damaged.</exception>
    /// <exception cref="UsageException">The trace has not what the format needs, or not such a vCPU.</exception>
    public static void Write(TraceReader reader, SymbolTable symbols, TraceExportOptions options, Stream output)
    {
        Check(reader, options);
        ArgumentNullException.ThrowIfNull(symbols);
        switch (options.Format)
        {
            case TraceExportFormat.Chrome:
                ChromeExport.Write(reader, symbols, options, output);
                break;
            case TraceExportFormat.Folded:
                FoldedExport.Write(reader, symbols, options, output);
                break;
            case TraceExportFormat.Drcov:
                DrcovExport.Write(reader, options, output);
                break;
            case TraceExportFormat.Tenet:
                TenetExport.Write(reader, options, output);
                break;
            case TraceExportFormat.Csv:
                CsvExport.Write(reader, symbols, options, output);
                break;
            default:
                NdjsonExport.Write(reader, symbols, options, output);
                break;
        }
    }
}
