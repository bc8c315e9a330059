using Emu.Cpu;
using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Time;

namespace Emu.Machine.Processors;

/// <summary>One vCPU as clock and local APIC see it. They exist before it does: each needs the other.</summary>
internal sealed class VcpuLink : IInstructionCounter, ILocalApicHost
{
    private readonly IPowerControl _power;
    private Vcpu? _vcpu;

    public VcpuLink(IPowerControl power) => _power = power;

    /// <summary>The vCPU.</summary>
    public Vcpu Vcpu
    {
        get => _vcpu ?? throw new InvalidOperationException("The vCPU has not been connected yet.");
        set => _vcpu = value;
    }

    public ulong InstructionsRetired => _vcpu?.InstructionsRetired ?? 0;

    public unsafe ulong TimeStamp => Vcpu.InstructionsRetired + Vcpu.State->TimeStampOffset;

    public void LimitRun(ulong untilRetired) => _vcpu?.LimitRun(untilRetired);

    public void NotifyInterrupt() => _vcpu?.NotifyInterrupt();

    public void NotifyNmi() => _vcpu?.NotifyNmi();

    /// <summary>INIT takes the boot processor to the reset vector, where no firmware is: the guest asked for a reset.</summary>
    public void Init() => _power.Reset();

    /// <summary>A start-up message means nothing to a vCPU that runs.</summary>
    public void Startup(byte vector)
    {
    }
}
