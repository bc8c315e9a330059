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

/// <summary>One feature bit of CPUID, with what it brings: instructions, and bits of control registers.</summary>
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

    /// <summary>The lowest level that has it.</summary>
    public CpuLevel Level { get; init; }

    /// <summary>Bits of IA32_EFER that exist with it.</summary>
    public ulong Efer { get; init; }

    /// <summary>Bits of XCR0 that exist with it.</summary>
    public ulong Xcr0 { get; init; }

    // The psABI's x86-64-v1 is CMOV, CX8, FPU, FXSR, MMX, SYSCALL, SSE and SSE2. The rest of this list is what systems expect of any
    // 64-bit machine, and what the machine around the processor has whatever its level: the local APIC with its modes, and the clock.
    private static readonly CpuFeature[] V1 =
    [
        new("fpu", 1, CpuidRegister.Edx, 0, null, 0, CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387),
        new("vme", 1, CpuidRegister.Edx, 1, null, State.Cr4.Vme | State.Cr4.Pvi),
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
        new("sse2", 1, CpuidRegister.Edx, 26, null, 0, CpuidFeature.SSE2, CpuidFeature.PAUSE),
        new("x2apic", 1, CpuidRegister.Ecx, 21),
        new("tsc_deadline_timer", 1, CpuidRegister.Ecx, 24),
        new("arat", 6, CpuidRegister.Eax, 2),
        new("cr8_legacy", 0x8000_0001, CpuidRegister.Ecx, 4, CpuVendor.Amd),
        new("syscall", 0x8000_0001, CpuidRegister.Edx, 11, null, 0, CpuidFeature.SYSCALL) { Efer = State.Efer.Sce },
        new("nx", 0x8000_0001, CpuidRegister.Edx, 20) { Efer = State.Efer.Nxe },
        new("mmxext", 0x8000_0001, CpuidRegister.Edx, 22, CpuVendor.Amd),
        new("lm", 0x8000_0001, CpuidRegister.Edx, 29, null, 0, CpuidFeature.X64) { Efer = State.Efer.Lme | State.Efer.Lma },
        new("constant_tsc", 0x8000_0007, CpuidRegister.Edx, 8),
        new("null_sel_clr_base", 0x8000_0021, CpuidRegister.Eax, 6, CpuVendor.Amd),
    ];

    private static readonly CpuFeature[] V2 =
    [
        new("pni", 1, CpuidRegister.Ecx, 0, null, 0, CpuidFeature.SSE3),
        new("ssse3", 1, CpuidRegister.Ecx, 9, null, 0, CpuidFeature.SSSE3),
        new("cx16", 1, CpuidRegister.Ecx, 13, null, 0, CpuidFeature.CMPXCHG16B),
        new("sse4_1", 1, CpuidRegister.Ecx, 19, null, 0, CpuidFeature.SSE4_1),
        new("sse4_2", 1, CpuidRegister.Ecx, 20, null, 0, CpuidFeature.SSE4_2),
        new("popcnt", 1, CpuidRegister.Ecx, 23, null, 0, CpuidFeature.POPCNT),
        new(LahfInLongMode, 0x8000_0001, CpuidRegister.Ecx, 0),
    ];

    // The psABI asks for OSXSAVE, which is XSAVE switched on.
    private static readonly CpuFeature[] V3 =
    [
        new("fma", 1, CpuidRegister.Ecx, 12, null, 0, CpuidFeature.FMA),
        new("movbe", 1, CpuidRegister.Ecx, 22, null, 0, CpuidFeature.MOVBE),
        new("xsave", 1, CpuidRegister.Ecx, 26, null, State.Cr4.Osxsave, CpuidFeature.XSAVE) { Xcr0 = 3 },
        new("avx", 1, CpuidRegister.Ecx, 28, null, 0, CpuidFeature.AVX) { Xcr0 = 4 },
        new("f16c", 1, CpuidRegister.Ecx, 29, null, 0, CpuidFeature.F16C),
        new(Bmi1, 7, CpuidRegister.Ebx, 3, null, 0, CpuidFeature.BMI1),
        new("avx2", 7, CpuidRegister.Ebx, 5, null, 0, CpuidFeature.AVX2),
        new("bmi2", 7, CpuidRegister.Ebx, 8, null, 0, CpuidFeature.BMI2),
        new(Lzcnt, 0x8000_0001, CpuidRegister.Ecx, 5, null, 0, CpuidFeature.LZCNT),
    ];

    private static readonly CpuFeature[] Max =
    [
        new("pclmulqdq", 1, CpuidRegister.Ecx, 1, null, 0, CpuidFeature.PCLMULQDQ),
        new(Monitor, 1, CpuidRegister.Ecx, 3, null, 0, CpuidFeature.MONITOR),
        new("pcid", 1, CpuidRegister.Ecx, 17, null, State.Cr4.Pcide),
        new("aes", 1, CpuidRegister.Ecx, 25, null, 0, CpuidFeature.AES),
        new("rdrand", 1, CpuidRegister.Ecx, 30, null, 0, CpuidFeature.RDRAND),
        new("fsgsbase", 7, CpuidRegister.Ebx, 0, null, State.Cr4.Fsgsbase, CpuidFeature.FSGSBASE),
        new(TscAdjust, 7, CpuidRegister.Ebx, 1),
        new("smep", 7, CpuidRegister.Ebx, 7, null, State.Cr4.Smep),
        new("erms", 7, CpuidRegister.Ebx, 9),
        new("invpcid", 7, CpuidRegister.Ebx, 10, null, 0, CpuidFeature.INVPCID),
        new("rdseed", 7, CpuidRegister.Ebx, 18, null, 0, CpuidFeature.RDSEED),
        new("adx", 7, CpuidRegister.Ebx, 19, null, 0, CpuidFeature.ADX),
        new("smap", 7, CpuidRegister.Ebx, 20, null, State.Cr4.Smap, CpuidFeature.SMAP),
        new("clflushopt", 7, CpuidRegister.Ebx, 23, null, 0, CpuidFeature.CLFLUSHOPT),
        new("clwb", 7, CpuidRegister.Ebx, 24, null, 0, CpuidFeature.CLWB),
        new("sha_ni", 7, CpuidRegister.Ebx, 29, null, 0, CpuidFeature.SHA),
        new("umip", 7, CpuidRegister.Ecx, 2, null, State.Cr4.Umip),
        new("pku", 7, CpuidRegister.Ecx, 3, null, State.Cr4.Pke, CpuidFeature.PKU) { Xcr0 = 0x200 },
        new("gfni", 7, CpuidRegister.Ecx, 8, null, 0, CpuidFeature.GFNI),
        new("vaes", 7, CpuidRegister.Ecx, 9, null, 0, CpuidFeature.VAES),
        new("vpclmulqdq", 7, CpuidRegister.Ecx, 10, null, 0, CpuidFeature.VPCLMULQDQ),
        new("la57", 7, CpuidRegister.Ecx, 16, null, State.Cr4.La57),
        new("rdpid", 7, CpuidRegister.Ecx, 22, null, 0, CpuidFeature.RDPID),
        new("cldemote", 7, CpuidRegister.Ecx, 25, null, 0, CpuidFeature.CLDEMOTE),
        new("movdiri", 7, CpuidRegister.Ecx, 27, null, 0, CpuidFeature.MOVDIRI),
        new("movdir64b", 7, CpuidRegister.Ecx, 28, null, 0, CpuidFeature.MOVDIR64B),
        new("pks", 7, CpuidRegister.Ecx, 31, null, State.Cr4.Pks),
        new("fsrm", 7, CpuidRegister.Edx, 4),
        new("serialize", 7, CpuidRegister.Edx, 14, null, 0, CpuidFeature.SERIALIZE),
        new("avx_vnni", 7, CpuidRegister.Eax, 4, null, 0, CpuidFeature.AVX_VNNI) { Subleaf = 1 },
        new("xsaveopt", 0xD, CpuidRegister.Eax, 0, null, 0, CpuidFeature.XSAVEOPT) { Subleaf = 1 },
        new("xsavec", 0xD, CpuidRegister.Eax, 1, null, 0, CpuidFeature.XSAVEC) { Subleaf = 1 },
        new(Xgetbv1, 0xD, CpuidRegister.Eax, 2) { Subleaf = 1 },
        new(Xsaves, 0xD, CpuidRegister.Eax, 3, null, 0, CpuidFeature.XSAVES) { Subleaf = 1 },
        new("sse4a", 0x8000_0001, CpuidRegister.Ecx, 6, CpuVendor.Amd, 0, CpuidFeature.SSE4A),
        new("3dnowprefetch", 0x8000_0001, CpuidRegister.Ecx, 8, null, 0, CpuidFeature.PREFETCHW),
        new("pdpe1gb", 0x8000_0001, CpuidRegister.Edx, 26),
        new(Rdtscp, 0x8000_0001, CpuidRegister.Edx, 27, null, 0, CpuidFeature.RDTSCP),
        new("clzero", 0x8000_0008, CpuidRegister.Ebx, 0, CpuVendor.Amd, 0, CpuidFeature.CLZERO),
        new("xsaveerptr", 0x8000_0008, CpuidRegister.Ebx, 2, CpuVendor.Amd),
        new(Wbnoinvd, 0x8000_0008, CpuidRegister.Ebx, 9, null, 0, CpuidFeature.WBNOINVD),
    ];

    /// <summary>LAHF and SAHF in 64-bit code: the only instructions that a feature brings to one mode alone.</summary>
    public const string LahfInLongMode = "lahf_lm";

    /// <summary>IA32_TSC_ADJUST.</summary>
    public const string TscAdjust = "tsc_adjust";

    /// <summary>RDTSCP, and IA32_TSC_AUX.</summary>
    public const string Rdtscp = "rdtscp";

    /// <summary>MONITOR and MWAIT, which software may switch off.</summary>
    public const string Monitor = "monitor";

    /// <summary>XGETBV with ECX = 1.</summary>
    public const string Xgetbv1 = "xgetbv1";

    /// <summary>XSAVES and XRSTORS, and IA32_XSS.</summary>
    public const string Xsaves = "xsaves";

    /// <summary>WBNOINVD, which is WBINVD with a prefix.</summary>
    public const string Wbnoinvd = "wbnoinvd";

    /// <summary>LZCNT, which is BSR with a prefix.</summary>
    public const string Lzcnt = "abm";

    /// <summary>TZCNT, which is BSF with a prefix, among others.</summary>
    public const string Bmi1 = "bmi1";

    /// <summary>Every feature that the CPU may have: the one place where CPUID, control registers and #UD agree on it.</summary>
    public static readonly CpuFeature[] All =
    [
        .. V1,
        .. V2.Select(static feature => feature with { Level = CpuLevel.V2 }),
        .. V3.Select(static feature => feature with { Level = CpuLevel.V3 }),
        .. Max.Select(static feature => feature with { Level = CpuLevel.Max }),
    ];

    /// <summary>Instructions that exist whatever CPUID says.</summary>
    public static readonly CpuidFeature[] Unconditional =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
        CpuidFeature.INTEL486, CpuidFeature.CPUID, CpuidFeature.MULTIBYTENOP, CpuidFeature.RDPMC, CpuidFeature.SMM,
    ];

    /// <summary>Instructions in the space of NOPs that processors without the feature pass over (SDM Vol. 2B, NOP; 0F 0D and 0F 18–1F).</summary>
    /// <remarks>ENDBR32 and ENDBR64 among them: every distribution's programs begin with them.</remarks>
    public static readonly CpuidFeature[] Hints =
        [CpuidFeature.PREFETCHW, CpuidFeature.PREFETCHWT1, CpuidFeature.CET_IBT, CpuidFeature.CLDEMOTE, CpuidFeature.PREFETCHITI];
}
