namespace Emu.Cpu.Instrumentation;

/// <summary>How much a trace holds.</summary>
[Flags]
public enum TraceDetail
{
    /// <summary>Which instructions were executed, and which events were delivered.</summary>
    Blocks = 0,

    /// <summary>The registers that each instruction and event changed.</summary>
    Registers = 1,

    /// <summary>Each access to memory by linear address, with its value where it is RAM.</summary>
    Memory = 2,
}

/// <summary>The registers whose changes a trace holds, in the order of their bits.</summary>
public enum TracedRegister
{
    /// <summary>RAX; RCX, RDX, RBX, RSP, RBP, RSI, RDI and R8–R15 follow it.</summary>
    Rax = 0,

    /// <summary>RSP.</summary>
    Rsp = 4,

    /// <summary>R15.</summary>
    R15 = 15,

    /// <summary>RFLAGS.</summary>
    Rflags = 16,

    /// <summary>The base of FS.</summary>
    FsBase = 17,

    /// <summary>The base of GS.</summary>
    GsBase = 18,

    /// <summary>CR0.</summary>
    Cr0 = 19,

    /// <summary>CR2.</summary>
    Cr2 = 20,

    /// <summary>CR3.</summary>
    Cr3 = 21,

    /// <summary>CR4.</summary>
    Cr4 = 22,

    /// <summary>IA32_EFER.</summary>
    Efer = 23,
}
