using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Machine.Time;

namespace Emu.Machine.Processors;

/// <summary>Lets the vCPUs execute in turn, on one host thread, in an order that only the guest's own doings decide.</summary>
/// <remarks>
/// <para>
/// Round robin: each runnable vCPU in the order of their numbers has its turn, of so many instructions. A turn ends early where the vCPU
/// halts, waits in a loop (PAUSE), or is put out of action.
/// </para>
/// <para>
/// Turns are short while vCPUs have to do with one another, and long while they have not. A message to another vCPU, be it an interrupt,
/// NMI or start-up, cuts the turn to <see cref="ShortestTurn"/>: the sender may be waiting for the answer without saying so. Each turn from
/// then on is twice as long as the one before, up to <see cref="LongestTurn"/>.
/// </para>
/// <para>
/// Virtual time is the sum of what all vCPUs have retired, so it goes on whoever runs, and every deadline falls between two
/// instructions of exactly one vCPU. Turns are measured in that sum and survive the end of a <see cref="Run"/>: cutting a run into pieces,
/// as limits and deadlines do, changes nothing.
/// </para>
/// </remarks>
internal sealed class VcpuScheduler : IInstructionCounter, IStateful, IDisposable
{
    /// <summary>
    /// Instructions in a turn at most: 50 µs of virtual time. Shorter turns cost host time, because each begins with the host's caches
    /// full of another vCPU's data; longer ones gain little (docs/performance.md has the measurement).
    /// </summary>
    public const ulong LongestTurn = 50_000;

    /// <summary>Instructions that a turn still lasts once another vCPU has been sent something.</summary>
    public const ulong ShortestTurn = 1_000;

    private readonly List<Processor> _processors = [];
    private Processor? _current;

    // Instructions retired by all but the current one.
    private ulong _retiredByOthers;
    private ulong _turnLength = LongestTurn;
    private ulong _turnEnd;
    private ulong _runEnd;

    /// <summary>The processors in their order.</summary>
    public IReadOnlyList<Processor> Processors => _processors;

    /// <summary>Whose turn it is.</summary>
    public Processor Current => _current ?? throw new InvalidOperationException("The machine has no processor yet.");

    /// <inheritdoc/>
    public ulong InstructionsRetired => _current is null ? 0 : _retiredByOthers + _current.Vcpu.InstructionsRetired;

    /// <summary>Adds a processor. The first, the boot processor, has the first turn.</summary>
    /// <param name="processor">It.</param>
    public void Add(Processor processor)
    {
        _processors.Add(processor);
        if (_current is not null)
            return;
        _current = processor;
        processor.BeginTurn();
    }

    /// <summary>Runs until so many instructions have been retired by all together, or something happened that the machine must look at.</summary>
    /// <param name="until">Instructions since reset.</param>
    /// <returns><see cref="RunExit.Halted"/> where no vCPU has anything to do; else why the current one ended.</returns>
    public RunExit Run(ulong until)
    {
        _runEnd = until;
        while (ChooseNext())
        {
            var exit = Current.Run(Math.Min(_runEnd, _turnEnd) - _retiredByOthers);
            if (Current.Vcpu.TakeYield())
                _turnEnd = InstructionsRetired;
            if (exit is RunExit.Shutdown or RunExit.Stopped or RunExit.Breakpoint)
                return exit;
            if (Current.Vcpu.HasWatchpointHit)
                return RunExit.Stopped;
            if (InstructionsRetired >= _runEnd)
                return RunExit.LimitReached;
        }

        return RunExit.Halted;
    }

    /// <summary>Decides whose turn it is now, as <see cref="Run"/> does before each stretch; to ask twice changes nothing.</summary>
    /// <returns>False where no vCPU has anything to do.</returns>
    public bool ChooseNext()
    {
        if (Current.IsRunnable && InstructionsRetired < _turnEnd)
            return true;
        for (var distance = 1; distance <= _processors.Count; distance++)
        {
            var next = _processors[(Current.Number + distance) % _processors.Count];
            if (!next.IsRunnable)
                continue;
            BeginTurn(next);
            return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public void LimitRun(ulong untilRetired)
    {
        _runEnd = Math.Min(_runEnd, untilRetired);
        _current?.Vcpu.LimitRun(untilRetired - _retiredByOthers);
    }

    /// <summary>A vCPU that has not the turn has been sent something: turns become short.</summary>
    public void ShortenTurns()
    {
        _turnLength = ShortestTurn;
        var end = InstructionsRetired + ShortestTurn;
        if (end >= _turnEnd)
            return;
        _turnEnd = end;
        _current?.Vcpu.LimitRun(end - _retiredByOthers);
    }

    /// <summary>Takes the state of every vCPU up to the present.</summary>
    public void Settle()
    {
        foreach (var processor in _processors)
            processor.SettleTimeStamp();
    }

    /// <summary>Transfers whose turn it is and what processors know of themselves; their vCPUs come before.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        stream.Section("turns");
        var current = stream.Transferred(Current.Number);
        stream.Require((uint)current < (uint)_processors.Count, $"vCPU {current} cannot have the turn");
        _current = _processors[current];
        stream.Transfer(ref _turnLength);
        // A turn without length would never end.
        stream.Require(_turnLength is >= ShortestTurn and <= LongestTurn, $"no turn has {_turnLength} instructions");
        stream.Transfer(ref _turnEnd);
        if (stream.IsRestoring)
            CountRetired(stream);
        foreach (var processor in _processors)
            processor.Transfer(stream);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var processor in _processors)
            processor.Dispose();
    }

    private void CountRetired(StateStream stream)
    {
        var all = 0UL;
        foreach (var processor in _processors)
        {
            var retired = processor.Vcpu.InstructionsRetired;
            stream.Require(retired <= VirtualClock.Horizon - all, "no run has so many instructions");
            all += retired;
        }

        _retiredByOthers = all - Current.Vcpu.InstructionsRetired;
    }

    private void BeginTurn(Processor next)
    {
        var retired = InstructionsRetired;
        if (next != Current)
        {
            Current.EndTurn();
            next.BeginTurn();
            _current = next;
            _retiredByOthers = retired - next.Vcpu.InstructionsRetired;
        }

        _turnLength = Math.Min(2 * _turnLength, LongestTurn);
        _turnEnd = _processors.Count == 1 ? ulong.MaxValue : retired + _turnLength;
    }
}
