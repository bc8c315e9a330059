using Emu.Cpu.Instructions;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>Every implemented form of MMX and SSE against the host's processor.</summary>
[Collection("Host processor")]
public class VectorDifferentialTests
{
    private static readonly CpuidFeature[] Features =
        [CpuidFeature.MMX, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3, CpuidFeature.SSSE3, CpuidFeature.SSE4_1, CpuidFeature.SSE4_2,
         CpuidFeature.SSE4A, CpuidFeature.AES, CpuidFeature.PCLMULQDQ, CpuidFeature.GFNI, CpuidFeature.SHA];

    private static readonly CpuidFeature[] VexFeatures =
        [CpuidFeature.AVX, CpuidFeature.AVX2, CpuidFeature.FMA, CpuidFeature.F16C, CpuidFeature.VAES, CpuidFeature.VPCLMULQDQ, CpuidFeature.AVX_VNNI];

    private static readonly Mnemonic[] VexEstimates = [Mnemonic.Vrcpps, Mnemonic.Vrcpss, Mnemonic.Vrsqrtps, Mnemonic.Vrsqrtss];

    // Estimates: the SDM bounds their error alone; EstimateTests does the same.
    private static readonly Mnemonic[] Estimates = [Mnemonic.Rcpps, Mnemonic.Rcpss, Mnemonic.Rsqrtps, Mnemonic.Rsqrtss];

    public static TheoryData<string> Forms()
    {
        var data = new TheoryData<string>();
        foreach (var code in LegacyForms())
            data.Add(code.ToString());
        return data;
    }

    private static IEnumerable<Code> LegacyForms()
    {
        var table = new InstructionTable();
        return Enum.GetValues<Code>().Where(code =>
            code.Encoding() == EncodingKind.Legacy && code.ToOpCode().IsInstruction && code.CpuidFeatures().Any(Features.Contains)
            && table.Implements(code) && !Estimates.Contains(code.Mnemonic())
            && !code.ToString().StartsWith("Crc32", StringComparison.Ordinal));
    }

    public static TheoryData<string> VexForms()
    {
        var table = new InstructionTable();
        var data = new TheoryData<string>();
        foreach (var code in Enum.GetValues<Code>())
        {
            if (code.Encoding() == EncodingKind.VEX && code.ToOpCode().IsInstruction && code.CpuidFeatures().Any(VexFeatures.Contains)
                && table.Implements(code) && !VexEstimates.Contains(code.Mnemonic()))
            {
                data.Add(code.ToString());
            }
        }
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(VexForms))]
    public void A_VEX_form_gives_what_the_host_gives(string form)
    {
        Compare(form, true);
    }

    [SkippableTheory]
    [MemberData(nameof(Forms))]
    public void A_form_gives_what_the_host_gives(string form) => Compare(form, HostProcessor.HasAvx);

    // Within the operand, to either side.
    private static unsafe void SetIndexes(HostComparison differential, Random random, bool isShort)
    {
        const int index = InstructionForms.IndexRegister - Register.XMM0;
        for (var half = 0; half < 2; half++)
        {
            var register = half == 0 ? differential.State->Before + 160 + index * 16 : differential.State->UpperBefore + index * 16;
            for (var at = 0; at < 16; at += isShort ? 4 : 8)
            {
                if (isShort)
                    *(int*)(register + at) = random.Next(-4, 16);
                else
                    *(long*)(register + at) = random.Next(-4, 16);
            }
        }
    }

    private static void Compare(string form, bool withUpper)
    {
        var code = Enum.Parse<Code>(form);
        Skip.IfNot(HostFeatures.Has(code), "the host does not have the instruction");
        using var differential = new HostComparison { WithUpper = withUpper, Unmasks = HostProcessor.IsAmd };
        var random = new Random(12345);
        var tries = 0;
        for (var i = 0; i < 400; i++)
        {
            var bytes = InstructionForms.Encode(code, (i & 1) == 1, random, random.Next(3) == 0 ? random.Next(256) : random.Next(20));
            if (bytes == null)
                continue;
            tries++;
            differential.Displacement = random.Next(10) switch { 0 when HostProcessor.IsAmd => random.Next(64), 1 => 4096 - random.Next(64), _ => 64 };
            differential.Randomize(random);
            if (form.Contains("gather", StringComparison.Ordinal))
                SetIndexes(differential, random, form.Contains("vm32", StringComparison.Ordinal));
            if (differential.Run(bytes) is { } difference)
                Assert.Fail(difference);
        }
        Skip.If(tries == 0, "this form has no operands that the test can make");
    }
}
