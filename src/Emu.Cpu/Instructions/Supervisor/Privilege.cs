using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>What instructions check before they do anything privileged. A false has raised the fault.</summary>
internal static unsafe class Privilege
{
    /// <summary>CPL 0, else #GP(0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsKernel(Vcpu vcpu, CpuState* s, Op* op) =>
        s->Cpl == 0 || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    /// <summary>Raises #GP(0): what a handler that wants no frame of its own ends with.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Refuse(Vcpu vcpu, CpuState* s, Op* op) => vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    /// <summary>True where a program that IOPL denies IF has VIF instead: CR4.VME in virtual-8086 mode, else CR4.PVI at CPL 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasVirtualInterrupts(CpuState* s) =>
        s->Cpl == 3 && (s->Cr4 & ((s->SystemFlags & Rflags.Virtual8086) != 0 ? Cr4.Vme : Cr4.Pvi)) != 0;

    /// <summary>Protected mode, else #UD.</summary>
    public static bool IsProtected(Vcpu vcpu, Op* op) => vcpu.IsProtected || vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);

    /// <summary>Not forbidden by CR4.UMIP, else #GP(0).</summary>
    public static bool IsAllowedByUmip(Vcpu vcpu, CpuState* s, Op* op) =>
        s->Cpl == 0 || (s->Cr4 & Cr4.Umip) == 0 || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);

    /// <summary>IOPL, 0–3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Iopl(CpuState* s) => (uint)(s->SystemFlags >> 12) & 3;
}
