namespace Emu.Cpu;

/// <summary>How much of the instruction set a processor declares: the microarchitecture levels of the x86-64 psABI, and everything.</summary>
/// <remarks>Each level has all of the one before. What a feature needs is in <see cref="CpuFeature"/>.</remarks>
public enum CpuLevel
{
    /// <summary>x86-64-v1: the first x86-64 processors, SSE2 included, and what an operating system finds on every machine.</summary>
    V1,

    /// <summary>x86-64-v2: CMPXCHG16B, LAHF in 64-bit code, POPCNT, SSE3 to SSE4.2.</summary>
    V2,

    /// <summary>x86-64-v3: AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE, XSAVE.</summary>
    V3,

    /// <summary>Everything that is implemented.</summary>
    Max,
}
