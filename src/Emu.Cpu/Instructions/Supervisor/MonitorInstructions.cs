using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>MONITOR and MWAIT (SDM Vol. 2B): #UD outside CPL 0, and where software has switched them off.</summary>
/// <remarks>
/// Hints (EAX of MWAIT, EDX of MONITOR) mean nothing: there is one way to wait, and it costs nothing. Of the extensions (ECX of MWAIT) there
/// is bit 0, interrupts end the wait even with IF clear.
/// </remarks>
internal static unsafe class MonitorInstructions
{
    private const ulong WakeOnMaskedInterrupt = 1;

    /// <summary>IA32_MISC_ENABLE[18], Intel: enables the pair.</summary>
    public const ulong IntelEnable = 1 << 18;

    /// <summary>HWCR[9], AMD: disables the pair.</summary>
    public const ulong AmdDisable = 1 << 9;

    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Monitor, &BindMonitor);
        table.Add(Mnemonic.Mwait, &BindMwait);
    }

    private static void BindMonitor(ref Operands operands)
    {
        operands.TakeAccumulatorAddress(operands.Instruction.Code switch { Code.Monitorw => 2, Code.Monitord => 4, _ => 8 });
        operands.Op->Handler = &Monitor;
    }

    private static void BindMwait(ref Operands operands)
    {
        operands.Op->Handler = &Mwait;
        operands.EndsBlock = true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Monitor(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TryArm(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryArm(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!IsAvailable(vcpu, s, op))
            return false;
        if (Extensions(vcpu, s) != 0)
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        // An access like a load of one byte.
        var place = Operand.Read<SegmentedAddress, byte>(vcpu, s, op);
        if (place == null)
            return false;
        vcpu.ArmMonitor(place);
        return true;
    }

    private static void Mwait(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!IsAvailable(vcpu, s, op))
            return;
        var extensions = Extensions(vcpu, s);
        if ((extensions & ~WakeOnMaskedInterrupt) != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        vcpu.WaitForMonitor((extensions & WakeOnMaskedInterrupt) != 0);
        Chain.Boundary(s, Step.RipAfter(s, op));
    }

    private static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) =>
        (s->Cpl == 0 && MsrAccess.IsMonitorEnabled(vcpu)) || vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);

    private static ulong Extensions(Vcpu vcpu, CpuState* s) => vcpu.Is64BitCode ? s->Registers[1] : (uint)s->Registers[1];
}
