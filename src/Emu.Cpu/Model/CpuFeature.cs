using Iced.Intel;

namespace Emu.Cpu;

/// <summary>A register that CPUID returns.</summary>
public enum CpuidRegister
{
    /// <summary>EAX.</summary>
    Eax,

    /// <summary>EBX.</summary>
    Ebx,

    /// <summary>ECX.</summary>
    Ecx,

    /// <summary>EDX.</summary>
    Edx,
}

/// <summary>One feature bit of CPUID, with what it brings: instructions and CR4 bits.</summary>
/// <param name="Name">The field's name for it, in lower case, as Linux's /proc/cpuinfo prints it.</param>
/// <param name="Leaf">CPUID leaf.</param>
/// <param name="Register">The register that holds the bit.</param>
/// <param name="Bit">Its number, 0–31.</param>
/// <param name="Vendor">Null where both vendors have it.</param>
/// <param name="Cr4">Bits of CR4 that exist with it.</param>
/// <param name="Instructions">Iced's features of the instructions that exist with it.</param>
internal sealed record CpuFeature(
    string Name, uint Leaf, CpuidRegister Register, int Bit, CpuVendor? Vendor = null, ulong Cr4 = 0, params CpuidFeature[] Instructions)
{
    /// <summary>CPUID subleaf.</summary>
    public uint Subleaf { get; init; }

    /// <summary>Every feature that the CPU has: the one place where CPUID, CR4 and #UD agree on it.</summary>
    public static readonly CpuFeature[] All =
    [
        new("fpu", 1, CpuidRegister.Edx, 0, null, 0, CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387),
        new("de", 1, CpuidRegister.Edx, 2, null, State.Cr4.De),
        new("pse", 1, CpuidRegister.Edx, 3, null, State.Cr4.Pse),
        new("tsc", 1, CpuidRegister.Edx, 4, null, State.Cr4.Tsd, CpuidFeature.TSC),
        new("msr", 1, CpuidRegister.Edx, 5, null, State.Cr4.Pce, CpuidFeature.MSR),
        new("pae", 1, CpuidRegister.Edx, 6, null, State.Cr4.Pae),
        new("mce", 1, CpuidRegister.Edx, 7, null, State.Cr4.Mce),
        new("cx8", 1, CpuidRegister.Edx, 8, null, 0, CpuidFeature.CX8),
        new("apic", 1, CpuidRegister.Edx, 9),
        new("sep", 1, CpuidRegister.Edx, 11, null, 0, CpuidFeature.SEP),
        new("mtrr", 1, CpuidRegister.Edx, 12),
        new("pge", 1, CpuidRegister.Edx, 13, null, State.Cr4.Pge),
        new("mca", 1, CpuidRegister.Edx, 14),
        new("cmov", 1, CpuidRegister.Edx, 15, null, 0, CpuidFeature.CMOV),
        new("pat", 1, CpuidRegister.Edx, 16),
        new("pse36", 1, CpuidRegister.Edx, 17),
        new("clflush", 1, CpuidRegister.Edx, 19, null, 0, CpuidFeature.CLFSH),
        new("mmx", 1, CpuidRegister.Edx, 23, null, 0, CpuidFeature.MMX),
        new("fxsr", 1, CpuidRegister.Edx, 24, null, State.Cr4.Osfxsr, CpuidFeature.FXSR),
        new("sse", 1, CpuidRegister.Edx, 25, null, State.Cr4.Osxmmexcpt, CpuidFeature.SSE),
        new("sse2", 1, CpuidRegister.Edx, 26, null, 0, CpuidFeature.SSE2),
        new("pni", 1, CpuidRegister.Ecx, 0, null, 0, CpuidFeature.SSE3),
        new("pclmulqdq", 1, CpuidRegister.Ecx, 1, null, 0, CpuidFeature.PCLMULQDQ),
        new("ssse3", 1, CpuidRegister.Ecx, 9, null, 0, CpuidFeature.SSSE3),
        new("fma", 1, CpuidRegister.Ecx, 12, null, 0, CpuidFeature.FMA),
        new("cx16", 1, CpuidRegister.Ecx, 13, null, 0, CpuidFeature.CMPXCHG16B),
        new("pcid", 1, CpuidRegister.Ecx, 17, null, State.Cr4.Pcide),
        new("sse4_1", 1, CpuidRegister.Ecx, 19, null, 0, CpuidFeature.SSE4_1),
        new("sse4_2", 1, CpuidRegister.Ecx, 20, null, 0, CpuidFeature.SSE4_2),
        new("x2apic", 1, CpuidRegister.Ecx, 21),
        new("movbe", 1, CpuidRegister.Ecx, 22, null, 0, CpuidFeature.MOVBE),
        new("popcnt", 1, CpuidRegister.Ecx, 23, null, 0, CpuidFeature.POPCNT),
        new("tsc_deadline_timer", 1, CpuidRegister.Ecx, 24),
        new("aes", 1, CpuidRegister.Ecx, 25, null, 0, CpuidFeature.AES),
        new("xsave", 1, CpuidRegister.Ecx, 26, null, State.Cr4.Osxsave, CpuidFeature.XSAVE),
        new("avx", 1, CpuidRegister.Ecx, 28, null, 0, CpuidFeature.AVX),
        new("f16c", 1, CpuidRegister.Ecx, 29, null, 0, CpuidFeature.F16C),
        new("fsgsbase", 7, CpuidRegister.Ebx, 0, null, State.Cr4.Fsgsbase, CpuidFeature.FSGSBASE),
        new("tsc_adjust", 7, CpuidRegister.Ebx, 1),
        new("bmi1", 7, CpuidRegister.Ebx, 3, null, 0, CpuidFeature.BMI1),
        new("avx2", 7, CpuidRegister.Ebx, 5, null, 0, CpuidFeature.AVX2),
        new("smep", 7, CpuidRegister.Ebx, 7, null, State.Cr4.Smep),
        new("bmi2", 7, CpuidRegister.Ebx, 8, null, 0, CpuidFeature.BMI2),
        new("erms", 7, CpuidRegister.Ebx, 9),
        new("invpcid", 7, CpuidRegister.Ebx, 10, null, 0, CpuidFeature.INVPCID),
        new("clflushopt", 7, CpuidRegister.Ebx, 23, null, 0, CpuidFeature.CLFLUSHOPT),
        new("clwb", 7, CpuidRegister.Ebx, 24, null, 0, CpuidFeature.CLWB),
        new("adx", 7, CpuidRegister.Ebx, 19, null, 0, CpuidFeature.ADX),
        new("smap", 7, CpuidRegister.Ebx, 20, null, State.Cr4.Smap, CpuidFeature.SMAP),
        new("sha_ni", 7, CpuidRegister.Ebx, 29, null, 0, CpuidFeature.SHA),
        new("umip", 7, CpuidRegister.Ecx, 2, null, State.Cr4.Umip),
        new("pku", 7, CpuidRegister.Ecx, 3, null, State.Cr4.Pke, CpuidFeature.PKU),
        new("la57", 7, CpuidRegister.Ecx, 16, null, State.Cr4.La57),
        new("pks", 7, CpuidRegister.Ecx, 31, null, State.Cr4.Pks),
        new("rdpid", 7, CpuidRegister.Ecx, 22, null, 0, CpuidFeature.RDPID),
        new("fsrm", 7, CpuidRegister.Edx, 4),
        new("xsaveopt", 0xD, CpuidRegister.Eax, 0, null, 0, CpuidFeature.XSAVEOPT) { Subleaf = 1 },
        new("xsavec", 0xD, CpuidRegister.Eax, 1, null, 0, CpuidFeature.XSAVEC) { Subleaf = 1 },
        new("lahf_lm", 0x8000_0001, CpuidRegister.Ecx, 0),
        new("cr8_legacy", 0x8000_0001, CpuidRegister.Ecx, 4, CpuVendor.Amd),
        new("abm", 0x8000_0001, CpuidRegister.Ecx, 5, null, 0, CpuidFeature.LZCNT),
        new("3dnowprefetch", 0x8000_0001, CpuidRegister.Ecx, 8, null, 0, CpuidFeature.PREFETCHW),
        new("syscall", 0x8000_0001, CpuidRegister.Edx, 11, null, 0, CpuidFeature.SYSCALL),
        new("nx", 0x8000_0001, CpuidRegister.Edx, 20),
        new("mmxext", 0x8000_0001, CpuidRegister.Edx, 22, CpuVendor.Amd),
        new("pdpe1gb", 0x8000_0001, CpuidRegister.Edx, 26),
        new("rdtscp", 0x8000_0001, CpuidRegister.Edx, 27, null, 0, CpuidFeature.RDTSCP),
        new("lm", 0x8000_0001, CpuidRegister.Edx, 29, null, 0, CpuidFeature.X64),
        new("constant_tsc", 0x8000_0007, CpuidRegister.Edx, 8),
        new("null_sel_clr_base", 0x8000_0021, CpuidRegister.Eax, 6, CpuVendor.Amd),
    ];

    /// <summary>Instructions that exist whatever CPUID says.</summary>
    public static readonly CpuidFeature[] Unconditional =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL8086_ONLY, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
        CpuidFeature.INTEL486, CpuidFeature.CPUID, CpuidFeature.MULTIBYTENOP,
        // ENDBR32 and ENDBR64 are NOPs on processors without CET: every distribution's programs begin with them.
        CpuidFeature.CET_IBT, CpuidFeature.PAUSE, CpuidFeature.RDPMC, CpuidFeature.SMM,
    ];
}
