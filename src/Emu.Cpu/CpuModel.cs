namespace Emu.Cpu;

/// <summary>What CPUID says and MSRs allow.</summary>
public sealed class CpuModel
{
}
