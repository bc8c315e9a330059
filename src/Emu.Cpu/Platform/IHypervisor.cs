namespace Emu.Cpu.Platform;

/// <summary>The hypervisor under the guest, where the platform plays one: CPUID leaves, MSRs and hypercall instructions.</summary>
public interface IHypervisor
{
    /// <summary>Answers a CPUID leaf in 0x40000000–0x4000FFFF.</summary>
    CpuidResult Cpuid(Vcpu vcpu, uint leaf, uint subleaf);

    /// <summary>Reads a hypervisor MSR, 0x40000000–0x4000FFFF.</summary>
    /// <returns>False where the access raises #GP(0).</returns>
    bool TryReadMsr(Vcpu vcpu, uint msr, out ulong value);

    /// <summary>Writes a hypervisor MSR, 0x40000000–0x4000FFFF.</summary>
    /// <returns>False where the access raises #GP(0).</returns>
    bool TryWriteMsr(Vcpu vcpu, uint msr, ulong value);

    /// <summary>Executes VMCALL or VMMCALL. Registers are read and written through <paramref name="vcpu"/>; RIP moves on by itself.</summary>
    /// <param name="vcpu">The calling vCPU.</param>
    /// <param name="instruction">Which of the two opcodes was used.</param>
    /// <returns>What becomes of the instruction.</returns>
    HypercallOutcome Hypercall(Vcpu vcpu, HypercallInstruction instruction);
}

/// <summary>What becomes of an instruction that calls a hypervisor.</summary>
public enum HypercallOutcome
{
    /// <summary>It is not there: #UD.</summary>
    Undefined,

    /// <summary>It is done.</summary>
    Completed,

    /// <summary>It is not done yet: it is executed again, and events may come before.</summary>
    Again,
}

/// <summary>The two opcodes that call a hypervisor.</summary>
public enum HypercallInstruction
{
    /// <summary>0F 01 C1, Intel VMX.</summary>
    Vmcall,

    /// <summary>0F 01 D9, AMD SVM.</summary>
    Vmmcall,
}

/// <summary>What CPUID returns for one leaf.</summary>
public readonly record struct CpuidResult(uint Eax, uint Ebx, uint Ecx, uint Edx);
