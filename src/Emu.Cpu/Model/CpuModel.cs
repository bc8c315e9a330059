using Emu.Cpu.Instructions;
using Emu.Cpu.Instructions.ExtendedState;
using Emu.Cpu.Instructions.Supervisor;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu;

/// <summary>The processor that the guest sees: what CPUID says, and what CR4, EFER, XCR0 and constant MSRs agree to.</summary>
/// <remarks>
/// <see cref="CpuFeature.All"/> lists what there may be; the level decides how much of it there is.
/// As Intel's, the CPU carries the signature of the Atom generation that executes strictly in order: guests know it as one that does
/// not speculate, which is true of an emulator, and leave out every mitigation of speculation. As AMD's it is a Zen 2.
/// The time-stamp counter runs at 1 GHz of virtual time: one tick for each instruction.
/// </remarks>
public sealed class CpuModel
{
    /// <summary>Ticks of the time-stamp counter in a second of virtual time.</summary>
    public const uint TimeStampFrequency = 1_000_000_000;

    private const uint HighestLeaf = 0x16;
    private const uint HighestExtendedLeaf = 0x8000_0021;
    private const string Brand = "Emu x86-64 Processor @ 1.00GHz";

    // Family 6, model 0x1C, stepping 10; family 0x17, model 0x31, stepping 0.
    private const uint IntelSignature = 0x0001_06CA;
    private const uint AmdSignature = 0x0083_0F10;
    private const uint ClflushLine = 8;

    private readonly ulong[] _instructions = new ulong[(Enum.GetValues<CpuidFeature>().Length + 63) / 64];
    private InstructionTable? _table;
    private readonly Dictionary<(uint Leaf, uint Subleaf, CpuidRegister Register), uint> _bits = [];

    private readonly HashSet<string> _names = [];

    /// <summary>Makes a model.</summary>
    /// <param name="vendor">Whose processor it is.</param>
    /// <param name="processors">vCPUs of the machine, 1 or more.</param>
    /// <param name="apicIdStride">The APIC ID of vCPU n is n times this: 1, or Xen's 2.</param>
    /// <param name="level">How much of the instruction set it declares.</param>
    /// <param name="withheld">Features that a hypervisor keeps from its guests, by name; null for none.</param>
    public CpuModel(
        CpuVendor vendor = CpuVendor.Intel, int processors = 1, int apicIdStride = 1, CpuLevel level = CpuLevel.Max,
        IReadOnlySet<string>? withheld = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processors, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(apicIdStride, 1);
        Vendor = vendor;
        Level = level;
        Processors = processors;
        ApicIdStride = apicIdStride;
        foreach (var feature in CpuFeature.Unconditional)
            Enable(feature);
        foreach (var feature in CpuFeature.Hints)
            Enable(feature);
        foreach (var feature in CpuFeature.All)
        {
            if (feature.Level > level || (feature.Vendor is not null && feature.Vendor != vendor) || withheld?.Contains(feature.Name) == true)
                continue;
            _names.Add(feature.Name);
            _bits[(feature.Leaf, feature.Subleaf, feature.Register)] = Bits(feature.Leaf, feature.Register, feature.Subleaf) | (1u << feature.Bit);
            Cr4Bits |= feature.Cr4;
            EferBits |= feature.Efer;
            Xcr0Bits |= feature.Xcr0;
            foreach (var instructions in feature.Instructions)
                Enable(instructions);
        }
    }

    /// <summary>How much of the instruction set it declares.</summary>
    public CpuLevel Level { get; }

    /// <summary>The model's instructions: one table for all vCPUs, for it takes milliseconds to build.</summary>
    internal InstructionTable InstructionTable => _table ??= new InstructionTable(this);

    /// <summary>Whose processor it is.</summary>
    public CpuVendor Vendor { get; }

    /// <summary>vCPUs of the machine.</summary>
    public int Processors { get; }

    /// <summary>Distance between the APIC IDs of neighbouring vCPUs.</summary>
    public int ApicIdStride { get; }

    /// <summary>
    /// True where UD2 with "xen" behind it is Xen's forced emulation prefix, which executes what follows; else it raises #UD as on a
    /// processor.
    /// </summary>
    public bool HasForcedEmulation { get; init; }

    /// <summary>The bits of CR4 that exist.</summary>
    public ulong Cr4Bits { get; }

    /// <summary>The bits of IA32_EFER that exist.</summary>
    public ulong EferBits { get; }

    /// <summary>Width of a physical address in bits.</summary>
    public int PhysicalAddressBits { get; init; } = 40;

    /// <summary>Width of a linear address in bits under the deepest paging mode that there is.</summary>
    public int LinearAddressBits => (Cr4Bits & Cr4.La57) != 0 ? 57 : 48;

    /// <summary>Pages of 1 GiB exist.</summary>
    public bool HasGiantPages => Has("pdpe1gb");

    /// <summary>The bits of XCR0 that exist.</summary>
    public ulong Xcr0Bits { get; }

    /// <summary>True for a value that XSETBV takes: x87 is always managed, AVX only with SSE (SDM Vol. 1, 13.3).</summary>
    public bool AllowsXcr0(ulong value) => (value & 1) != 0 && (value & ~Xcr0Bits) == 0 && (value & 6) != 4;

    /// <summary>EDX after reset: the processor's signature.</summary>
    public uint Signature => Vendor == CpuVendor.Intel ? IntelSignature : AmdSignature;

    /// <summary>True where the processor declares a feature.</summary>
    /// <param name="name">Its <see cref="CpuFeature.Name"/>.</param>
    internal bool Has(string name) => _names.Contains(name);

    /// <summary>What the decoder takes an encoding for where the feature that gave it a new meaning is absent.</summary>
    /// <remarks>
    /// AMD's processors size near branches and far pointers of 64-bit code otherwise (APM Vol. 3).
    /// Without LZCNT and BMI1 the F3 prefix of LZCNT and TZCNT means nothing, and BSR and BSF are left. An opcode that was nothing before
    /// needs no option: <see cref="Supports"/> refuses it.
    /// </remarks>
    internal DecoderOptions DecoderOptions =>
        (Has(CpuFeature.Lzcnt) ? 0 : DecoderOptions.NoMPFX_0FBD) | (Has(CpuFeature.Bmi1) ? 0 : DecoderOptions.NoMPFX_0FBC)
        | (Has(CpuFeature.Wbnoinvd) ? 0 : DecoderOptions.NoWbnoinvd) | (Has(CpuFeature.LahfInLongMode) ? 0 : DecoderOptions.NoLahfSahf64)
        | (Vendor == CpuVendor.Amd ? DecoderOptions.AMD : 0);

    /// <summary>True where the processor has an instruction.</summary>
    public bool Supports(Code code)
    {
        // Hypercalls belong to no feature of the guest's: the platform answers or refuses them.
        // Without shadow stacks RDSSP is a NOP of the hint space (SDM Vol. 2B).
        if (code is Code.Vmcall or Code.Vmmcall or Code.Rdsspd_r32 or Code.Rdsspq_r64)
            return true;
        // PREFETCH takes memory alone: Intel's processors make the rest of its opcode NOPs, AMD's do not (APM Vol. 3).
        if (Vendor == CpuVendor.Amd && code is Code.Reservednop_rm16_r16_0F0D or Code.Reservednop_rm32_r32_0F0D or Code.Reservednop_rm64_r64_0F0D)
            return false;
        foreach (var feature in code.CpuidFeatures())
        {
            if ((_instructions[(int)feature / 64] & (1UL << (int)feature)) == 0)
                return false;
        }
        return true;
    }

    /// <summary>Answers CPUID.</summary>
    /// <param name="leaf">EAX.</param>
    /// <param name="subleaf">ECX.</param>
    /// <param name="vcpu">The vCPU that asks: its APIC ID, and what it has enabled.</param>
    public CpuidResult Cpuid(uint leaf, uint subleaf, Vcpu vcpu)
    {
        if (leaf is >= 0x4000_0000 and <= 0x4FFF_FFFF)
            return default;
        // Above the highest leaf Intel answers as for the highest basic one, AMD with zeros.
        if (leaf > (leaf >= 0x8000_0000 ? HighestExtendedLeaf : HighestLeaf))
        {
            if (Vendor == CpuVendor.Amd)
                return default;
            leaf = HighestLeaf;
        }
        return leaf switch
        {
            0 => Named(HighestLeaf, Vendor),
            1 => new CpuidResult(Signature, (vcpu.ApicId << 24) | (LogicalIds << 16) | (ClflushLine << 8),
                Leaf1Ecx(vcpu), WithoutDisabledApic(vcpu, Bits(1, CpuidRegister.Edx)) | (Processors > 1 ? 1u << 28 : 0)),
            2 when Vendor == CpuVendor.Intel => new CpuidResult(0x00FE_FF01, 0, 0, 0),
            4 when Vendor == CpuVendor.Intel => Cache(subleaf),
            7 when subleaf == 0 => new CpuidResult(Bits(7, CpuidRegister.Eax, 1) != 0 ? 1u : 0,
                Bits(7, CpuidRegister.Ebx), Leaf7Ecx(vcpu), Bits(7, CpuidRegister.Edx)),
            7 when subleaf == 1 => new CpuidResult(Bits(7, CpuidRegister.Eax, 1), 0, 0, 0),
            // Lines of 64 bytes; ECX: the leaf is valid, and masked interrupts can end the wait; EDX: one state, C1.
            5 when Has(CpuFeature.Monitor) => new CpuidResult(Vcpu.MonitorLineBytes, Vcpu.MonitorLineBytes, 3, 0x10),
            6 => new CpuidResult(Bits(6, CpuidRegister.Eax), 0, 0, 0),
            0xB => Topology(subleaf, vcpu.ApicId),
            0xD when Has("xsave") => ExtendedState(subleaf, vcpu),
            // TSC = crystal × EBX ÷ EAX. The local APIC's timer counts the crystal.
            0x15 => new CpuidResult(1, 1, TimeStampFrequency, 0),
            0x16 => new CpuidResult(TimeStampFrequency / 1_000_000, TimeStampFrequency / 1_000_000, 100, 0),
            0x8000_0000 => Vendor == CpuVendor.Amd ? Named(HighestExtendedLeaf, Vendor) : new CpuidResult(HighestExtendedLeaf, 0, 0, 0),
            0x8000_0001 => new CpuidResult(Vendor == CpuVendor.Amd ? Signature : 0, 0, ExtendedEcx(), WithoutDisabledApic(vcpu, ExtendedEdx())),
            0x8000_0002 or 0x8000_0003 or 0x8000_0004 => BrandPart((int)(leaf - 0x8000_0002)),
            0x8000_0005 when Vendor == CpuVendor.Amd => new CpuidResult(0xFF40_FF40, 0xFF40_FF40, 0x2008_0140, 0x2008_0140),
            0x8000_0006 => new CpuidResult(0, Vendor == CpuVendor.Amd ? 0x4200_4200u : 0, 0x0200_6140, 0),
            0x8000_0007 => new CpuidResult(0, 0, 0, Bits(leaf, CpuidRegister.Edx)),
            0x8000_0008 => new CpuidResult((uint)(PhysicalAddressBits | (LinearAddressBits << 8)), Bits(leaf, CpuidRegister.Ebx),
                Vendor == CpuVendor.Amd ? (uint)(Processors - 1) | ((uint)ApicIdBits << 12) : 0, 0),
            0x8000_0021 => new CpuidResult(Bits(leaf, CpuidRegister.Eax), 0, 0, 0),
            _ => default,
        };
    }

    /// <summary>Reads an MSR whose value never changes.</summary>
    /// <returns>False where there is none of that number.</returns>
    internal bool TryReadConstantMsr(uint msr, out ulong value)
    {
        value = 0;
        switch (msr)
        {
            // PLATFORM_ID, EBL_CR_POWERON, FEATURE_CONTROL (locked, VMX off), PLATFORM_INFO (ratio 10 of 100 MHz), turbo ratio limit.
            case 0x17 or 0x2A when Vendor == CpuVendor.Intel:
                return true;
            case 0x3A when Vendor == CpuVendor.Intel:
                value = 1;
                return true;
            case 0xCE when Vendor == CpuVendor.Intel:
                value = 10UL << 8;
                return true;
            // TOP_MEM2, P-states, OSVW and the package's power: absent.
            case 0xC001_0055 or 0xC001_0058 or 0xC001_0061 or 0xC001_0062 or 0xC001_0063 or 0xC001_0140 or 0xC001_0141
                when Vendor == CpuVendor.Amd:
                return true;
            // FP_CFG: a divider leaves nothing behind (bit 9), as firmware sets it. Xen asks for it where CPUID shows no STIBP.
            case 0xC001_1028 when Vendor == CpuVendor.Amd:
                value = 1 << 9;
                return true;
        }
        return false;
    }

    private void Enable(CpuidFeature feature) => _instructions[(int)feature / 64] |= 1UL << (int)feature;

    private uint Bits(uint leaf, CpuidRegister register, uint subleaf = 0) => _bits.GetValueOrDefault((leaf, subleaf, register));

    // Bits of an APIC ID below the package's.
    private int ApicIdBits => Processors * ApicIdStride <= 1 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)(Processors * ApicIdStride - 1));

    private uint LogicalIds => Math.Min(1u << ApicIdBits, 128);

    private unsafe uint Leaf1Ecx(Vcpu vcpu)
    {
        var ecx = Bits(1, CpuidRegister.Ecx);
        if (!MsrAccess.IsMonitorEnabled(vcpu))
            ecx &= ~(1u << 3);
        if ((vcpu.State->Cr4 & Cr4.Osxsave) != 0)
            ecx |= 1u << 27;
        return vcpu.Hypervisor is null ? ecx : ecx | 1u << 31;
    }

    // OSPKE shows CR4.PKE.
    private unsafe uint Leaf7Ecx(Vcpu vcpu) => Bits(7, CpuidRegister.Ecx) | ((vcpu.State->Cr4 & Cr4.Pke) != 0 ? 1u << 4 : 0);

    // A local APIC that IA32_APIC_BASE switches off is not there for CPUID either (SDM Vol. 3, 11.4.3).
    private static uint WithoutDisabledApic(Vcpu vcpu, uint edx) =>
        vcpu.Interrupts.TryReadMsr(0x1B, out var apicBase) && (apicBase & (1 << 11)) == 0 ? edx & ~(1u << 9) : edx;

    private uint ExtendedEcx() => Bits(0x8000_0001, CpuidRegister.Ecx) | (Vendor == CpuVendor.Amd && Processors > 1 ? 2u : 0);

    // AMD repeats most of leaf 1. Intel's processors show SYSCALL only to 64-bit code; like other virtual ones, this shows it always.
    private uint ExtendedEdx() =>
        Bits(0x8000_0001, CpuidRegister.Edx) | (Vendor == CpuVendor.Amd ? Bits(1, CpuidRegister.Edx) & 0x0183_F3FF : 0);

    private static CpuidResult Named(uint highest, CpuVendor vendor) => vendor == CpuVendor.Intel
        ? new CpuidResult(highest, 0x756E_6547, 0x6C65_746E, 0x4965_6E69)
        : new CpuidResult(highest, 0x6874_7541, 0x444D_4163, 0x6974_6E65);

    // 32 KiB L1 data, 32 KiB L1 code, 512 KiB L2, each 8-way with 64-byte lines.
    private CpuidResult Cache(uint subleaf)
    {
        const uint EightWays = 7u << 22, Line = 63;
        var cores = (uint)(Math.Min(Processors, 64) - 1) << 26;
        return subleaf switch
        {
            0 => new CpuidResult(0x121 | cores, EightWays | Line, 63, 0),
            1 => new CpuidResult(0x122 | cores, EightWays | Line, 63, 0),
            2 => new CpuidResult(0x143 | cores, EightWays | Line, 1023, 0),
            _ => default,
        };
    }

    private CpuidResult Topology(uint level, uint apicId) => level switch
    {
        0 => new CpuidResult((uint)System.Numerics.BitOperations.Log2((uint)ApicIdStride), 1, 0x100, apicId),
        1 => new CpuidResult((uint)ApicIdBits, (uint)Processors, 0x201, apicId),
        _ => new CpuidResult(0, 0, level & 0xFF, apicId),
    };

    // EBX of subleaves 0 and 1: what XSAVE and XSAVEC need with the present XCR0.
    private unsafe CpuidResult ExtendedState(uint subleaf, Vcpu vcpu)
    {
        var enabled = vcpu.State->Xcr0;
        return subleaf switch
        {
            0 => new CpuidResult((uint)Xcr0Bits, StateArea.Size(enabled, false), StateArea.Size(Xcr0Bits, false), 0),
            1 => new CpuidResult(Bits(0xD, CpuidRegister.Eax, 1), StateArea.Size(enabled, true), 0, 0),
            2 when (Xcr0Bits & StateArea.Avx) != 0 => new CpuidResult(StateArea.AvxSize, StateArea.AvxAt, 0, 0),
            9 when (Xcr0Bits & StateArea.UserKeys) != 0 => new CpuidResult(StateArea.UserKeysSize, StateArea.UserKeysAt(StateArea.Avx), 0, 0),
            _ => default,
        };
    }

    private static CpuidResult BrandPart(int part)
    {
        Span<byte> text = stackalloc byte[48];
        System.Text.Encoding.ASCII.GetBytes(Brand, text);
        var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(text)[(part * 4)..];
        return new CpuidResult(words[0], words[1], words[2], words[3]);
    }
}
