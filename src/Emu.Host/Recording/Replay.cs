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
        _program = guest.Program;
    }

    /// <summary>The part that is replayed; null for all. Closed with this.</summary>
    public ReplayInterval? Interval { get; set; }

    /// <summary>The snapshots that this replay takes at the borders of its parts; null for none.</summary>
    public ReplayCuts? Cuts { get; init; }

    /// <summary>The input.</summary>
    public InputReplayer Input { get; }

    /// <summary>How the replay ended, where the guest did not end it, nor whoever runs it now.</summary>
    /// <param name="result">What the machine reported.</param>
    /// <param name="limit">The limit of instructions.</param>
    public RunEnd EndOf(RunResult result, ulong? limit)
    {
        // How the guest ended is another's business: whoever distributes intervals takes any other number for a failure.
        if (Interval is not null && !Input.WasStopped | Input.IsDone)
            return new RunEnd("interval-end", ExitCode.Success, null);
        if (Input.WasCutOff)
            return new RunEnd("recording-end", ExitCode.Success, null);
        (ulong reason, ulong detail) = Input.RunEnd ?? ((ulong)HostStop.None, 0);
        return RunEnd.From(result, (HostStop)reason, (int)(detail & 0x7F), limit);
    }

    /// <summary>What stderr says of a replay that has not left the recorded run.</summary>
    /// <param name="machine">The last machine.</param>
    public string Verdict(PvhMachine machine)
    {
        string passed = string.Create(CultureInfo.InvariantCulture, $"{machine.InstructionsRetired} instructions, {Input.CheckpointsPassed} checkpoints");
        return Interval is not null ? Interval.Verdict(Input)
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
