using Emu.Host.CommandLine;
using Emu.Host.Debugging;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Machine.Recording;
using Emu.Machine.Tracing;
using Microsoft.Extensions.Logging;

namespace Emu.Host.Running;

/// <summary>Runs a guest and, after the ends that the user has named, starts it anew on a machine as fresh as the first, up to a limit.</summary>
/// <remarks>
/// What lasts is what lasts for xl: disks, and the toolstack's clock, which goes on from one life to the next. The limit of instructions is
/// for all lives together, and a trace goes on through all; dumps and snapshots are of the first.
/// </remarks>
internal sealed class GuestLives : IDisposable
{
    private readonly RunOptions _options;
    private readonly Func<GuestSetup, RunObserver, PvhMachine> _make;
    private readonly TextWriter _error;
    private readonly ILogger _log;
    private readonly InputJournal? _journal;
    private readonly RunInstruments _instruments;
    private ulong _instructionsBefore;
    private ulong _compiledBefore;
    private ulong _timeBefore;
    private TimeSpan _wallTimeBefore;
    private ulong[]? _vcpusBefore;

    /// <summary>Makes the first machine.</summary>
    /// <param name="setup">The guest.</param>
    /// <param name="make">Makes a machine for it, whose processors the observer watches.</param>
    /// <param name="options">What the user asked for.</param>
    /// <param name="instruments">What looks at it.</param>
    /// <param name="error">Where dumps go.</param>
    /// <param name="logs">Hears of each new start.</param>
    public GuestLives(
        GuestSetup setup, Func<GuestSetup, RunObserver, PvhMachine> make, RunOptions options, RunInstruments instruments, TextWriter error, ILoggerFactory logs)
    {
        _make = make;
        _options = options;
        _error = error;
        _journal = instruments.Journal;
        _instruments = new RunInstruments { Debugger = instruments.Debugger, Trace = instruments.Trace, BinaryTrace = instruments.BinaryTrace };
        _log = logs.CreateLogger<GuestLives>();
        Setup = setup;
        Machine = make(setup, Observer);
        Current = new GuestRun(Machine, setup, Observer, options, instruments, error);
    }

    /// <summary>The guest as this life's machine was made from it.</summary>
    public GuestSetup Setup { get; private set; }

    /// <summary>This life's machine.</summary>
    public PvhMachine Machine { get; private set; }

    /// <summary>What watches this life's processors.</summary>
    public RunObserver Observer { get; private set; } = new();

    /// <summary>This life.</summary>
    public GuestRun Current { get; private set; }

    /// <summary>Instructions retired in all lives.</summary>
    public ulong InstructionsRetired => _instructionsBefore + Machine.InstructionsRetired;

    /// <summary>How many of them compiled code has executed.</summary>
    public ulong InstructionsCompiled => _compiledBefore + Machine.InstructionsCompiled;

    /// <summary>The same by vCPU, whoever executed them.</summary>
    public ulong[] VcpuInstructions => [.. Machine.Vcpus.Select(vcpu => vcpu.InstructionsRetired + (_vcpusBefore?[vcpu.Number] ?? 0))];

    /// <summary>Virtual time that has passed in all lives, in nanoseconds.</summary>
    public ulong VirtualTime => _timeBefore + Machine.Clock.Now;

    /// <summary>Host time spent running.</summary>
    public TimeSpan WallTime => _wallTimeBefore + Current.WallTime;

    /// <summary>How often the guest was started anew.</summary>
    public int Restarts { get; private set; }

    /// <summary>True where the guest would have been started once more, had that not been too often.</summary>
    public bool ReachedLimit { get; private set; }

    /// <summary>Runs the guest until it ends for good.</summary>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns>How its last life ended.</returns>
    public RunResult Run(CancellationToken cancellation)
    {
        while (true)
        {
            RunResult result = Current.Run(cancellation);
            _journal?.EndLife(Machine, result);
            if ((_options.Restart & PolicyFor(result.Reason)) == RestartPolicy.Never || cancellation.IsCancellationRequested || WasStoppedThere())
                return result;
            if (Restarts == _options.MaximumRestarts)
            {
                ReachedLimit = true;
                return result;
            }

            StartAnew(result);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Machine.Dispose();

    /// <summary>True where a recorded run ended between two lives, because the host ended it or nothing more was recorded or asked for.</summary>
    private bool WasStoppedThere() =>
        _journal is InputReplayer { IsDone: true } or InputReplayer { BranchedAt: not null } || _journal is InputReplayer { HasNextLife: false, RunEnd: var end } && !(end is ((ulong)HostStop.None, _) && Restarts == _options.MaximumRestarts);

    /// <summary>Which policy has a guest started anew after such an end.</summary>
    public static RestartPolicy PolicyFor(StopReason reason) => reason switch
    {
        StopReason.PoweredOff => RestartPolicy.PowerOff,
        StopReason.Rebooted => RestartPolicy.Reboot,
        StopReason.Crashed => RestartPolicy.Crash,
        _ => RestartPolicy.Never,
    };

    private void StartAnew(RunResult result)
    {
        Restarts++;
        RunLog.Restart(_log, result.Reason, Restarts, _options.MaximumRestarts);
        (_instructionsBefore, _compiledBefore, _vcpusBefore) = (InstructionsRetired, InstructionsCompiled, VcpuInstructions);
        (_timeBefore, _wallTimeBefore) = (VirtualTime, WallTime);
        TraceLife life = new(Restarts + 1, _instructionsBefore);
        _instruments.Trace?.BeginLife(life);
        _instruments.BinaryTrace?.BeginLife(life);
        Setup = Setup.After(Machine.Clock.Now);
        Machine.Dispose();
        Observer = new RunObserver();
        Machine = _make(Setup, Observer);
        RunOptions options = _options with { DumpAt = [], MaximumInstructions = _options.MaximumInstructions - _instructionsBefore };
        Current = new GuestRun(Machine, Setup, Observer, options, _instruments, _error);
    }
}
