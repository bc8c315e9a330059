using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Whether the control registers let an instruction use the FPU's and the vector registers (SDM Vol. 3, 2.5, 13.1 and table 14-1).</summary>
/// <remarks>
/// Each check is one test of <see cref="CpuState.Unavailable"/> and a branch where all is well. They come before any operand access; false means that the fault has been
/// recorded.
/// </remarks>
internal static unsafe class Availability
{
    private const ulong AvxState = 6;

    /// <summary>SSE forms: #UD for CR0.EM or without CR4.OSFXSR, #NM for CR0.TS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Sse(Vcpu vcpu, CpuState* s, Op* op) =>
        (s->Unavailable & RegisterSets.Sse) == 0 || RaiseSse(vcpu, s, op);

    /// <summary>VEX forms: #UD without CR4.OSXSAVE or XCR0[2:1], #NM for CR0.TS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Avx(Vcpu vcpu, CpuState* s, Op* op) =>
        (s->Unavailable & RegisterSets.Avx) == 0 || RaiseAvx(vcpu, s, op);

    /// <summary>MMX forms: #UD for CR0.EM, #NM for CR0.TS, #MF for a pending x87 exception.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Mmx(Vcpu vcpu, CpuState* s, Op* op) =>
        ((uint)(s->Unavailable & RegisterSets.Fpu) | (uint)(s->X87.Context.StatusWord & X87Context.ErrorSummary)) == 0 || RaiseMmx(vcpu, s, op);

    /// <summary>x87 instructions that wait: #NM for CR0.EM or CR0.TS, #MF for a pending exception.</summary>
    /// <remarks>CR0.NE = 0 would report through the FERR# pin and IRQ 13; #MF is raised whatever NE says.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool X87(Vcpu vcpu, CpuState* s, Op* op) =>
        ((uint)(s->Unavailable & RegisterSets.Fpu) | (uint)(s->X87.Context.StatusWord & X87Context.ErrorSummary)) == 0 || RaiseX87(vcpu, s, op);

    /// <summary>x87 instructions that do not wait for pending exceptions, and FXSAVE: #NM for CR0.EM or CR0.TS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool X87NoWait(Vcpu vcpu, CpuState* s, Op* op) =>
        (s->Unavailable & RegisterSets.Fpu) == 0 || vcpu.RaiseFault(op, ExceptionVector.DeviceNotAvailable);

    /// <summary>WAIT: #NM only for CR0.MP with CR0.TS, then #MF.</summary>
    public static bool Wait(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr0 & (Cr0.Mp | Cr0.Ts)) == (Cr0.Mp | Cr0.Ts))
            return vcpu.RaiseFault(op, ExceptionVector.DeviceNotAvailable);
        return (s->X87.Context.StatusWord & X87Context.ErrorSummary) == 0 || vcpu.RaiseFault(op, ExceptionVector.FloatingPoint);
    }

    /// <summary>After SSE arithmetic that met an unmasked exception: #XM, or #UD where the system does not handle it.</summary>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool RaiseSimdException(Vcpu vcpu, CpuState* s, Op* op)
    {
        s->Sse.Unmasked = 0;
        return vcpu.RaiseFault(op, (s->Cr4 & Cr4.Osxmmexcpt) != 0 ? ExceptionVector.SimdFloatingPoint : ExceptionVector.InvalidOpcode);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RaiseSse(Vcpu vcpu, CpuState* s, Op* op) =>
        vcpu.RaiseFault(op, (s->Cr0 & Cr0.Em) != 0 || (s->Cr4 & Cr4.Osfxsr) == 0 ? ExceptionVector.InvalidOpcode : ExceptionVector.DeviceNotAvailable);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RaiseAvx(Vcpu vcpu, CpuState* s, Op* op) =>
        vcpu.RaiseFault(op, (s->Cr4 & Cr4.Osxsave) == 0 || (s->Xcr0 & AvxState) != AvxState ? ExceptionVector.InvalidOpcode : ExceptionVector.DeviceNotAvailable);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RaiseMmx(Vcpu vcpu, CpuState* s, Op* op) =>
        vcpu.RaiseFault(op, (s->Cr0 & Cr0.Em) != 0 ? ExceptionVector.InvalidOpcode
            : (s->Cr0 & Cr0.Ts) != 0 ? ExceptionVector.DeviceNotAvailable : ExceptionVector.FloatingPoint);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RaiseX87(Vcpu vcpu, CpuState* s, Op* op) =>
        vcpu.RaiseFault(op, (s->Cr0 & (Cr0.Em | Cr0.Ts)) != 0 ? ExceptionVector.DeviceNotAvailable : ExceptionVector.FloatingPoint);
}
