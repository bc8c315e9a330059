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
    private bool _isWriterLent;
    private int _blocksBefore;

    /// <summary>Whether a trace is being taken.</summary>
    public bool IsTracing => _tracer is not null;

    /// <summary>Begins to trace what is executed from now on; to be called between two runs. It takes effect at once.</summary>
    /// <param name="file">Where the trace goes; closed when it ends.</param>
    /// <param name="options">What it is to be; null for all blocks.</param>
    /// <exception cref="InvalidOperationException">A trace is being taken.</exception>
    public void BeginTrace(Stream file, TraceOptions? options = null)
    {
        RequireNoTrace();
        options ??= new TraceOptions();
        Trace(new TraceWriter(file, DescribeTrace(options)), options);
        _isWriterLent = false;
    }

    /// <summary>
    /// Traces what is executed from now on into a trace that goes on behind <see cref="EndTrace"/>, on another machine for instance: the guest was started
    /// anew, which <see cref="TraceWriter.BeginLife"/> says. To be called between two runs; it takes effect at once.
    /// </summary>
    /// <param name="writer">The trace; whoever made it completes it.</param>
    /// <param name="options">What it is: the same on all machines.</param>
    /// <exception cref="InvalidOperationException">A trace is being taken.</exception>
    public void BeginTrace(TraceWriter writer, TraceOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(options);
        RequireNoTrace();
        Trace(writer, options);
        _isWriterLent = true;
    }

    /// <summary>What a trace of this machine that begins now says of itself.</summary>
    /// <param name="options">What it is.</param>
    /// <returns>The header.</returns>
    public TraceHeader DescribeTrace(TraceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new TraceHeader
        {
            Detail = options.Detail,
            IsFiltered = options.Filter is not null,
            Vcpus = Vcpus.Count,
            FirstCount = InstructionsRetired,
            Properties = options.Properties,
        };
    }

    private void RequireNoTrace()
    {
        if (_tracer is not null)
            throw new InvalidOperationException("A trace is being taken.");
    }

    private void Trace(TraceWriter writer, TraceOptions options)
    {
        _traceOptions = options;
        _traceWriter = writer;
        _blocksBefore = writer.Blocks.Count;
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
            NameTracedCode();
            if (!_isWriterLent)
                _traceWriter!.Complete();
            return _traceWriter!.Hash;
        }
        finally
        {
            _tracer.Dispose();
            _tracer = null;
            if (!_isWriterLent)
                _traceWriter!.Dispose();
            _traceWriter = null;
        }
    }

    // Those of the code that was executed.
    private void NameTracedCode()
    {
        if (_traceOptions!.FindSymbol is not { } find)
            return;
        foreach (var block in _traceWriter!.Blocks.Skip(_blocksBefore))
        {
            for (var i = 0; i < block?.Count; i++)
            {
                if (find(block.AddressOf(i), block.Cpl) is { } symbol)
                    _traceWriter.Name(symbol);
            }
        }
    }
}
