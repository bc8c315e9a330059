namespace Emu.Cpu;

/// <summary>Whose processor the CPU says it is. It decides hypercall opcodes, SYSCALL and SYSRET, and some CPUID leaves and MSRs.</summary>
public enum CpuVendor
{
    /// <summary>GenuineIntel.</summary>
    Intel,

    /// <summary>AuthenticAMD.</summary>
    Amd,
}
