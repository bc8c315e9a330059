namespace Emu.Cpu.Platform;

/// <summary>Hears what the CPU noticed and a log should say: the core itself does not log.</summary>
public interface IVcpuObserver
{
    /// <summary>An instruction, MSR or the like that the model does not have; the guest gets the architectural fault.</summary>
    /// <param name="vcpu">The vCPU; its RIP is that of the instruction.</param>
    /// <param name="what">What was asked for, in a few words: "MSR 0xC0010058 read", "instruction VMXON".</param>
    void Unsupported(Vcpu vcpu, string what);

    /// <summary>An exception or interrupt is about to be delivered.</summary>
    void Delivering(Vcpu vcpu, in EventInFlight delivered);
}
