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
         CpuidFeature.AES, CpuidFeature.PCLMULQDQ, CpuidFeature.SHA];

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

    [SkippableTheory]
    [MemberData(nameof(Forms))]
    public void A_form_gives_what_the_host_gives(string form)
    {
        var code = Enum.Parse<Code>(form);
        using var differential = new Differential();
        var random = new Random(12345);
        var tries = 0;
        for (var i = 0; i < 400; i++)
        {
            var bytes = InstructionForms.Encode(code, (i & 1) == 1, random, random.Next(3) == 0 ? random.Next(256) : random.Next(20));
            if (bytes == null)
                continue;
            tries++;
            differential.Displacement = random.Next(10) == 0 ? random.Next(64) : 64;
            differential.Randomize(random);
            if (differential.Run(bytes) is { } difference)
                Assert.Fail(difference);
        }
        Skip.If(tries == 0, "this form has no operands that the test can make");
    }
}
