using Emu.Cpu.Memory;
using Emu.Cpu.Platform;

namespace Emu.Cpu;

/// <summary>One x86-64 virtual CPU: its state, its memory-management unit and the engine that runs it.</summary>
public sealed unsafe partial class Vcpu
{
    /// <summary>Instructions retired since reset: exact at every callout to the platform, where it counts those before the current one.</summary>
    public ulong InstructionsRetired => throw new NotImplementedException();

    /// <summary>Runs until <paramref name="untilRetired"/> instructions have been retired since reset, or an earlier reason to leave.</summary>
    public RunExit Run(ulong untilRetired) => throw new NotImplementedException();

    /// <summary>Brings the end of the current <see cref="Run"/> forward (never back): a device scheduled an earlier event.</summary>
    public void LimitRun(ulong untilRetired) => throw new NotImplementedException();

    /// <summary>Lets the current <see cref="Run"/> end with <see cref="RunExit.Stopped"/> after the current instruction.</summary>
    public void RequestStop() => throw new NotImplementedException();

    /// <summary>The platform's <see cref="ILocalInterrupts.HasInterrupt"/> may have become true.</summary>
    public void NotifyInterrupt() => throw new NotImplementedException();

    /// <summary>Raises the NMI pin's edge.</summary>
    public void NotifyNmi() => throw new NotImplementedException();

    /// <summary>Lets time pass without instructions (idle): adds to the time-stamp counter.</summary>
    /// <param name="ticks">Time-stamp ticks; one retired instruction is one tick.</param>
    public void AdvanceTimeStamp(ulong ticks) => throw new NotImplementedException();
}

/// <summary>Why <see cref="Vcpu.Run"/> returned.</summary>
public enum RunExit
{
    /// <summary>The requested number of instructions has been retired.</summary>
    LimitReached,

    /// <summary>HLT: nothing more happens before an interrupt, NMI, INIT or reset.</summary>
    Halted,

    /// <summary>Triple fault: the CPU is in shutdown.</summary>
    Shutdown,

    /// <summary><see cref="Vcpu.RequestStop"/> was called.</summary>
    Stopped,
}
