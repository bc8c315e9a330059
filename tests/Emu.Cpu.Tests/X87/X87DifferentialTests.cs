using Emu.Cpu.Instructions;
using Emu.Cpu.Tests.Vector;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.X87;

/// <summary>Every implemented form of the x87 FPU against the host's.</summary>
[Collection("Host processor")]
public class X87DifferentialTests
{
    // The SDM leaves their last bits to the processor (Vol. 1, 8.3.10); TranscendentalTests bounds them.
    private static readonly Mnemonic[] Transcendental =
        [Mnemonic.Fsin, Mnemonic.Fcos, Mnemonic.Fsincos, Mnemonic.Fptan, Mnemonic.Fpatan, Mnemonic.F2xm1, Mnemonic.Fyl2x, Mnemonic.Fyl2xp1];

    // Their pointers differ among processors; EnvironmentTests looks at their bytes.
    private static readonly Mnemonic[] Images = [Mnemonic.Fnstenv, Mnemonic.Fnsave];

    public static TheoryData<string> Forms()
    {
        var table = new InstructionTable();
        var data = new TheoryData<string>();
        foreach (var code in Enum.GetValues<Code>())
        {
            if (code.ToOpCode().IsInstruction && code.CpuidFeatures().Any(feature => feature is CpuidFeature.FPU or CpuidFeature.FPU387) && table.Implements(code)
                && code.ToOpCode().MandatoryPrefix == MandatoryPrefix.None && !code.ToOpCode().Fwait
                && !Transcendental.Contains(code.Mnemonic()) && !Images.Contains(code.Mnemonic()))
            {
                data.Add(code.ToString());
            }
        }
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Forms))]
    public void A_form_gives_what_the_host_gives(string form)
    {
        Skip.IfNot(HostProcessor.IsAmd, "condition codes that the SDM leaves undefined are AMD's here");
        var code = Enum.Parse<Code>(form);
        using var differential = new HostComparison();
        var random = new Random(54321);
        var tries = 0;
        for (var i = 0; i < 3000; i++)
        {
            var bytes = InstructionForms.Encode(code, (i & 1) == 1, random, 0);
            if (bytes == null)
                continue;
            tries++;
            differential.Displacement = random.Next(10) == 0 ? 4096 - random.Next(16) : 64;
            differential.SetsNumbers = random.Next(3) == 0;
            differential.Randomize(random);
            if (differential.Run(bytes) is { } difference)
                Assert.Fail(difference);
        }
        Skip.If(tries == 0, "this form has no operands that the test can make");
    }
}
