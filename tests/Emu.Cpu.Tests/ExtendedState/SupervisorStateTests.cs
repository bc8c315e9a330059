using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.ExtendedState;

/// <summary>XSAVES, XRSTORS, IA32_XSS, and XGETBV with ECX = 1 (SDM Vol. 1, 13.2, 13.11 and 13.12).</summary>
public sealed unsafe class SupervisorStateTests
{
    private const ulong Compacted = 1UL << 63;

    [Fact]
    public void XSAVES_writes_the_compacted_format_and_XRSTORS_reads_it_back()
    {
        using var guest = Ready();
        var s = guest.State;
        s->Vectors[4] = 0x1234;
        s->Vectors[6] = 0x5678;
        s->Mxcsr = 0x1FA0;
        guest.Assemble(a =>
        {
            a.xsaves(__[Guest.Data]);
            a.pxor(xmm1, xmm1);
            a.vzeroupper();
            a.ldmxcsr(__dword_ptr[Guest.Data + 0x1000]);
            a.xrstors(__[Guest.Data]);
            a.hlt();
        });
        guest.Write(Guest.Data + 0x1000, 0x1F80u);

        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Empty(guest.Delivered);
        Assert.Equal(6UL, guest.Read<ulong>(Guest.Data + 512));
        Assert.Equal(7 | Compacted, guest.Read<ulong>(Guest.Data + 520));
        Assert.Equal((0x1234UL, 0x5678UL, 0x1FA0u), (s->Vectors[4], s->Vectors[6], s->Mxcsr));
    }

    [Fact]
    public void XRSTORS_takes_no_standard_format()
    {
        using var guest = Ready();
        guest.Assemble(a =>
        {
            a.xsave(__[Guest.Data]);
            a.xrstors(__[Guest.Data]);
            a.hlt();
        });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
    }

    [Theory]
    [InlineData("0FC72E")]
    [InlineData("0FC71E")]
    public void Programs_may_not_use_XSAVES_and_XRSTORS(string bytes)
    {
        using var guest = Ready();
        guest.EnterRing3();
        guest.Place(a => a.db(Convert.FromHexString(bytes)), Guest.UserCode);
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
    }

    [Fact]
    public void XSAVES_needs_what_XSAVE_needs()
    {
        using var guest = Ready();
        guest.State->Cr4 &= ~Cr4.Osxsave;
        guest.Assemble(a => a.xsaves(__[Guest.Data]));
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1 << 8, true)]
    public void IA32_XSS_has_no_component_to_offer(ulong value, bool faults)
    {
        using var guest = Ready();
        guest.Rcx = 0xDA0;
        guest.Rax = value;
        guest.Rdx = 0;
        guest.Assemble(a =>
        {
            a.wrmsr();
            a.hlt();
        });
        guest.Run();
        Assert.Equal(faults, guest.Delivered.Any(static delivered => delivered.Vector == ExceptionVector.GeneralProtection));
    }

    [Theory]
    [InlineData(0, 0x1F80, 0)]
    [InlineData(1, 0x1F80, 2)]
    [InlineData(0, 0x1FA0, 2)]
    public void XGETBV_1_tells_which_components_are_in_use(ulong xmm, uint mxcsr, ulong expected)
    {
        using var guest = Ready();
        var s = guest.State;
        s->Vectors[8] = xmm;
        s->Mxcsr = mxcsr;
        guest.Rcx = 1;
        guest.Assemble(a =>
        {
            a.xgetbv();
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(expected, guest.Rax);
    }

    // All components requested; x87 state as after FNINIT.
    private static Guest Ready()
    {
        var guest = Guest.Long();
        var s = guest.State;
        s->Cr4 |= Cr4.Osfxsr | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->X87 = new X87State { Control = 0x37F };
        guest.Rax = 7;
        guest.Rdx = 0;
        s->Registers[6] = Guest.Data;
        guest.Vcpu.StateChanged();
        return guest;
    }
}
