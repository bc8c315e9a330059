using Emu.Cpu.Instrumentation;
using Emu.Machine.Tracing;

namespace Emu.Machine;

// Traces of what is executed.
public sealed partial class PvhMachine
{
    private BlockTracer? _tracer;
    private TraceWriter? _traceWriter;

    /// <summary>Begins to trace what is executed from now on; to be called between two runs. It takes effect at once.</summary>
    /// <param name="file">Where the trace goes; closed when it ends.</param>
    /// <param name="detail">What it holds of each instruction; anything but blocks is much slower.</param>
    /// <param name="properties">What the trace is to say of itself, by name.</param>
    /// <exception cref="InvalidOperationException">A trace is being taken.</exception>
    public void BeginTrace(Stream file, TraceDetail detail = TraceDetail.Blocks, IReadOnlyDictionary<string, string>? properties = null)
    {
        if (_tracer is not null)
            throw new InvalidOperationException("A trace is being taken.");
        TraceHeader header = new() { Detail = detail, Vcpus = Vcpus.Count, FirstCount = InstructionsRetired };
        _traceWriter = new TraceWriter(file, properties is null ? header : header with { Properties = properties });
        _tracer = new BlockTracer(new TraceRecorder(_traceWriter), detail);
        _tracer.Attach(Vcpus);
    }

    /// <summary>Ends the trace, if one is being taken; to be called between two runs.</summary>
    /// <exception cref="IOException">The trace could not be written; whatever else went wrong on its thread comes as it is.</exception>
    public void EndTrace()
    {
        if (_tracer is null)
            return;
        try
        {
            _tracer.Detach();
        }
        finally
        {
            _tracer.Dispose();
            _tracer = null;
            _traceWriter!.Dispose();
            _traceWriter = null;
        }
    }
}
