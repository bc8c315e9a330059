using Emu.Cpu.Instrumentation;

namespace Emu.Machine;

/// <summary>When a run ends even if the guest goes on.</summary>
public sealed record RunLimits
{
    /// <summary>No limit.</summary>
    public static readonly RunLimits None = new();

    /// <summary>Instructions since reset after which the run ends, exactly.</summary>
    public ulong MaxInstructions { get; init; } = ulong.MaxValue;

    /// <summary>Virtual time, in nanoseconds since the start, after which the run ends: idle time counts.</summary>
    public ulong MaxVirtualTime { get; init; } = ulong.MaxValue;

    /// <summary>Whether the first instruction is executed even if a breakpoint is there: that of a run that goes on after it was reported.</summary>
    public bool PassesBreakpoint { get; init; }
}

/// <summary>Why a run ended.</summary>
public enum StopReason
{
    /// <summary>The guest switched the machine off.</summary>
    PoweredOff,

    /// <summary>The guest asked for a reset.</summary>
    Rebooted,

    /// <summary>The guest halted with nothing left that could wake it.</summary>
    Halted,

    /// <summary>Triple fault, or the guest declared itself crashed.</summary>
    Crashed,

    /// <summary>The guest wrote an exit code to isa-debug-exit.</summary>
    DebugExit,

    /// <summary>The instruction limit was reached.</summary>
    LimitReached,

    /// <summary>The caller cancelled the run: a time limit, or a user who has seen enough.</summary>
    Cancelled,

    /// <summary><see cref="PvhMachine.RequestPause"/> was called; the run may be taken up again.</summary>
    Paused,

    /// <summary>The next instruction has a breakpoint; <see cref="PvhMachine.CurrentVcpu"/> is about to execute it.</summary>
    Breakpoint,

    /// <summary>The instruction, or event, that <see cref="PvhMachine.CurrentVcpu"/> has just completed has touched a watchpoint.</summary>
    Watchpoint,

    /// <summary>Going backwards, nothing was found up to where it all begins (<see cref="TimeTravel.Timeline"/>).</summary>
    BeginningReached,
}

/// <summary>How a run ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Code">The exit code of <see cref="StopReason.DebugExit"/>, else 0.</param>
/// <param name="Detail">One sentence, or null where <paramref name="Reason"/> says it all.</param>
public sealed record RunResult(StopReason Reason, int Code = 0, string? Detail = null)
{
    /// <summary>What touched a watchpoint; null where the run ended for another reason.</summary>
    public WatchpointHit? Hit { get; init; }

    /// <summary>
    /// The process's exit code: 0 where the guest ended its work (off, reset, halted), 3 where it crashed, 4 at a limit, else what it
    /// wrote to isa-debug-exit.
    /// </summary>
    public int ExitCode => Reason switch
    {
        StopReason.PoweredOff or StopReason.Rebooted or StopReason.Halted => 0,
        StopReason.Crashed => 3,
        StopReason.DebugExit => Code,
        _ => 4,
    };
}
