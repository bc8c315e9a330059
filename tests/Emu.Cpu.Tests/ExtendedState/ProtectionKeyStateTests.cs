using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.ExtendedState;

/// <summary>PKRU as component 9 of the XSAVE area, and the instructions and the MSR that reach the keys' rights.</summary>
public sealed unsafe class ProtectionKeyStateTests
{
    private const ulong X87 = 1, Sse = 2, Avx = 4, Keys = 0x200, Compacted = 1UL << 63;
    private const uint Area = Guest.Data;

    [Theory]
    [InlineData(Keys, false, 832u)]
    [InlineData(Keys | Avx, false, 832u)]
    [InlineData(Keys, true, 576u)]
    [InlineData(Keys | X87, true, 576u)]
    [InlineData(Keys | Avx, true, 832u)]
    public void Rights_are_saved_and_restored_where_cpuid_says(ulong requested, bool compact, uint at)
    {
        using var guest = Make();
        guest.State->Pkru = 0x55555554;
        guest.State->Vectors[2] = 7;
        guest.Write(Area + at + 8, 0xCCCC_CCCC);
        Run(guest, requested, a =>
        {
            if (compact)
                a.xsavec(__[Area]);
            else
                a.xsave(__[Area]);
        });
        Assert.Equal((0x55555554u, 0u, 0xCCCC_CCCCu), (guest.Read<uint>(Area + at), guest.Read<uint>(Area + at + 4), guest.Read<uint>(Area + at + 8)));
        Assert.Equal(Keys, guest.Read<ulong>(Area + 512) & Keys);
        Assert.Equal(compact ? requested | Compacted : 0, guest.Read<ulong>(Area + 520));

        guest.State->Pkru = 0;
        Run(guest, requested, a => a.xrstor(__[Area]));
        Assert.Equal(0x55555554u, guest.State->Pkru);

        // What the area does not hold starts anew; what is not asked for stays.
        guest.Write(Area + 512, guest.Read<ulong>(Area + 512) & ~Keys);
        Run(guest, requested & ~Keys, a => a.xrstor(__[Area]));
        Assert.Equal(0x55555554u, guest.State->Pkru);
        Run(guest, requested, a => a.xrstor(__[Area]));
        Assert.Equal(0u, guest.State->Pkru);
    }

    [Fact]
    public void Restored_rights_bind_at_once()
    {
        using var guest = Make();
        guest.State->Cr4 |= Cr4.Pke;
        guest.Vcpu.StateChanged();
        guest.SetPage(Guest.Data + 0x1000, 7 | (1UL << 59));
        guest.Write(Area + 512, Keys);
        guest.Write(Area + 832, 4u);
        guest.Rax = Keys;
        guest.Assemble(a =>
        {
            a.mov(ecx, __dword_ptr[Guest.Data + 0x1000]);
            a.mov(eax, (int)Keys);
            a.xor(edx, edx);
            a.xrstor(__[Area]);
            a.mov(ecx, __dword_ptr[Guest.Data + 0x1000]);
        });
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(0x21UL, guest.OnStack(0));
    }

    [Fact]
    public void Cpuid_describes_the_component()
    {
        using var guest = Make();
        var model = guest.Vcpu.Model;
        Assert.Equal((8u, 832u, 0u, 0u), Tuple(model.Cpuid(0xD, 9, guest.Vcpu)));
        Assert.Equal((0x207u, 840u, 840u, 0u), Tuple(model.Cpuid(0xD, 0, guest.Vcpu)));
        Assert.Equal(840u, model.Cpuid(0xD, 1, guest.Vcpu).Ebx);
        guest.State->Xcr0 = X87 | Sse | Keys;
        Assert.Equal(584u, model.Cpuid(0xD, 1, guest.Vcpu).Ebx);
        Assert.Equal(840u, model.Cpuid(0xD, 0, guest.Vcpu).Ebx);
        Assert.Equal(0u, model.Cpuid(7, 0, guest.Vcpu).Ecx & (1 << 4));
        guest.State->Cr4 |= Cr4.Pke;
        Assert.Equal(1u << 4, model.Cpuid(7, 0, guest.Vcpu).Ecx & (1 << 4));
    }

    [Theory]
    [InlineData(0, 0, false, ExceptionVector.InvalidOpcode)]
    [InlineData(1, 0, true, ExceptionVector.GeneralProtection)]
    [InlineData(0, 1, true, ExceptionVector.GeneralProtection)]
    public void Rights_are_written_with_ecx_and_edx_clear(int ecxValue, int edxValue, bool enabled, int expected)
    {
        using var guest = Make();
        guest.State->Cr4 |= enabled ? Cr4.Pke : 0;
        guest.Assemble(a => { a.mov(ecx, ecxValue); a.mov(edx, edxValue); a.wrpkru(); });
        Assert.Equal(expected, guest.RunToHandler());
    }

    [Fact]
    public void Supervisor_rights_are_an_msr_of_32_bits()
    {
        using var guest = Make();
        guest.Assemble(a => { a.mov(ecx, 0x6E1); a.mov(eax, 0x1234); a.xor(edx, edx); a.wrmsr(); a.xor(eax, eax); a.dec(edx); a.rdmsr(); a.inc(edx); a.wrmsr(); });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal((0x1234UL, 1UL, 0x1234u), (guest.Rax, guest.Rdx, guest.State->Pkrs));
    }

    private static Guest Make()
    {
        var guest = Guest.Long();
        guest.State->Cr4 |= Cr4.Osxsave | Cr4.Osfxsr;
        guest.State->Xcr0 = X87 | Sse | Avx | Keys;
        guest.State->Mxcsr = 0x1F80;
        guest.State->X87.Control = 0x37F;
        return guest;
    }

    private static void Run(Guest guest, ulong requested, Action<Assembler> code)
    {
        guest.Assemble(a =>
        {
            a.mov(eax, (int)requested);
            a.xor(edx, edx);
            code(a);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
    }

    private static (uint, uint, uint, uint) Tuple(Platform.CpuidResult r) => (r.Eax, r.Ebx, r.Ecx, r.Edx);
}
