using System.Runtime.Intrinsics.X86;
using Emu.Cpu;
using Emu.Cpu.Instructions;
using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>The forms that a run draws from, and why the others are left out.</summary>
public sealed class CodeCatalogue
{
    private static readonly Dictionary<Mnemonic, string> Reasons = MakeReasons();

    private readonly Dictionary<CodeSize, Code[]> _codes = [];
    private readonly HashSet<Code> _safe = [];

    /// <summary>Makes the list for one kind of processor.</summary>
    /// <param name="model">The processor.</param>
    /// <param name="filter">Take only forms whose code or mnemonic has this name, or all.</param>
    /// <param name="isSystem">Take those too that no host can be asked about: engines are compared with one another.</param>
    public CodeCatalogue(CpuModel model, string? filter = null, bool isSystem = false)
    {
        var table = new InstructionTable(model);
        var host = HostFeatures();
        foreach (var code in Enum.GetValues<Code>())
        {
            var form = code.ToOpCode();
            if (!form.IsInstruction || !table.Implements(code) || !model.Supports(code))
                continue;
            if (!isSystem && (ReasonAgainst(code, model.Vendor) ?? (code.CpuidFeatures().All(host.Contains) ? null : NotThere)) is { } reason)
                Excluded[code] = reason;
            else
            {
                _safe.Add(code);
                if (filter == null || Matches(code, filter))
                    Included.Add(code);
            }
        }
        _codes[CodeSize.Bits16] = [.. Included.Where(static code => code.ToOpCode().Mode16)];
        _codes[CodeSize.Bits32] = [.. Included.Where(static code => code.ToOpCode().Mode32)];
        _codes[CodeSize.Bits64] = [.. Included.Where(static code => code.ToOpCode().Mode64)];
    }

    /// <summary>Forms that are drawn.</summary>
    public List<Code> Included { get; } = [];

    /// <summary>Implemented forms that are not, with the reason.</summary>
    public SortedDictionary<Code, string> Excluded { get; } = [];

    /// <summary>The forms that exist in code of a width.</summary>
    public Code[] For(CodeSize size) => _codes[size];

    /// <summary>True for a form that may be executed, drawn or not: what other encodings than the drawn ones decode to.</summary>
    public bool Contains(Code code) => _safe.Contains(code);

    /// <summary>A family's name for the summary.</summary>
    public static string FamilyOf(Code code)
    {
        var feature = code.CpuidFeatures().LastOrDefault();
        if (code.Encoding() == EncodingKind.VEX && feature is CpuidFeature.AES or CpuidFeature.PCLMULQDQ)
            return "AVX";
        if (feature is CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387)
            return "x87";
        if (feature.ToString().StartsWith("INTEL", StringComparison.Ordinal) || feature is CpuidFeature.X64 or CpuidFeature.CMOV or CpuidFeature.CX8
            or CpuidFeature.MULTIBYTENOP or CpuidFeature.CET_IBT or CpuidFeature.PAUSE or CpuidFeature.CMPXCHG16B or CpuidFeature.CET_SS or CpuidFeature.CLFSH)
        {
            return code.FlowControl() != FlowControl.Next ? "control" : IsString(code) ? "string" : "integer";
        }
        return feature.ToString();
    }

    /// <summary>True for string instructions.</summary>
    public static bool IsString(Code code) => new Instruction { Code = code }.IsStringInstruction;

    private static bool Matches(Code code, string filter) =>
        code.ToString().Equals(filter, StringComparison.OrdinalIgnoreCase)
        || code.Mnemonic().ToString().Equals(filter, StringComparison.OrdinalIgnoreCase)
        || FamilyOf(code).Equals(filter, StringComparison.OrdinalIgnoreCase);

    // What CPUID declares; features without a bit are everywhere.
    private static HashSet<CpuidFeature> HostFeatures()
    {
        var features = new HashSet<CpuidFeature>(CpuFeature.Unconditional);
        foreach (var feature in CpuFeature.All)
        {
            if (!X86Base.IsSupported || HostHas(feature))
                features.UnionWith(feature.Instructions);
        }
        return features;
    }

    private static bool HostHas(CpuFeature feature)
    {
        if ((uint)X86Base.CpuId((int)(feature.Leaf & 0x8000_0000), 0).Eax < feature.Leaf)
            return false;
        var (eax, ebx, ecx, edx) = X86Base.CpuId((int)feature.Leaf, (int)feature.Subleaf);
        var value = feature.Register switch { CpuidRegister.Eax => eax, CpuidRegister.Ebx => ebx, CpuidRegister.Ecx => ecx, _ => edx };
        return (value >> feature.Bit & 1) != 0;
    }

    private const string NotThere = "the host's processor does not have it";

    private static string? ReasonAgainst(Code code, CpuVendor vendor)
    {
        if (Reasons.TryGetValue(code.Mnemonic(), out var reason))
            return reason;
        if (code == Code.Movsxd_r16_rm16)
            return "AMD's processors read four bytes for it, Intel's two";
        if (code is Code.Popw_CS or Code.Loopne_rel8_16_RCX or Code.Loope_rel8_16_RCX or Code.Loop_rel8_16_RCX or Code.Jrcxz_rel8_16)
            return "exists on the 8086 or AMD's processors alone, and leads into the first 64 KiB";
        if (vendor == CpuVendor.Amd && code is Code.Lss_r64_m1664 or Code.Lfs_r64_m1664 or Code.Lgs_r64_m1664
            or Code.Ud0_r16_rm16 or Code.Ud0_r32_rm32 or Code.Ud0_r64_rm64)
            return "decodes otherwise on AMD's processors";
        var form = code.ToOpCode();
        for (var i = 0; i < form.OpCount; i++)
        {
            if (form.GetOpKind(i) is OpCodeOperandKind.cr_reg or OpCodeOperandKind.dr_reg)
                return "privileged: compared between engines in system mode";
            if (form.GetOpKind(i) is OpCodeOperandKind.farbr2_2 or OpCodeOperandKind.farbr4_2)
                return FarTransfer;
        }
        if (code.Mnemonic() is Mnemonic.Jmp or Mnemonic.Call && form.OpCount == 1 && form.GetOpKind(0) == OpCodeOperandKind.mem)
            return FarTransfer;
        return null;
    }

    private const string FarTransfer = "far transfer: compared between engines in system mode";

    private static Dictionary<Mnemonic, string> MakeReasons()
    {
        var reasons = new Dictionary<Mnemonic, string>();
        Say("privileged: compared between engines in system mode",
            Mnemonic.Insb, Mnemonic.Insw, Mnemonic.Insd, Mnemonic.Outsb, Mnemonic.Outsw, Mnemonic.Outsd, Mnemonic.In, Mnemonic.Out, Mnemonic.Hlt,
            Mnemonic.Cli, Mnemonic.Sti, Mnemonic.Lldt, Mnemonic.Ltr, Mnemonic.Lgdt, Mnemonic.Lidt, Mnemonic.Lmsw, Mnemonic.Invlpg, Mnemonic.Clac,
            Mnemonic.Stac, Mnemonic.Xsetbv, Mnemonic.Swapgs, Mnemonic.Clts, Mnemonic.Sysret, Mnemonic.Sysretq, Mnemonic.Invd, Mnemonic.Wbinvd,
            Mnemonic.Wbnoinvd, Mnemonic.Wrmsr, Mnemonic.Rdmsr, Mnemonic.Sysexit, Mnemonic.Sysexitq, Mnemonic.Rsm, Mnemonic.Invpcid, Mnemonic.Monitor,
            Mnemonic.Mwait, Mnemonic.Xsaves, Mnemonic.Xsaves64, Mnemonic.Xrstors, Mnemonic.Xrstors64);
        Say("leaves for the host's kernel or hypervisor", Mnemonic.Syscall, Mnemonic.Sysenter, Mnemonic.Int, Mnemonic.Int1, Mnemonic.Vmcall, Mnemonic.Vmmcall);
        Say("the host's kernel answers in its place (UMIP)", Mnemonic.Sgdt, Mnemonic.Sidt, Mnemonic.Sldt, Mnemonic.Str, Mnemonic.Smsw);
        Say("reads what differs by design: time, identity, enabled features, random numbers", Mnemonic.Rdtsc, Mnemonic.Rdtscp, Mnemonic.Rdpid,
            Mnemonic.Cpuid, Mnemonic.Xgetbv, Mnemonic.Rdpmc, Mnemonic.Rdrand, Mnemonic.Rdseed);
        Say("the host decides who may use it: protection keys and shadow stacks", Mnemonic.Rdpkru, Mnemonic.Wrpkru, Mnemonic.Rdsspd, Mnemonic.Rdsspq);
        Say(FarTransfer, Mnemonic.Retf, Mnemonic.Iret, Mnemonic.Iretd, Mnemonic.Iretq);
        return reasons;

        void Say(string reason, params ReadOnlySpan<Mnemonic> mnemonics)
        {
            foreach (var mnemonic in mnemonics)
                reasons[mnemonic] = reason;
        }
    }
}
