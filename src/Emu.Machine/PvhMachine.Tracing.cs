using Emu.Cpu.Instrumentation;
using Emu.Machine.Tracing;

namespace Emu.Machine;

// Traces of what is executed.
public sealed partial class PvhMachine
{
    private BlockTracer? _tracer;
    private TraceRecorder? _traceRecorder;
    private TraceWriter? _traceWriter;
    private TraceOptions? _traceOptions;

    /// <summary>Whether a trace is being taken.</summary>
    public bool IsTracing => _tracer is not null;

    /// <summary>Begins to trace what is executed from now on; to be called between two runs. It takes effect at once.</summary>
    /// <param name="file">Where the trace goes; closed when it ends.</param>
    /// <param name="options">What it is to be; null for all blocks.</param>
    /// <exception cref="InvalidOperationException">A trace is being taken.</exception>
    public void BeginTrace(Stream file, TraceOptions? options = null)
    {
        if (_tracer is not null)
            throw new InvalidOperationException("A trace is being taken.");
        _traceOptions = options ?? new TraceOptions();
        _traceWriter = new TraceWriter(file, new TraceHeader
        {
            Detail = _traceOptions.Detail,
            IsFiltered = _traceOptions.Filter is not null,
            Vcpus = Vcpus.Count,
            FirstCount = InstructionsRetired,
            Properties = _traceOptions.Properties,
        });
        _traceRecorder = new TraceRecorder(_traceWriter, _traceOptions.Filter);
        _tracer = new BlockTracer(_traceRecorder, _traceOptions.Detail);
        _tracer.Attach(Vcpus);
    }

    /// <summary>Ends the trace, if one is being taken; to be called between two runs.</summary>
    /// <returns>The hash of what was traced; null where nothing was.</returns>
    /// <exception cref="IOException">The trace could not be written; whatever else went wrong on its thread comes as it is.</exception>
    public TraceHash? EndTrace()
    {
        if (_tracer is null)
            return null;
        try
        {
            _tracer.Detach();
            _traceRecorder!.Finish();
            WriteTraceSymbols();
            _traceWriter!.Complete();
            return _traceWriter.Hash;
        }
        finally
        {
            _tracer.Dispose();
            _tracer = null;
            _traceWriter!.Dispose();
            _traceWriter = null;
        }
    }

    // Those of the code that was executed.
    private void WriteTraceSymbols()
    {
        if (_traceOptions!.FindSymbol is not { } find)
            return;
        Dictionary<ulong, TraceSymbol> symbols = [];
        foreach (var block in _traceWriter!.Blocks)
        {
            for (var i = 0; i < block?.Count; i++)
            {
                if (find(block.AddressOf(i), block.Cpl) is { } symbol)
                    symbols[symbol.Address] = symbol;
            }
        }

        _traceWriter.WriteSymbols(symbols.Values);
    }
}
