using Emu.Cpu.Platform;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

public class HypercallPageTests
{
    private const uint Msr = 0x4000_0000;

    [Theory]
    [InlineData(HypercallInstruction.Vmcall, 0xC1)]
    [InlineData(HypercallInstruction.Vmmcall, 0xD9)]
    public void Slot_moves_its_number_calls_and_returns(HypercallInstruction instruction, byte opcode)
    {
        var page = HypercallPage.Build(instruction);
        Assert.Equal([0xB8, 29, 0, 0, 0, 0x0F, 0x01, opcode, 0xC3], page.AsSpan(29 * 32, 9).ToArray());
        Assert.Equal([0xB8, 127, 0, 0, 0], page.AsSpan(127 * 32, 5).ToArray());
    }

    [Fact]
    public void Iret_slot_is_undefined() =>
        Assert.Equal([0x0F, 0x0B, 0], HypercallPage.Build(HypercallInstruction.Vmcall).AsSpan(23 * 32, 3).ToArray());

    [Fact]
    public void Writing_the_msr_fills_the_page()
    {
        using var domain = new TestDomain();
        Assert.True(domain.Hypervisor.TryWriteMsr(domain.Vcpu, Msr, 0x5000));
        Assert.Equal(HypercallPage.Build(HypercallInstruction.Vmcall), domain.Read(0x5000, 4096));
        Assert.True(domain.Hypervisor.TryReadMsr(domain.Vcpu, Msr, out var value));
        Assert.Equal(0UL, value);
    }

    [Theory]
    [InlineData(0x4000_0000U, 0x5001UL)] // not page aligned
    [InlineData(0x4000_0000U, 0x8000_0000UL)] // not RAM
    [InlineData(0x4000_0001U, 0x5000UL)] // no such MSR
    public void Unusable_writes_fault(uint msr, ulong value)
    {
        using var domain = new TestDomain();
        Assert.False(domain.Hypervisor.TryWriteMsr(domain.Vcpu, msr, value));
    }
}
