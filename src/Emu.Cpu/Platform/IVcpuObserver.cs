namespace Emu.Cpu.Platform;

/// <summary>Hears what the CPU noticed and a log should say: the core itself does not log.</summary>
public interface IVcpuObserver
{
    /// <summary>An instruction, MSR or the like that the model does not have; the guest gets the architectural fault.</summary>
    /// <param name="vcpu">The vCPU; its RIP is that of the instruction.</param>
    /// <param name="what">What was asked for, in a few words: "MSR 0xC0010058 read", "instruction VMXON".</param>
    void Unsupported(Vcpu vcpu, string what);

    /// <summary>An exception has been raised, or INT n, INT3, INTO or INT1 executed: it may be dealt with here, in the guest's stead.</summary>
    /// <param name="vcpu">The vCPU. RIP is the one that would be pushed: of the instruction that faulted, or behind the one that trapped.</param>
    /// <param name="raised">The exception. External interrupts and NMIs are not asked about.</param>
    /// <returns>True where it has been: then nothing is delivered, and the vCPU goes on at the RIP that it is left with.</returns>
    /// <remarks>An exception that is dealt with counts as one instruction, as its delivery would.</remarks>
    bool TryAnswer(Vcpu vcpu, in EventInFlight raised) => false;

    /// <summary>An exception or interrupt is about to be delivered.</summary>
    void Delivering(Vcpu vcpu, in EventInFlight delivered);
}
