using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;

namespace Emu.Cpu.State;

/// <summary>The architectural state of one vCPU and what the engine needs beside it, in one unmanaged, 64-byte aligned block.</summary>
/// <remarks>
/// Implementation note. Unmanaged, so that handlers reach every field at a constant offset from one pointer that never moves.
/// The general registers come first: an <see cref="Op"/> names a register by its byte offset from the start of this struct, which makes
/// AH a plain byte at offset 1. Two more slots follow the sixteen registers, so that address arithmetic needs no branches: one that is
/// always zero, and <see cref="Rip"/> itself for RIP-relative operands.
/// While a block runs, <see cref="Rip"/> is the address of its first instruction; between blocks it is that of the next instruction.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public unsafe partial struct CpuState
{
    /// <summary>Byte offset of the slot that always reads zero.</summary>
    public const byte ZeroOffset = 16 * 8;

    /// <summary>Byte offset of <see cref="Rip"/>.</summary>
    public const byte RipOffset = 17 * 8;

    /// <summary>Byte offset of <see cref="Vectors"/>, a multiple of 32.</summary>
    public const int VectorsOffset = 160;

    /// <summary>RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8–R15.</summary>
    public fixed ulong Registers[16];

    /// <summary>Always zero: the base or index of an address that has none.</summary>
    public ulong Zero;

    /// <summary>The instruction pointer (see the remarks for its meaning inside a block).</summary>
    public ulong Rip;

    /// <summary>The six arithmetic flags, not yet worked out.</summary>
    public ArithmeticFlags Flags;

    /// <summary>YMM0–YMM15, 32 bytes each, and aligned to that: none lies across two lines of the host's cache.</summary>
    public fixed ulong Vectors[16 * 4];

    /// <summary>RFLAGS without the six arithmetic flags; bit 1 is set.</summary>
    public ulong SystemFlags;

    /// <summary>Instructions that may still be retired before the engine must return to the run loop.</summary>
    public long Budget;

    /// <summary>Instructions that compiled code has retired: statistics, not state.</summary>
    public ulong Compiled;

    /// <summary>The count of retired instructions at which <see cref="Budget"/> reaches zero.</summary>
    public ulong BudgetEnd;

    /// <summary>The TLB bank that data accesses use at present (<see cref="Tlb"/>).</summary>
    public TlbEntry* DataTlb;

    /// <summary>The virtual-address to block cache, <see cref="JumpCacheEntry.Count"/> entries.</summary>
    public JumpCacheEntry* JumpCache;

    /// <summary>What a jump-cache entry must carry to be valid now: translation epoch, code mode and privilege.</summary>
    public ulong CodeTag;

    /// <summary>The terminator whose successor the run loop should link, or null.</summary>
    public Op* LinkRequest;

    /// <summary>Why the engine returned to the run loop, when not simply to look up a block.</summary>
    public EngineExit Exit;

    /// <summary>Whether one instruction is being executed alone: device accesses are exact then.</summary>
    public Solitude Solo;

    /// <summary>Events to look at before the next instruction.</summary>
    public PendingEvents Pending;

    /// <summary>
    /// The register sets that the control registers close to instructions at present: one test of one bit before an instruction, or once before
    /// many of them. It follows from <see cref="Cr0"/>, <see cref="Cr4"/> and <see cref="Xcr0"/>, whose setters keep it; which fault is due is
    /// looked up in those.
    /// </summary>
    public RegisterSets Unavailable;

    /// <summary>Count of retired instructions at which interrupts are held back for one instruction (STI, MOV SS, POP SS).</summary>
    public ulong InterruptShadowAt;

    /// <summary>The same for NMIs and debug traps, which MOV SS and POP SS hold back too.</summary>
    public ulong StackShadowAt;

    /// <summary>
    /// Count of retired instructions at which RF in <see cref="SystemFlags"/> means something: after the IRET or task switch that loaded it,
    /// between two pieces of a repeated string instruction, or before a general-detect fault.
    /// </summary>
    /// <remarks>Every other instruction would clear RF; instead its value lapses with the count.</remarks>
    public ulong ResumeAt;

    /// <summary>Debug traps that are to follow, as bits of DR6: what data and I/O breakpoints, T of a TSS, and SYSRET met with.</summary>
    public ulong PendingDebug;

    /// <summary>Count of retired instructions before the one that TF steps, whose trap is due at any other count; all ones for none.</summary>
    public ulong StepFrom;

    /// <summary>Current privilege level, 0–3.</summary>
    public uint Cpl;

    /// <summary>ES, CS, SS, DS, FS, GS, LDTR, TR: indexed by <see cref="SegmentName"/>.</summary>
    public SegmentRegisters Segments;

    /// <summary>GDTR.</summary>
    public DescriptorTableRegister Gdtr;

    /// <summary>IDTR.</summary>
    public DescriptorTableRegister Idtr;

    private ulong _cr0;

    /// <summary>Control register 2: the linear address of the last page fault.</summary>
    public ulong Cr2;

    /// <summary>Control register 3.</summary>
    public ulong Cr3;

    private ulong _cr4;

    /// <summary>IA32_EFER.</summary>
    public ulong Efer;

    /// <summary>The page-directory-pointer entries of PAE paging, as loaded with CR3.</summary>
    public fixed ulong Pdptes[4];

    /// <summary>Physical address lines that are held low: line 20 while the A20 gate is closed, else none.</summary>
    public ulong LinesHeldLow;

    private ulong _xcr0;

    /// <summary>DR0–DR3, then DR6 and DR7 at indexes 6 and 7.</summary>
    public fixed ulong DebugRegisters[8];

    /// <summary>The time-stamp counter minus <see cref="Vcpu.InstructionsRetired"/>.</summary>
    public ulong TimeStampOffset;

    /// <summary>Model-specific registers that the CPU core itself keeps.</summary>
    public ModelSpecificRegisters Msr;

    /// <summary>x87 FPU.</summary>
    public X87State X87;

    /// <summary>SSE control and status, as arithmetic works on it.</summary>
    public SseContext Sse;

    /// <summary>Protection-key rights of user pages.</summary>
    public uint Pkru;

    /// <summary>IA32_PKRS: protection-key rights of supervisor pages.</summary>
    public uint Pkrs;

    /// <summary>Where RDRAND and RDSEED are in their sequence (<see cref="RandomGenerator"/>).</summary>
    public ulong RandomState;

    /// <summary>Guest-physical address of the line that MONITOR armed; all ones for none.</summary>
    public ulong MonitorAddress;

    /// <summary>What the line held then.</summary>
    public fixed ulong MonitorLine[8];

    /// <summary>Operand bytes that could not be reached in place: page-crossing, MMIO, or too wide.</summary>
    public fixed byte Scratch[1024];

    /// <summary>Control register 0.</summary>
    public ulong Cr0
    {
        readonly get => _cr0;
        set
        {
            _cr0 = value;
            FindUnavailable();
        }
    }

    /// <summary>Control register 4.</summary>
    public ulong Cr4
    {
        readonly get => _cr4;
        set
        {
            _cr4 = value;
            FindUnavailable();
        }
    }

    /// <summary>Extended control register 0: what XSAVE manages.</summary>
    public ulong Xcr0
    {
        readonly get => _xcr0;
        set
        {
            _xcr0 = value;
            FindUnavailable();
        }
    }

    /// <summary>MXCSR: SSE control and status.</summary>
    public uint Mxcsr
    {
        readonly get => Sse.Mxcsr;
        set => Sse.Mxcsr = value;
    }

    // SDM Vol. 3, 2.5, 13.1 and table 14-1.
    private void FindUnavailable()
    {
        const ulong avxState = 6;
        var closed = RegisterSets.None;
        if ((_cr0 & (State.Cr0.Em | State.Cr0.Ts)) != 0)
            closed |= RegisterSets.Fpu | RegisterSets.Sse;
        if ((_cr4 & State.Cr4.Osfxsr) == 0)
            closed |= RegisterSets.Sse;
        if ((_cr0 & State.Cr0.Ts) != 0 || (_cr4 & State.Cr4.Osxsave) == 0 || (_xcr0 & avxState) != avxState)
            closed |= RegisterSets.Avx;
        Unavailable = closed;
    }
}

/// <summary>The register sets that control registers open and close (SDM Vol. 3, 2.5, 13.1 and table 14-1).</summary>
[Flags]
public enum RegisterSets : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>x87 and MMX: closed by CR0.EM and CR0.TS.</summary>
    Fpu = 1,

    /// <summary>XMM to legacy SSE forms: closed by CR0.EM and CR0.TS, and without CR4.OSFXSR.</summary>
    Sse = 2,

    /// <summary>XMM and YMM to VEX forms: closed by CR0.TS, and without CR4.OSXSAVE or XCR0[2:1].</summary>
    Avx = 4,
}

/// <summary>Why an engine came back to the run loop.</summary>
public enum EngineExit : uint
{
    /// <summary>To find the block at RIP; nothing else is asked.</summary>
    NextBlock = 0,

    /// <summary>The instruction raised a fault; its state is as before it. See <c>Vcpu.Faults.cs</c>.</summary>
    Fault,

    /// <summary>The instruction needs an exact instruction boundary before it (a device access, or a store into translated code): repeat it alone.</summary>
    RepeatAlone,

    /// <summary>The instruction did its work and set RIP; the run loop should look at <see cref="CpuState.Pending"/>.</summary>
    Boundary,
}

/// <summary>Whether an instruction is executed alone, so that the count of retired instructions is exact and nothing follows it unseen.</summary>
public enum Solitude : uint
{
    /// <summary>No: others of its block have been charged with it and follow it.</summary>
    None = 0,

    /// <summary>It is.</summary>
    Alone,

    /// <summary>It is, and its one memory access is known to be a device's.</summary>
    AtDevice,
}

/// <summary>Events that the run loop looks at between instructions.</summary>
[Flags]
public enum PendingEvents : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The local APIC may have an interrupt.</summary>
    Interrupt = 1,

    /// <summary>An NMI is latched.</summary>
    NonMaskableInterrupt = 2,

    /// <summary>PAUSE: another vCPU should run.</summary>
    Yield = 4,

    /// <summary>HLT or MWAIT: wait for an event.</summary>
    Halt = 8,

    /// <summary>The platform asked to stop.</summary>
    Stop = 16,

    /// <summary>Shutdown after a triple fault.</summary>
    Shutdown = 32,

    /// <summary>NMIs are blocked until IRET.</summary>
    NmiBlocked = 64,

    /// <summary>A debug trap may have to follow the instruction just finished: it was single-stepped, or met a data breakpoint.</summary>
    DebugTrap = 128,

    /// <summary>DR7 enables breakpoints: every instruction is looked at.</summary>
    Breakpoints = 256,

    /// <summary>MWAIT: a store to the monitored line ends the wait, too.</summary>
    MonitorWait = 512,

    /// <summary>MWAIT with ECX bit 0: an interrupt ends the wait even with IF clear, without being taken.</summary>
    WakeOnMaskedInterrupt = 1024,
}

/// <summary>GDTR or IDTR.</summary>
public struct DescriptorTableRegister
{
    /// <summary>Linear base address.</summary>
    public ulong Base;

    /// <summary>Limit in bytes, minus one.</summary>
    public uint Limit;
}

/// <summary>MSRs that the CPU core keeps (SDM Vol. 4).</summary>
public unsafe struct ModelSpecificRegisters
{
    /// <summary>IA32_STAR, 0xC0000081.</summary>
    public ulong Star;

    /// <summary>IA32_LSTAR, 0xC0000082.</summary>
    public ulong LongStar;

    /// <summary>IA32_CSTAR, 0xC0000083.</summary>
    public ulong CompatibilityStar;

    /// <summary>IA32_FMASK, 0xC0000084.</summary>
    public ulong SyscallMask;

    /// <summary>IA32_KERNEL_GS_BASE, 0xC0000102.</summary>
    public ulong KernelGsBase;

    /// <summary>IA32_TSC_AUX, 0xC0000103.</summary>
    public ulong TscAux;

    /// <summary>IA32_SYSENTER_CS, 0x174.</summary>
    public ulong SysenterCs;

    /// <summary>IA32_SYSENTER_ESP, 0x175.</summary>
    public ulong SysenterEsp;

    /// <summary>IA32_SYSENTER_EIP, 0x176.</summary>
    public ulong SysenterEip;

    /// <summary>IA32_PAT, 0x277.</summary>
    public ulong PageAttributeTable;

    /// <summary>IA32_MISC_ENABLE, 0x1A0.</summary>
    public ulong MiscEnable;

    /// <summary>IA32_TSC_ADJUST, 0x3B.</summary>
    public ulong TscAdjust;

    /// <summary>IA32_BIOS_SIGN_ID, 0x8B: the microcode revision in bits 63:32.</summary>
    public ulong MicrocodeRevision;

    /// <summary>IA32_MTRR_DEF_TYPE, 0x2FF.</summary>
    public ulong MtrrDefaultType;

    /// <summary>The fixed-range MTRRs in ascending order of number: 0x250, 0x258, 0x259, 0x268–0x26F.</summary>
    public fixed ulong MtrrFixed[11];

    /// <summary>The variable-range MTRRs, base and mask in turn: 0x200–0x20F.</summary>
    public fixed ulong MtrrVariable[16];

    /// <summary>IA32_MCG_STATUS, 0x17A.</summary>
    public ulong MachineCheckStatus;

    /// <summary>IA32_DEBUGCTL, 0x1D9: BTF steps branches; there are no last-branch records, and the rest is kept without effect.</summary>
    public ulong DebugControl;

    /// <summary>IA32_XSS, 0xDA0.</summary>
    public ulong SupervisorXstate;

    /// <summary>SYSCFG, HWCR and other MSRs of AMD's that software sets and reads back; the instruction's table has their order.</summary>
    public fixed ulong Amd[16];
}
