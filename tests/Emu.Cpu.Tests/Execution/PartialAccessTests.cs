using Emu.Cpu.State;
using Emu.Cpu.Tests.Instructions;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

/// <summary>Instructions that make fewer accesses than their operand suggests, and accesses that are half one thing, half another.</summary>
public sealed unsafe class PartialAccessTests
{
    private const ulong Edge = CpuFixture.RamBytes - 2;

    [Theory]
    [InlineData("64C4E27D8C0F")] // vpmaskmovd ymm1, ymm0, fs:[edi]
    [InlineData("64C4E27D8E0F")] // vpmaskmovd fs:[edi], ymm0, ymm1
    [InlineData("64C4E26190 0C16")] // vpgatherdd xmm1, fs:[esi+xmm2], xmm3
    public void Elements_without_a_mask_do_not_look_at_their_segment(string code)
    {
        using var cpu = Prepare(code.Replace(" ", ""));
        cpu.State->Segments[(int)SegmentName.Fs] = default;
        cpu.Vcpu.StateChanged();
        Assert.Equal(-1, cpu.Run(2));
        Assert.Equal(0x5AUL, cpu.State->Registers[0]);
    }

    [Fact]
    public void Gathered_elements_are_held_to_the_limit_one_by_one()
    {
        using var cpu = Prepare("64C4E261900C16");
        cpu.State->Segments[(int)SegmentName.Fs].Limit = 0xFFF;
        cpu.Vcpu.StateChanged();
        cpu.State->Registers[6] = 0;
        cpu.State->Vectors[2 * 4] = 0xFFD;
        cpu.State->Vectors[3 * 4] = 0x8000_0000;
        Assert.Equal(ExceptionVector.GeneralProtection, cpu.Run(2));
        cpu.State->Vectors[2 * 4] = 0xFFC;
        Assert.Equal(-1, cpu.Run(2));
    }

    [Fact]
    public void Store_that_an_unmasked_exception_suppresses_faults_where_it_could_not_have_been_made()
    {
        using var cpu = Prepare("64DF17B007"); // fist word fs:[edi]; mov al, 7: not reached
        cpu.State->Segments[(int)SegmentName.Fs] = default;
        cpu.State->X87 = new X87State { Control = 0x37E };
        cpu.Vcpu.StateChanged();
        Assert.Equal(ExceptionVector.GeneralProtection, cpu.Run(3));
        Assert.Equal(0UL, cpu.State->Registers[0]);
        Assert.Equal(0, cpu.State->X87.Status);
    }

    [Fact]
    public void Modification_that_is_half_in_ram_and_half_in_a_device_reaches_both()
    {
        using var cpu = Prepare("810644332211"); // add dword [esi], 0x11223344
        cpu.State->Registers[6] = Edge;
        Assert.Equal(-1, cpu.Run(1));
        Assert.Equal([0x44, 0x33], cpu.Ram(Edge, 2).ToArray());
        Assert.Equal(["read 1000000 2", "write 1000000 2 1222"], cpu.DeviceAccesses);
    }

    // The code, then mov al, [ebx]: a byte that no translation leads to yet.
    private static CpuFixture Prepare(string code)
    {
        var cpu = new CpuFixture();
        cpu.Enter32Bit();
        cpu.State->Cr4 |= Cr4.Osfxsr | Cr4.Osxsave;
        cpu.State->Xcr0 = 7;
        cpu.Vcpu.StateChanged();
        cpu.Load([.. Convert.FromHexString(code), 0x8A, 0x03]);
        cpu.State->Registers[3] = 0x12_3456;
        cpu.Ram(0x12_3456, 1)[0] = 0x5A;
        return cpu;
    }
}
