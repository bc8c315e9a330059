using System.Globalization;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.Recording;

namespace Emu.Host.Recording;

/// <summary>A recorded run that is run again: its input, and what is said about it at the end.</summary>
internal sealed class Replay : IDisposable
{
    private readonly string _program;

    /// <summary>Makes it.</summary>
    /// <param name="log">The recording; closed with this.</param>
    /// <param name="guest">Its description.</param>
    public Replay(InputLogReader log, RecordedGuest guest)
    {
        Input = new InputReplayer(log);
        File = log.Name;
        _program = guest.Program;
    }

    /// <summary>The recording's file.</summary>
    public string File { get; }

    /// <summary>The part that is replayed; null for all. Closed with this.</summary>
    public ReplayInterval? Interval { get; set; }

    /// <summary>The snapshots that this replay takes at the borders of its parts; null for none.</summary>
    public ReplayCuts? Cuts { get; init; }

    /// <summary>
    /// True where the replay is of a part, or cuts the run into parts: then how the guest ended is none of its business, and whoever distributes parts takes
    /// any exit code but 0 for a failure.
    /// </summary>
    public bool IsInParts => Interval is not null || Cuts is not null;

    /// <summary>The input.</summary>
    public InputReplayer Input { get; }

    /// <summary>How the replay ended, where the guest did not end it, nor whoever runs it now.</summary>
    /// <param name="result">What the machine reported.</param>
    /// <param name="limit">The limit of instructions.</param>
    public RunEnd EndOf(RunResult result, ulong? limit)
    {
        if (Input.BranchedAt is not null)
            return RunEnd.From(result, HostStop.None, 0, limit) with { ExitCode = ExitCode.Different };
        if (IsInParts && (Input.IsDone || !Input.WasStopped))
            return new RunEnd("interval-end", ExitCode.Success, null);
        if (Input.WasCutOff)
            return new RunEnd("recording-end", ExitCode.Usage, null);
        (ulong reason, ulong detail) = Input.RunEnd ?? ((ulong)HostStop.None, 0);
        return RunEnd.From(result, (HostStop)reason, (int)(detail & 0x7F), limit);
    }

    /// <summary>What stderr says of a replay that has not left the recorded run.</summary>
    /// <param name="instructions">How many instructions all lives of the guest have retired.</param>
    public string Verdict(ulong instructions)
    {
        string passed = string.Create(CultureInfo.InvariantCulture, $"{instructions} instructions, {Input.CheckpointsPassed} checkpoints");
        return Interval is not null ? Interval.Verdict(Input)
            : Input.BranchedAt is { } branch ? string.Create(
                CultureInfo.InvariantCulture,
                $"gdb changed the guest at instruction {branch}: up to the checkpoint before that the replay was equal; from there on it was a run of its own.")
            : Input.WasCutOff ? $"The recording was cut off here ({passed}); up to here the replay is equal."
            : Input.WasStopped ? $"The replay was stopped before the recorded run's end ({passed}); up to the last checkpoint it is equal."
            : $"The replay is equal to the recorded run ({passed}).";
    }

    /// <summary>How a replay ended that has left the recorded run.</summary>
    public RunEnd Diverged(ReplayException divergence) => new(
        "diverged",
        ExitCode.Different,
        _program == RecordedGuest.ThisProgram ? divergence.Message : $"{divergence.Message} It was recorded by {_program}; this is {RecordedGuest.ThisProgram}.");

    /// <inheritdoc/>
    public void Dispose()
    {
        Interval?.Dispose();
        Input.Dispose();
    }
}
