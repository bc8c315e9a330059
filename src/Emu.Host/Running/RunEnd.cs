using System.Globalization;
using Emu.Machine;

namespace Emu.Host.Running;

/// <summary>Why the host, and not the guest, ended a run.</summary>
public enum HostStop
{
    /// <summary>It did not.</summary>
    None,

    /// <summary><c>--timeout</c> passed.</summary>
    Timeout,

    /// <summary>The user pressed the escape key's x.</summary>
    Quit,

    /// <summary>A signal asked the process to end.</summary>
    Signal,

    /// <summary>Nobody reads standard output any more.</summary>
    OutputClosed,

    /// <summary>The last snapshot that was asked for is taken, and no more was (<c>--snapshot-exit</c>).</summary>
    Snapshot,
}

/// <summary>How a run ended, as the user, the statistics and the process's exit code have it.</summary>
/// <param name="Reason">The name in the statistics.</param>
/// <param name="ExitCode">The process's exit code.</param>
/// <param name="Sentence">What stderr says about it; null for nothing.</param>
public sealed record RunEnd(string Reason, int ExitCode, string? Sentence)
{
    /// <summary>Translates what the machine reported.</summary>
    /// <param name="result">What the machine reported.</param>
    /// <param name="stop">Why the host ended the run, where it did.</param>
    /// <param name="signal">The signal's number, where there was one.</param>
    /// <param name="maximumInstructions">The user's limit.</param>
    /// <returns>The end.</returns>
    public static RunEnd From(RunResult result, HostStop stop, int signal, ulong? maximumInstructions)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Reason switch
        {
            StopReason.PoweredOff => new RunEnd("powered-off", Host.ExitCode.Success, null),
            StopReason.Rebooted => new RunEnd("rebooted", Host.ExitCode.Success, null),
            StopReason.Halted => new RunEnd("halted", Host.ExitCode.Success, "The guest halted, and nothing is left that could wake it."),
            StopReason.Crashed => new RunEnd("crashed", Host.ExitCode.GuestCrash, $"The guest crashed: {result.Detail}."),
            StopReason.DebugExit => new RunEnd("debug-exit", result.Code & 0xFF, null),
            StopReason.LimitReached => new RunEnd(
                "instruction-limit",
                Host.ExitCode.LimitReached,
                string.Create(CultureInfo.InvariantCulture, $"The limit of {maximumInstructions} instructions was reached.")),
            StopReason.Paused => Stopped(HostStop.Snapshot, signal),
            _ => Stopped(stop, signal),
        };
    }

    /// <summary>The end of a guest that would be started anew for ever.</summary>
    /// <param name="restarts">How often it was.</param>
    /// <returns>The end.</returns>
    public static RunEnd TooOften(int restarts) => new(
        "restart-limit", Host.ExitCode.LimitReached, string.Create(CultureInfo.InvariantCulture, $"The guest was started anew {(restarts == 1 ? "once" : $"{restarts} times")}, which is the limit (--restarts)."));

    private static RunEnd Stopped(HostStop stop, int signal) => stop switch
    {
        HostStop.Timeout => new RunEnd("timeout", Host.ExitCode.LimitReached, "The time limit was reached."),
        HostStop.Signal => new RunEnd("signal", Host.ExitCode.SignalBase + signal, null),
        HostStop.OutputClosed => new RunEnd("output-closed", Host.ExitCode.OutputClosed, null),
        HostStop.Snapshot => new RunEnd("snapshot", Host.ExitCode.Success, null),
        _ => new RunEnd("quit", Host.ExitCode.Success, null),
    };
}
