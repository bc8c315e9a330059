using System.Diagnostics;
using System.Globalization;
using Emu.Cpu;
using Emu.Host.CommandLine;
using Emu.Host.Debugging;
using Emu.Host.Recording;
using Emu.Host.Snapshots;
using Emu.Host.Tracing;
using Emu.Machine;

namespace Emu.Host.Running;

/// <summary>
/// Runs a machine to its end, in pieces where a dump or the trace wants to look between two instructions, or as a debugger says.
/// </summary>
internal sealed class GuestRun : IDebuggedGuest
{
    private readonly PvhMachine _machine;
    private readonly RunObserver _observer;
    private readonly GuestSetup _setup;
    private readonly InstructionTrace? _trace;
    private readonly BinaryTrace? _binaryTrace;
    private readonly TextWriter _error;
    private readonly Queue<ulong> _dumps;
    private readonly ulong _maximum;
    private readonly GdbServer? _debugger;
    private readonly RunSnapshots? _snapshots;
    private readonly ReplayInterval? _interval;
    private readonly Stopwatch _clock = new();

    public GuestRun(
        PvhMachine machine, GuestSetup setup, RunObserver observer, RunOptions options, RunInstruments instruments, TextWriter error)
    {
        _machine = machine;
        _setup = setup;
        _observer = observer;
        _trace = instruments.Trace;
        _binaryTrace = instruments.BinaryTrace;
        _debugger = instruments.Debugger;
        _snapshots = instruments.Snapshots;
        _interval = instruments.Interval;
        _error = error;
        _dumps = new Queue<ulong>(options.DumpAt);
        _maximum = options.MaximumInstructions ?? ulong.MaxValue;
    }

    /// <summary>Host time spent running.</summary>
    public TimeSpan WallTime => _clock.Elapsed;

    /// <inheritdoc/>
    public PvhMachine Machine => _machine;

    /// <inheritdoc/>
    public GuestSetup Setup => _setup;

    /// <inheritdoc/>
    public RunObserver Observer => _observer;

    /// <inheritdoc/>
    public ulong Maximum => _maximum;

    /// <summary>Runs until the guest ends, the user's limit is reached, or somebody cancels.</summary>
    public RunResult Run(CancellationToken cancellation)
    {
        _clock.Start();
        RunResult result = _debugger is null ? Advance(cancellation) : _debugger.Run(this, cancellation);
        _clock.Stop();
        return result;
    }

    private RunResult Advance(CancellationToken cancellation)
    {
        bool isAtBreakpoint = false;
        while (true)
        {
            ulong retired = _machine.InstructionsRetired;
            DumpWhatIsDue(retired);
            _binaryTrace?.Update(_machine, _setup, isAtBreakpoint);
            _interval?.Update(retired);
            _snapshots?.TakeDue(_machine);
            if (_snapshots is { EndsRun: true })
                return End(new RunResult(StopReason.Paused));
            RunResult result = _trace is not null && _trace.IsDue(retired) && retired < _maximum
                ? Step(_trace, retired + 1, cancellation)
                : _machine.Run(
                    new RunLimits { MaxInstructions = NextStop(retired), MaxVirtualTime = _snapshots?.NextTime ?? ulong.MaxValue, PassesBreakpoint = isAtBreakpoint },
                    cancellation);
            // A trace begins or ends there, where it is taken without a debugger, whose business breakpoints are else.
            isAtBreakpoint = result.Reason == StopReason.Breakpoint && _binaryTrace is not null;
            if (isAtBreakpoint || result.Reason == StopReason.Paused)
                continue;
            if (result.Reason != StopReason.LimitReached || _machine.InstructionsRetired >= _maximum)
                return End(result);
        }
    }

    private RunResult End(RunResult result)
    {
        _snapshots?.TakeDue(_machine);
        _binaryTrace?.EndLife();
        DumpWhatIsDue(_machine.InstructionsRetired);
        return result;
    }

    private RunResult Step(InstructionTrace trace, ulong until, CancellationToken cancellation)
    {
        trace.BeginStep(_machine.ChooseVcpu(), _machine.InstructionsRetired);
        _observer.Trace = trace;
        bool wasExecuted = true;
        try
        {
            RunResult result = _machine.Run(new RunLimits { MaxInstructions = until }, cancellation);
            wasExecuted = _machine.InstructionsRetired >= until;
            return result;
        }
        finally
        {
            // Also for a step in which we broke down: its line is the one that is wanted most.
            _observer.Trace = null;
            trace.EndStep(wasExecuted);
        }
    }

    private ulong NextStop(ulong retired)
    {
        ulong stop = _maximum;
        if (_dumps.TryPeek(out ulong dump))
            stop = Math.Min(stop, dump);
        if (_trace is not null)
            stop = Math.Min(stop, _trace.NextStop(retired));
        if (_snapshots is not null)
            stop = Math.Min(stop, _snapshots.NextInstructions);
        if (_binaryTrace is not null)
            stop = Math.Min(stop, _binaryTrace.NextStop);
        if (_interval is not null)
            stop = Math.Min(stop, _interval.NextStop(retired));
        return stop;
    }

    private void DumpWhatIsDue(ulong retired)
    {
        while (_dumps.TryPeek(out ulong due) && due <= retired)
        {
            _dumps.Dequeue();
            _error.Write(string.Create(CultureInfo.InvariantCulture, $"State after {retired} instructions\n"));
            foreach (Vcpu vcpu in _machine.Vcpus)
            {
                if (_machine.Vcpus.Count != 1)
                    _error.Write(string.Create(CultureInfo.InvariantCulture, $"vCPU {vcpu.Number}\n"));
                _error.Write(CpuStateText.Dump(vcpu));
            }

            _error.Flush();
        }
    }
}
