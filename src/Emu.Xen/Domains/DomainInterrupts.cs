using Emu.Cpu.Platform;

namespace Emu.Xen.Domains;

/// <summary>
/// The interrupts of a domain's vCPU: the callback vector, which Xen injects past the local APIC as long as an upcall is pending
/// (hvm_vcpu_has_pending_irq, xen/arch/x86/hvm/irq.c), and those of the local APIC after it.
/// </summary>
public sealed class DomainInterrupts : ILocalInterrupts
{
    /// <summary>Stands before a local APIC.</summary>
    /// <param name="apic">The local APIC.</param>
    public DomainInterrupts(ILocalInterrupts apic) => LocalApic = apic;

    /// <summary>The local APIC.</summary>
    public ILocalInterrupts LocalApic { get; }

    /// <summary>The vCPU; null until the domain has it.</summary>
    public DomainVcpu? Vcpu { get; set; }

    /// <inheritdoc/>
    public bool HasInterrupt => Vcpu is { HasCallback: true } || LocalApic.HasInterrupt;

    /// <inheritdoc/>
    public byte TaskPriorityClass
    {
        get => LocalApic.TaskPriorityClass;
        set => LocalApic.TaskPriorityClass = value;
    }

    /// <inheritdoc/>
    public byte Acknowledge() => Vcpu?.PendingCallback ?? LocalApic.Acknowledge();

    /// <inheritdoc/>
    public void TimeStampChanged()
    {
        LocalApic.TimeStampChanged();
        Vcpu?.WriteTime();
    }

    /// <inheritdoc/>
    public bool TryReadMsr(uint msr, out ulong value) => LocalApic.TryReadMsr(msr, out value);

    /// <inheritdoc/>
    public bool TryWriteMsr(uint msr, ulong value) => LocalApic.TryWriteMsr(msr, value);
}
