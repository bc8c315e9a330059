namespace Emu.Machine.Interrupts;

/// <summary>The vCPU that a local APIC belongs to, as the APIC needs it.</summary>
public interface ILocalApicHost
{
    /// <summary>The time-stamp counter as RDTSC would read it now.</summary>
    ulong TimeStamp { get; }

    /// <summary>An interrupt may have become deliverable.</summary>
    void NotifyInterrupt();

    /// <summary>An edge at the NMI pin.</summary>
    void NotifyNmi();

    /// <summary>INIT: the vCPU returns to its reset state and, unless it is the boot processor, waits for a start-up message.</summary>
    void Init();

    /// <summary>Start-up message.</summary>
    /// <param name="vector">The page, 0–255, at which a waiting vCPU begins in real mode.</param>
    void Startup(byte vector);
}
