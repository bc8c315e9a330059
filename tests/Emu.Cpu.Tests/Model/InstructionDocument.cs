using System.Globalization;
using System.Text;
using Emu.Cpu.Instructions;
using Iced.Intel;

namespace Emu.Cpu.Tests.Model;

/// <summary>Writes docs/instructions.md: what is declared, what becomes of every form of it, what is not declared and why.</summary>
internal static class InstructionDocument
{
    /// <summary>How the file is made anew.</summary>
    public const string Command = "EMU_WRITE_DOCS=1 dotnet test -c Release tests/Emu.Cpu.Tests --filter FullyQualifiedName~InstructionDocument";

    private static readonly CpuModel Intel = new(CpuVendor.Intel), Amd = new(CpuVendor.Amd);
    private static readonly InstructionTable Table = new(Intel);

    // Every form that a decoder could report: Iced has names for data and empty space, too.
    private static readonly Code[] Codes = [.. Enum.GetValues<Code>().Where(static code => code.ToOpCode().IsInstruction)];

    // Forms of declared features that raise #UD, or that have no handler of their own.
    private static readonly Dictionary<Mnemonic, string> Reasons = new()
    {
        [Mnemonic.Ud0] = "#UD is what it is for",
        [Mnemonic.Ud1] = "#UD is what it is for",
        [Mnemonic.Ud2] = "#UD is what it is for",
        [Mnemonic.Rsm] = "#UD outside system-management mode, which is never entered: nothing raises SMIs",
    };

    private static readonly (string Why, CpuidFeature[] Features)[] NotDeclared =
    [
        ("x86-64-v4: 2 KiB more of state for XSAVE, and no operating system or distribution asks for it",
            [.. Enum.GetValues<CpuidFeature>().Where(static feature => feature.ToString().StartsWith("AVX512", StringComparison.Ordinal))]),
        ("tiles: 8 KiB more of state for XSAVE",
            [CpuidFeature.AMX_TILE, CpuidFeature.AMX_BF16, CpuidFeature.AMX_INT8, CpuidFeature.AMX_FP16, CpuidFeature.AMX_COMPLEX]),
        ("virtual machines in virtual machines, enclaves and encrypted memory: not emulated. VMCALL and VMMCALL are there as hypercalls of the platform",
            [CpuidFeature.VMX, CpuidFeature.INVEPT, CpuidFeature.INVVPID, CpuidFeature.SVM, CpuidFeature.SKINIT, CpuidFeature.SKINIT_or_SVM,
             CpuidFeature.SEV_ES, CpuidFeature.SEV_SNP, CpuidFeature.RMPQUERY, CpuidFeature.INVLPGB, CpuidFeature.TDX, CpuidFeature.SGX1,
             CpuidFeature.SMX, CpuidFeature.OSS, CpuidFeature.PCONFIG, CpuidFeature.TSE]),
        ("shadow stacks: not implemented. The instructions of indirect-branch tracking, and RDSSP, are hints and pass as NOPs", [CpuidFeature.CET_SS]),
        ("transactional memory: withdrawn from Intel's processors. XACQUIRE and XRELEASE are prefixes without effect",
            [CpuidFeature.HLE, CpuidFeature.RTM, CpuidFeature.HLE_or_RTM, CpuidFeature.TSXLDTRK]),
        ("bounds: withdrawn. Its opcodes are NOPs, as on processors without it", [CpuidFeature.MPX]),
        ("other ways to enter and leave the kernel: nothing needs them yet", [CpuidFeature.FRED, CpuidFeature.LKGS, CpuidFeature.UINTR]),
        ("waiting in user mode: PAUSE does", [CpuidFeature.WAITPKG, CpuidFeature.MONITORX]),
        ("wrapped keys: nothing needs them", [CpuidFeature.KL, CpuidFeature.AESKLE, CpuidFeature.WIDE_KL]),
        ("newer than the model, and in no psABI level",
            [CpuidFeature.AVX_IFMA, CpuidFeature.AVX_NE_CONVERT, CpuidFeature.AVX_VNNI_INT8, CpuidFeature.AVX_VNNI_INT16, CpuidFeature.CMPCCXADD,
             CpuidFeature.RAO_INT, CpuidFeature.SHA512, CpuidFeature.SM3, CpuidFeature.SM4, CpuidFeature.ENQCMD, CpuidFeature.HRESET,
             CpuidFeature.MSRLIST, CpuidFeature.WRMSRNS, CpuidFeature.PTWRITE, CpuidFeature.UDBG, CpuidFeature.MCOMMIT, CpuidFeature.RDPRU]),
        ("AMD's, dropped again from its processors",
            [CpuidFeature.D3NOW, CpuidFeature.D3NOWEXT, CpuidFeature.FMA4, CpuidFeature.XOP, CpuidFeature.TBM, CpuidFeature.LWP]),
        ("never sold, or on a single stepping or model only",
            [CpuidFeature.PCOMMIT, CpuidFeature.CL1INVMB, CpuidFeature.IA64, CpuidFeature.KNC, CpuidFeature.INTEL386_A0_ONLY, CpuidFeature.INTEL486_A_ONLY]),
        ("processors before x86-64, whose opcodes mean something else now",
            [CpuidFeature.INTEL8086_ONLY, CpuidFeature.INTEL286_ONLY, CpuidFeature.INTEL386_ONLY, CpuidFeature.UMOV, CpuidFeature.MOV_TR,
             CpuidFeature.FPU287XL_ONLY, CpuidFeature.FPU387SL_ONLY]),
        ("other makers'",
            [.. Enum.GetValues<CpuidFeature>().Where(static feature => feature.ToString() is var name
                && (name.StartsWith("CYRIX", StringComparison.Ordinal) || name.StartsWith("PADLOCK", StringComparison.Ordinal)
                    || name.StartsWith("CENTAUR", StringComparison.Ordinal)))]),
    ];

    /// <summary>What is wrong with the tables above: features without a place, forms without a handler or a reason.</summary>
    public static IEnumerable<string> Gaps()
    {
        var reasons = NotDeclared.SelectMany(static row => row.Features).ToHashSet();
        foreach (var feature in Enum.GetValues<CpuidFeature>().Where(feature => Codes.Any(code => code.CpuidFeatures().Contains(feature))))
        {
            var declared = IsDeclared(feature);
            if (declared == reasons.Contains(feature))
                yield return declared ? $"{feature} is declared, and has a reason not to be" : $"{feature} is not declared, and nothing says why";
        }
        foreach (var code in Codes.Where(static code => IsDeclared(code) && StatusOf(code) == "missing"))
            yield return $"{code} is declared and missing";
    }

    /// <summary>The document.</summary>
    public static string Generate()
    {
        var text = new StringBuilder();
        var declared = Codes.Where(IsDeclared).ToList();
        var counts = declared.CountBy(StatusOf).ToDictionary();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Instructions
            <!-- Generated. To write it anew: {Command} -->

            Every form of every instruction that the processor declares with `--cpu max`, and what becomes of it. A form is an encoding as the
            decoder tells them apart (Iced's `Code`): `ADD r32, r/m32` is one, `ADD r/m32, r32` another. The file is generated from the decoder's
            list, the CPU model and the instruction table, and a test fails where it is not what would be generated.

            | forms | |
            |---|---|
            | {counts["implemented"]} | implemented |
            | {counts.GetValueOrDefault("#UD")} | raise #UD, deliberately |
            | {counts.GetValueOrDefault("composed")} | two instructions in one: FWAIT, then the form without waiting; the decoder reports both |
            | {counts.GetValueOrDefault("missing")} | missing |

            {declared.Count} forms are declared. [What the processor is](cpu-model.md), and [how an instruction is added](adding-an-instruction.md), stand elsewhere.

            ## What CPUID declares

            The level is the lowest of `--cpu` that has the feature; a vendor in brackets has it alone.

            | feature | CPUID | level | forms |
            |---|---|---|---|

            """);
        foreach (var feature in CpuFeature.All.OrderBy(static feature => feature.Level))
        {
            var forms = feature.Instructions.Length == 0 ? "" : Codes.Count(code => code.CpuidFeatures().Any(feature.Instructions.Contains) && IsDeclared(code)).ToString(CultureInfo.InvariantCulture);
            text.AppendLine(CultureInfo.InvariantCulture, $"| {feature.Name}{(feature.Vendor is { } vendor ? $" ({(vendor == CpuVendor.Amd ? "AMD" : "Intel")})" : "")} | {Place(feature)} | {LevelName(feature.Level)} | {forms} |");
        }
        text.AppendLine().AppendLine("## Forms by feature").AppendLine();
        text.AppendLine("Where a form needs several features, the row names them all. × counts the forms of a mnemonic.").AppendLine();
        text.AppendLine("| needs | status | forms | instructions |").AppendLine("|---|---|---|---|");
        foreach (var group in declared.GroupBy(static code => (Features: FeaturesOf(code), Status: Described(code))).OrderBy(static group => group.Key.Features, StringComparer.Ordinal).ThenBy(static group => group.Key.Status, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"| {group.Key.Features} | {group.Key.Status} | {group.Count()} | {Mnemonics(group)} |");
        AppendNotDeclared(text);
        AppendHidden(text);
        UndefinedFlagsSection.Append(text);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendNotDeclared(StringBuilder text)
    {
        text.AppendLine().AppendLine("## What is not declared").AppendLine();
        text.AppendLine("Their encodings raise #UD, unless the reason says otherwise.").AppendLine().AppendLine("| why | features (forms) |").AppendLine("|---|---|");
        foreach (var (why, features) in NotDeclared)
        {
            var listed = features
                .Select(static feature => (feature, Forms: Codes.Count(code => code.CpuidFeatures().Contains(feature) && !IsDeclared(code))))
                .Where(static row => row.Forms != 0)
                .Select(static row => $"{row.feature} ({row.Forms})");
            text.AppendLine(CultureInfo.InvariantCulture, $"| {why} | {string.Join(", ", listed)} |");
        }
    }

    private static void AppendHidden(StringBuilder text)
    {
        text.AppendLine().AppendLine("## Handlers without a declaration").AppendLine();
        text.AppendLine("""
            The instruction table goes by mnemonic, so these forms would find a handler: they share their mnemonic with forms that are declared.
            None is reached, for the declaration is asked first, and they raise #UD.

            | needs | forms | instructions |
            |---|---|---|
            """);
        foreach (var group in Codes.Where(static code => !IsDeclared(code) && Table.Implements(code)).GroupBy(FeaturesOf).OrderBy(static group => group.Key, StringComparer.Ordinal))
            text.AppendLine(CultureInfo.InvariantCulture, $"| {group.Key} | {group.Count()} | {Mnemonics(group, most: 12)} |");
    }

    private static bool IsDeclared(Code code) => Intel.Supports(code) || Amd.Supports(code);

    private static bool IsDeclared(CpuidFeature feature) =>
        CpuFeature.Unconditional.Contains(feature) || CpuFeature.Hints.Contains(feature) || CpuFeature.All.Any(row => row.Instructions.Contains(feature));

    private static string StatusOf(Code code) =>
        Reasons.ContainsKey(code.Mnemonic()) ? "#UD" : code.ToOpCode().Fwait ? "composed" : Table.Implements(code) ? "implemented" : "missing";

    private static string Described(Code code) => StatusOf(code) switch
    {
        "#UD" => Reasons[code.Mnemonic()],
        "composed" => "FWAIT and another",
        var status => status,
    };

    private static string FeaturesOf(Code code) => string.Join(" + ", code.CpuidFeatures().Select(static feature => feature.ToString()).Order(StringComparer.Ordinal));

    private static string Mnemonics(IEnumerable<Code> codes, int most = int.MaxValue)
    {
        var counted = codes.CountBy(static code => code.Mnemonic()).OrderBy(static row => row.Key.ToString(), StringComparer.Ordinal).ToList();
        var names = counted.Take(most).Select(static row => row.Value == 1 ? Upper(row.Key) : $"{Upper(row.Key)} ×{row.Value}");
        return string.Join(", ", names) + (counted.Count > most ? $", and {counted.Count - most} more mnemonics" : "");
    }

    private static string Upper(Mnemonic mnemonic) => mnemonic.ToString().ToUpperInvariant();

    private static string Place(CpuFeature feature) =>
        $"{(feature.Leaf > 0x1000 ? $"0x{feature.Leaf:X}" : $"{feature.Leaf:X}")}{(feature.Subleaf != 0 ? $".{feature.Subleaf}" : "")} {feature.Register.ToString().ToUpperInvariant()}[{feature.Bit}]";

    private static string LevelName(CpuLevel level) => level == CpuLevel.Max ? "max" : $"x86-64-v{(int)level + 1}";
}
