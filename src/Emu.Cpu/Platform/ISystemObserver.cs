using Emu.Cpu.Execution;

namespace Emu.Cpu.Platform;

/// <summary>
/// Hears of what changes how a processor works: control registers, descriptor tables, modes. A kernel does these things while it starts, and rarely
/// afterwards; a narrator or a debugger wants to know of each.
/// </summary>
/// <remarks>
/// Every call comes when the change has been made. <see cref="Vcpu.InstructionsRetired"/> is the number of instructions before the one that has made it,
/// and RIP in <see cref="Vcpu.State"/> is that instruction's where nothing else is said. The observer may look at everything and must change nothing.
/// </remarks>
public interface ISystemObserver
{
    /// <summary>CR0, CR3, CR4, IA32_EFER or XCR0 has been written, be it with the value that it had.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="register">Which of them.</param>
    /// <param name="before">What it held.</param>
    void ControlRegisterWritten(Vcpu vcpu, ControlRegister register, ulong before);

    /// <summary>Another model-specific register has been written with WRMSR.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="register">Its number.</param>
    /// <param name="value">What was written.</param>
    void ModelSpecificRegisterWritten(Vcpu vcpu, uint register, ulong value);

    /// <summary>LGDT, LIDT, LLDT or LTR has been executed.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="table">What it has loaded.</param>
    void TableLoaded(Vcpu vcpu, SystemTable table);

    /// <summary>Control has gone to another code segment; RIP and mode are those of what comes next.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="kind">By which instruction.</param>
    /// <param name="from">Where that instruction is, and the mode it ran in.</param>
    /// <remarks>Of the two kinds of fast system calls, only the first of each vCPU is reported: they must not become slower.</remarks>
    void Transferred(Vcpu vcpu, TransferKind kind, in CodePlace from);

    /// <summary>A start-up message has taken the vCPU to its first instruction, where RIP is.</summary>
    /// <param name="vcpu">The vCPU.</param>
    void Started(Vcpu vcpu);

    /// <summary>HLT has been executed.</summary>
    /// <param name="vcpu">The vCPU.</param>
    void Halted(Vcpu vcpu);
}

/// <summary>A register that decides about the processor's mode or extent.</summary>
public enum ControlRegister
{
    /// <summary>CR0.</summary>
    Cr0,

    /// <summary>CR3.</summary>
    Cr3,

    /// <summary>CR4.</summary>
    Cr4,

    /// <summary>IA32_EFER, MSR 0xC0000080.</summary>
    Efer,

    /// <summary>XCR0.</summary>
    Xcr0,
}

/// <summary>A register that says where a table of the processor's is.</summary>
public enum SystemTable
{
    /// <summary>GDTR.</summary>
    Global,

    /// <summary>IDTR.</summary>
    Interrupt,

    /// <summary>LDTR.</summary>
    Local,

    /// <summary>TR.</summary>
    Task,
}

/// <summary>How control went to another code segment.</summary>
public enum TransferKind
{
    /// <summary>Far JMP.</summary>
    Jump,

    /// <summary>Far CALL.</summary>
    Call,

    /// <summary>Far RET.</summary>
    Return,

    /// <summary>IRET.</summary>
    InterruptReturn,

    /// <summary>SYSCALL or SYSENTER.</summary>
    SystemCall,

    /// <summary>SYSRET or SYSEXIT.</summary>
    SystemReturn,
}

/// <summary>Where code is, and how the processor reads it.</summary>
/// <param name="Rip">The instruction's offset in CS.</param>
/// <param name="Linear">Its linear address.</param>
/// <param name="Selector">CS.</param>
/// <param name="Mode">The mode.</param>
/// <param name="Cpl">The privilege level, 0–3.</param>
public readonly record struct CodePlace(ulong Rip, ulong Linear, ushort Selector, CodeMode Mode, uint Cpl);
