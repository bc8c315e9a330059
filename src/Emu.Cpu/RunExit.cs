namespace Emu.Cpu;

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

    /// <summary>
    /// PAUSE on a machine with several vCPUs: the guest waits in a loop for what another vCPU is to do (<see cref="Vcpu.TakeYield"/>).
    /// </summary>
    Yielded,

    /// <summary>The next instruction has a breakpoint (<see cref="Instrumentation.CodeBreakpoints"/>), and was not told to be passed.</summary>
    Breakpoint,
}
