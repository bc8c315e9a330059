using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Emu.Cpu.Tests;

/// <summary>Which instructions the host's processor has, so that results can be held against it.</summary>
internal static class HostFeatures
{
    /// <summary>True where the host has an instruction. A feature that is not named here counts as present.</summary>
    public static bool Has(Code code) => code.CpuidFeatures().All(Has);

    private static bool Has(CpuidFeature feature) => feature switch
    {
        CpuidFeature.AVX => Avx.IsSupported,
        CpuidFeature.AVX2 => Avx2.IsSupported,
        CpuidFeature.FMA => Fma.IsSupported,
        CpuidFeature.AES => Aes.IsSupported,
        CpuidFeature.PCLMULQDQ => Pclmulqdq.IsSupported,
        CpuidFeature.BMI1 => Bmi1.IsSupported,
        CpuidFeature.BMI2 => Bmi2.IsSupported,
        CpuidFeature.LZCNT => Lzcnt.IsSupported,
        CpuidFeature.POPCNT => Popcnt.IsSupported,
        CpuidFeature.SSE4_2 => Sse42.IsSupported,
        CpuidFeature.F16C => Bit(1, 0, 2, 29),
        CpuidFeature.ADX => Bit(7, 0, 1, 19),
        CpuidFeature.SHA => Bit(7, 0, 1, 29),
        CpuidFeature.GFNI => Bit(7, 0, 2, 8),
        CpuidFeature.VAES => Bit(7, 0, 2, 9),
        CpuidFeature.VPCLMULQDQ => Bit(7, 0, 2, 10),
        CpuidFeature.AVX_VNNI => Bit(7, 1, 0, 4),
        CpuidFeature.MOVDIRI => Bit(7, 0, 2, 27),
        CpuidFeature.MOVDIR64B => Bit(7, 0, 2, 28),
        CpuidFeature.SERIALIZE => Bit(7, 0, 3, 14),
        CpuidFeature.MOVBE => Bit(1, 0, 2, 22),
        CpuidFeature.CMPXCHG16B => Bit(1, 0, 2, 13),
        CpuidFeature.CLFLUSHOPT => Bit(7, 0, 1, 23),
        CpuidFeature.CLWB => Bit(7, 0, 1, 24),
        CpuidFeature.PREFETCHW => Bit(unchecked((int)0x8000_0001), 0, 2, 8),
        CpuidFeature.SSE4A => Bit(unchecked((int)0x8000_0001), 0, 2, 6),
        CpuidFeature.CLZERO => Bit(unchecked((int)0x8000_0008), 0, 1, 0),
        _ => true,
    };

    private static bool Bit(int leaf, int subleaf, int register, int bit)
    {
        if (!X86Base.IsSupported)
            return false;
        var (eax, ebx, ecx, edx) = X86Base.CpuId(leaf, subleaf);
        return (new[] { eax, ebx, ecx, edx }[register] >> bit & 1) != 0;
    }
}
