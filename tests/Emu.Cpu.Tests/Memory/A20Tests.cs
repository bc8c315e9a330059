using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>Address line 20 held low: the second mebibyte looks like the first to data, code and page walks.</summary>
public sealed unsafe class A20Tests
{
    [Fact]
    public void Real_mode_wraps_at_1_mib_like_an_8086()
    {
        using var guest = Guest.Real();
        guest.Write(0x500u, (ushort)0x1111);
        guest.Write(0x10_0500u, (ushort)0x2222);
        guest.State->Segments[(int)SegmentName.Ds].Base = 0xF_FFF0;
        void Read() => guest.Assemble(a => { a.mov(ax, __word_ptr[0x510]); a.mov(__word_ptr[0x512], ax); a.hlt(); });
        Read();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x2222UL, guest.Rax);

        // What the TLB knows of the page must go.
        guest.Vcpu.A20Enabled = false;
        Read();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0x1111UL, (ushort)0x1111), (guest.Rax, guest.Read<ushort>(0x502)));

        guest.Vcpu.A20Enabled = true;
        Read();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x2222UL, guest.Rax);
    }

    [Fact]
    public void Code_is_fetched_from_the_first_mebibyte()
    {
        using var guest = Guest.Protected();
        guest.Place(a => { a.mov(eax, 1); a.hlt(); }, 0x3_0000);
        guest.Place(a => { a.mov(eax, 2); a.hlt(); }, 0x13_0000);
        foreach (var (enabled, expected) in new[] { (true, 2UL), (false, 1UL), (true, 2UL) })
        {
            guest.Vcpu.A20Enabled = enabled;
            guest.Assemble(a => { a.mov(ecx, 0x13_0000); a.jmp(ecx); });
            Assert.Equal(RunExit.Halted, guest.Run());
            Assert.Equal(expected, guest.Rax);
        }
    }

    [Fact]
    public void Page_tables_and_the_pages_they_name_lose_the_bit_too()
    {
        using var guest = Guest.Long();
        // The tables lie in the second mebibyte: a copy of them in the first answers, and names the third, which looks like it.
        for (var at = 0u; at < 0x5000; at += 8)
            guest.Write((Guest.PageTables & ~(1u << 20)) + 0x3_0000 + at, guest.Read<ulong>(Guest.PageTables + at));
        for (var at = 0u; at < 0x3000; at += 0x1000)
            guest.Write(0x3_0000u + at, 0x13_0000 + at + 0x1000 | 7UL);
        guest.Write(0x3_2008u, 0x13_4000UL | 7);
        guest.Write(0x3_3000u + Guest.Data / 4096 * 8, 0x30_0000UL | 7);
        guest.Write(0x30_0000u, 3);
        guest.Write(0x20_0000u, 2);
        guest.State->Cr3 = 0x13_0000;
        guest.Vcpu.A20Enabled = false;
        guest.Vcpu.StateChanged();
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(2UL, guest.Rax);
        Assert.Equal(PagingCase.A, guest.Read<ulong>(0x3_3000u + Guest.Data / 4096 * 8) & PagingCase.A);
    }

    [Fact]
    public void Stores_change_code_by_its_physical_address()
    {
        using var guest = Guest.Protected();
        guest.Place(a => { a.mov(eax, 1); a.ret(); }, 0x3_0000);
        guest.Vcpu.A20Enabled = false;
        guest.Assemble(a =>
        {
            a.mov(ecx, 0x3_0000);
            a.call(ecx);
            a.mov(ebx, eax);
            a.mov(__dword_ptr[0x13_0001], 7);
            a.call(ecx);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((1UL, 7UL), (guest.Rbx, guest.Rax));
    }

    [Fact]
    public void Reset_opens_the_line()
    {
        using var guest = Guest.Real();
        guest.Vcpu.A20Enabled = false;
        guest.Vcpu.Reset();
        Assert.True(guest.Vcpu.A20Enabled);
    }
}
