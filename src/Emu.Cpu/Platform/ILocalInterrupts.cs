namespace Emu.Cpu.Platform;

/// <summary>What stands at one vCPU's INTR pin and behind CR8 and the APIC's MSRs: its local APIC (SDM Vol. 3, chapter 11).</summary>
/// <remarks>
/// When <see cref="HasInterrupt"/> may have become true, the platform calls <see cref="Vcpu.NotifyInterrupt"/>; the vCPU asks
/// again at the next instruction boundary at which it accepts interrupts.
/// </remarks>
public interface ILocalInterrupts
{
    /// <summary>True where an external interrupt would be accepted now if RFLAGS.IF allows it.</summary>
    bool HasInterrupt { get; }

    /// <summary>The interrupt-acknowledge cycle: moves the interrupt into service.</summary>
    /// <returns>The vector, 0–255.</returns>
    byte Acknowledge();

    /// <summary>CR8: bits 7:4 of the task-priority register, 0–15.</summary>
    byte TaskPriorityClass { get; set; }

    /// <summary>The guest has set its time-stamp counter: what waits for a value of it waits for another time now.</summary>
    void TimeStampChanged()
    {
    }

    /// <summary>Reads an MSR of the local APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800–0x8FF.</summary>
    /// <param name="msr">The MSR's number.</param>
    /// <param name="value">The value read.</param>
    /// <returns>False where the access raises #GP(0).</returns>
    bool TryReadMsr(uint msr, out ulong value);

    /// <summary>Writes an MSR of the local APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800–0x8FF.</summary>
    /// <param name="msr">The MSR's number.</param>
    /// <param name="value">The value to write.</param>
    /// <returns>False where the access raises #GP(0).</returns>
    bool TryWriteMsr(uint msr, ulong value);
}
