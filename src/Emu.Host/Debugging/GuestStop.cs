using Emu.Cpu;
using Emu.Machine;

namespace Emu.Host.Debugging;

/// <summary>Why a guest that gdb let run stands again.</summary>
internal enum StopCause
{
    /// <summary>It stands where it began: it has not run yet, or gdb has just come.</summary>
    Attached,

    /// <summary>The step is done.</summary>
    Stepped,

    /// <summary>It has come to the place that it was to go to.</summary>
    Arrived,

    /// <summary>The next instruction has a breakpoint.</summary>
    Breakpoint,

    /// <summary>The last instruction touched watched memory.</summary>
    Watchpoint,

    /// <summary>Ctrl-C, or a gdb that wants to attach.</summary>
    Interrupted,

    /// <summary>The guest has come to an end, of which <see cref="GuestStop.Result"/> tells.</summary>
    Ended,

    /// <summary>The recorded past begins here: there is no way further back.</summary>
    BeginningOfTime,
}

/// <summary>Where and why a guest stands.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Vcpu">The vCPU that it is about.</param>
/// <param name="Address">The watched address that was touched.</param>
/// <param name="Result">How the guest ended, where it did.</param>
internal sealed record GuestStop(StopCause Cause, Vcpu Vcpu, ulong Address = 0, RunResult? Result = null);
