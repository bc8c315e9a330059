using Emu.Cpu.Instructions;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;

namespace Emu.Cpu.Tests.Model;

/// <summary>CPUID, and that it promises nothing that the CPU does not have.</summary>
public sealed unsafe class CpuModelTests
{
    [Theory]
    [InlineData(CpuVendor.Intel, "GenuineIntel")]
    [InlineData(CpuVendor.Amd, "AuthenticAMD")]
    public void Leaf_0_names_the_vendor(CpuVendor vendor, string name)
    {
        using var guest = new Guest(vendor);
        var leaf = guest.Vcpu.Model.Cpuid(0, 0, guest.Vcpu);
        var bytes = new[] { leaf.Ebx, leaf.Edx, leaf.Ecx }.SelectMany(BitConverter.GetBytes).ToArray();
        Assert.Equal(name, System.Text.Encoding.ASCII.GetString(bytes));
    }

    [Theory]
    [MemberData(nameof(Processors))]
    public void Every_instruction_of_a_declared_feature_is_implemented(CpuVendor vendor, CpuLevel level)
    {
        var model = new CpuModel(vendor, level: level);
        var table = new InstructionTable(model);
        // Iced has names for data, and for FWAIT with a following instruction, which the decoder never reports as one.
        var missing = Enum.GetValues<Code>()
            .Where(code => code.ToOpCode() is { IsInstruction: true, Fwait: false })
            .Where(code => model.Supports(code) && !table.Implements(code))
            .Select(code => code.ToString())
            .ToArray();
        Assert.True(missing.Length == 0, string.Join(' ', missing));
    }

    public static TheoryData<CpuVendor, CpuLevel> Processors()
    {
        var data = new TheoryData<CpuVendor, CpuLevel>();
        foreach (var vendor in Enum.GetValues<CpuVendor>())
        {
            foreach (var level in Enum.GetValues<CpuLevel>())
                data.Add(vendor, level);
        }
        return data;
    }

    [Fact]
    public void Every_implemented_instruction_is_declared()
    {
        var intel = new CpuModel(CpuVendor.Intel);
        var amd = new CpuModel(CpuVendor.Amd);
        var table = new InstructionTable(intel);
        // Forms that come along with a mnemonic that others share: docs/instructions.md lists them.
        CpuidFeature[] deliberate =
        [
            CpuidFeature.INTEL8086_ONLY, CpuidFeature.INTEL486_A_ONLY, CpuidFeature.TBM, CpuidFeature.MOV_TR, CpuidFeature.KNC,
            CpuidFeature.AVX512VL, CpuidFeature.AVX512F, CpuidFeature.AVX512DQ, CpuidFeature.AVX512BW, CpuidFeature.AVX512_VNNI,
            // Named here for their EVEX forms.
            CpuidFeature.GFNI, CpuidFeature.VAES, CpuidFeature.VPCLMULQDQ,
        ];
        var hidden = Enum.GetValues<Code>()
            .Where(code => code.ToOpCode().IsInstruction && table.Implements(code) && !intel.Supports(code) && !amd.Supports(code))
            .SelectMany(code => code.CpuidFeatures())
            .Distinct()
            .Except(deliberate)
            .ToArray();
        Assert.True(hidden.Length == 0, string.Join(" ", hidden));
    }

    [Fact]
    public void The_time_stamp_leaf_says_one_gigahertz()
    {
        using var guest = new Guest();
        var leaf = guest.Vcpu.Model.Cpuid(0x15, 0, guest.Vcpu);
        Assert.Equal(CpuModel.TimeStampFrequency, (ulong)leaf.Ecx * leaf.Ebx / leaf.Eax);
    }

    [Theory]
    [InlineData(1, 1, 0u)]
    [InlineData(4, 1, 2u)]
    [InlineData(4, 2, 3u)]
    public void The_topology_leaf_holds_all_apic_ids(int processors, int stride, uint bits)
    {
        using var guest = new Guest();
        var model = new CpuModel(CpuVendor.Intel, processors, stride);
        Assert.Equal(bits, model.Cpuid(0xB, 1, guest.Vcpu).Eax);
    }

    [Fact]
    public void An_instruction_that_is_not_declared_raises_ud()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => a.xtest());
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }
}
