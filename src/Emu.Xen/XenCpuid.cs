using Emu.Cpu.Platform;

namespace Emu.Xen;

/// <summary>Xen's CPUID leaves (xen/include/public/arch-x86/cpuid.h) for an HVM-container domain.</summary>
/// <remarks>
/// <code>
/// +0  highest leaf | "XenVMMXenVMM"
/// +1  version, major:minor
/// +2  hypercall pages, base of the MSRs, features
/// +3  TSC: 0 flags, mode, kHz, incarnation | 1 offset, multiplier, shift | 2 host kHz
/// +4  HVM: what follows is valid, vCPU id, domain id
/// +5  PV: zero here
/// </code>
/// </remarks>
public static class XenCpuid
{
    /// <summary>The first leaf, and also the first MSR.</summary>
    public const uint Base = 0x4000_0000;

    private const uint HighestLeaf = Base + 5;
    private const uint TscKilohertz = 1_000_000;
    private const uint TscReliable = 1 << 1;
    private const uint RdtscpAvailable = 1 << 2;
    private const uint IommuMappingsValid = 1 << 2;
    private const uint VcpuIdValid = 1 << 3;
    private const uint DomainIdValid = 1 << 4;
    private const uint UpcallVectorValid = 1 << 6;

    /// <summary>Answers a leaf.</summary>
    /// <param name="leaf">0x40000000–0x4000FFFF.</param>
    /// <param name="subleaf">Sub-leaf.</param>
    /// <param name="vcpu">The asking vCPU's number.</param>
    /// <param name="domain">The domain's id.</param>
    /// <returns>The registers; all zero for a leaf that does not exist.</returns>
    public static CpuidResult Query(uint leaf, uint subleaf, uint vcpu, uint domain)
    {
        switch (leaf - Base, subleaf)
        {
            case (0, _):
                return new CpuidResult(HighestLeaf, 0x566E_6558, 0x6558_4D4D, 0x4D4D_566E);
            case (1, _):
                return new CpuidResult(XenVersionNumber.Value, 0, 0, 0);
            case (2, _):
                return new CpuidResult(1, Base, 0, 0);
            case (3, 0):
                return new CpuidResult(TscReliable | RdtscpAvailable, 0, TscKilohertz, 0);
            case (3, 1):
                // nanoseconds = (TSC << 1) × 2^31 >> 32: one tick is one nanosecond.
                return new CpuidResult(0, 0, 0x8000_0000, 1);
            case (3, 2):
                return new CpuidResult(TscKilohertz, 0, 0, 0);
            case (4, 0):
                return new CpuidResult(IommuMappingsValid | VcpuIdValid | DomainIdValid | UpcallVectorValid, vcpu, domain, 0);
            default:
                return default;
        }
    }
}

/// <summary>The version of Xen whose behaviour a domain sees.</summary>
public static class XenVersionNumber
{
    /// <summary>4.17 as major:minor.</summary>
    public const uint Value = (4 << 16) | 17;

    /// <summary>What follows that number.</summary>
    public const string Extra = ".7";
}
