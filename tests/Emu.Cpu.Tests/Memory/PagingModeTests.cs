using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>What writes to control registers allow of paging, and 57-bit addresses (SDM Vol. 3, 4.1 and 4.4.1; Vol. 1, 3.3.7.1).</summary>
public sealed unsafe class PagingModeTests
{
    private const uint DeepRoot = 0x140000;

    [Theory]
    [InlineData(Cr4.La57)]
    [InlineData(Cr4.La57 | Cr4.Pse)]
    public void Depth_of_the_tables_may_not_change_in_long_mode(ulong toggled)
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.mov(rax, cr4); a.xor(rax, (int)toggled); a.mov(cr4, rax); });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        using var deep = Deep();
        deep.Assemble(a => { a.mov(rax, cr4); a.xor(rax, (int)toggled); a.mov(cr4, rax); });
        Assert.Equal(ExceptionVector.GeneralProtection, deep.RunToHandler());
    }

    [Fact]
    public void Depth_of_the_tables_may_change_outside_long_mode_and_means_nothing_there()
    {
        using var guest = Guest.Protected();
        Pae(guest);
        guest.Assemble(a => { a.mov(eax, cr4); a.or(eax, (int)Cr4.La57); a.mov(cr4, eax); a.mov(ecx, __dword_ptr[Guest.Data]); a.hlt(); });
        guest.Write(Guest.Data, 0x1234);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x1234UL, guest.Rcx);
    }

    [Fact]
    public void Five_levels_reach_addresses_of_57_bits()
    {
        using var guest = Deep();
        const ulong far = 0x0012_0000_0020_0000;
        // PML5 entry 18, on to the same tables.
        guest.Write(DeepRoot + 18 * 8, Guest.PageTables + 7UL);
        guest.Write(Guest.Data + 0x10, 0xABCD);
        guest.Place(a => { a.mov(ecx, 5); a.hlt(); }, Guest.Data + 0x100);
        guest.Assemble(a => { a.mov(rbx, far); a.mov(edx, __dword_ptr[rbx + 0x10]); a.lea(rax, __[rbx + 0x100]); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0xABCDUL, 5UL, far + 0x106), (guest.Rdx, guest.Rcx, guest.State->Rip));
    }

    [Theory]
    [InlineData(0x0000_8000_0000_0000UL, false)]
    [InlineData(0x00FF_FFFF_FFFF_F000UL, false)]
    [InlineData(0xFF00_0000_0000_0000UL, false)]
    [InlineData(0x0100_0000_0000_0000UL, true)]
    [InlineData(0xFEFF_FFFF_FFFF_F000UL, true)]
    public void Addresses_are_canonical_by_the_mode_in_use(ulong address, bool never)
    {
        foreach (var (make, bad) in new (Func<Guest>, bool)[] { (() => Guest.Long(), true), (Deep, never) })
        {
            // A canonical one is not mapped.
            Check(make, a => a.mov(eax, __dword_ptr[rbx]), address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.mov(__dword_ptr[rbx], eax), address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.inc(__dword_ptr[rbx]), address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.fld(__tword_ptr[rbx]), address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.fxsave(__[rbx]), address & ~15UL, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.cmpxchg16b(__xmmword_ptr[rbx]), address & ~15UL, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => { a.mov(rdi, rbx); a.stosb(); }, address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => { a.mov(rsi, rbx); a.mov(ecx, 2); a.rep.lodsb(); }, address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => a.mov(eax, __dword_ptr[rbp]), address, bad ? ExceptionVector.StackFault : ExceptionVector.PageFault);
            Check(make, a => { a.mov(rsp, rbx); a.pop(rax); }, address, bad ? ExceptionVector.StackFault : ExceptionVector.PageFault);
            Check(make, a => a.jmp(rbx), address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => { a.push(rbx); a.ret(); }, address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => { a.invlpg(__[rbx]); a.ud2(); }, address, ExceptionVector.InvalidOpcode);
            Check(make, a => { a.clflush(__byte_ptr[rbx]); a.ud2(); }, address, bad ? ExceptionVector.GeneralProtection : ExceptionVector.PageFault);
            Check(make, a => { a.prefetchnta(__byte_ptr[rbx]); a.ud2(); }, address, ExceptionVector.InvalidOpcode);
        }
    }

    [Theory]
    [InlineData(0x0000_8000_0000_0000UL, true)]
    [InlineData(0xFF00_0000_0000_0000UL, true)]
    [InlineData(0x0100_0000_0000_0000UL, false)]
    public void Registers_hold_what_is_canonical_under_the_widest_mode(ulong value, bool taken)
    {
        var expected = taken ? ExceptionVector.InvalidOpcode : ExceptionVector.GeneralProtection;
        foreach (var msr in (uint[])[0xC000_0082, 0xC000_0083, 0xC000_0100, 0xC000_0101, 0xC000_0102, 0x175, 0x176])
        {
            Check(() => Guest.Long(), a =>
            {
                a.mov(rax, rbx);
                a.mov(rdx, rbx);
                a.shr(rdx, 32);
                a.mov(ecx, (int)msr);
                a.wrmsr();
                a.ud2();
            }, value, expected);
        }
        Check(WithFsgsbase, a => { a.wrfsbase(rbx); a.ud2(); }, value, expected);
        Check(WithFsgsbase, a => { a.wrgsbase(rbx); a.ud2(); }, value, expected);
        Check(() => Guest.Long(), a =>
        {
            a.mov(__word_ptr[Guest.Data], 0xFF);
            a.mov(__qword_ptr[Guest.Data + 2], rbx);
            a.sgdt(__[Guest.Data + 16]);
            a.lgdt(__[Guest.Data]);
            a.lgdt(__[Guest.Data + 16]);
            a.ud2();
        }, value, expected);
    }

    [Fact]
    public void Pcids_are_enabled_in_long_mode_alone_and_with_pcid_0()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.mov(rax, cr3); a.or(rax, 8); a.mov(cr3, rax); a.mov(rax, cr4); a.or(rax, (int)Cr4.Pcide); a.mov(cr4, rax); });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        guest.Assemble(a => { a.mov(rax, cr3); a.and(rax, ~0xFFF); a.mov(cr3, rax); a.mov(rax, cr4); a.or(rax, (int)Cr4.Pcide); a.mov(cr4, rax); a.mov(rcx, cr0); a.mov(rdx, rcx); a.btr(rdx, 31); a.mov(cr0, rdx); });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(Cr4.Pcide, guest.State->Cr4 & Cr4.Pcide);

        using var legacy = Guest.Protected();
        legacy.Assemble(a => { a.mov(eax, (int)Cr4.Pcide); a.mov(cr4, eax); });
        Assert.Equal(ExceptionVector.GeneralProtection, legacy.RunToHandler());
    }

    [Theory]
    [InlineData(0x8000_0000_0010_0000UL, false, ExceptionVector.GeneralProtection)]
    [InlineData(0x8000_0000_0010_0000UL, true, ExceptionVector.InvalidOpcode)]
    [InlineData(0x0000_0100_0010_0000UL, true, ExceptionVector.GeneralProtection)]
    [InlineData(0x0000_0000_0010_0FFFUL, false, ExceptionVector.InvalidOpcode)]
    public void Cr3_takes_no_reserved_bits(ulong value, bool pcids, int expected)
    {
        using var guest = Guest.Long();
        guest.State->Cr4 |= pcids ? Cr4.Pcide : 0;
        guest.Vcpu.StateChanged();
        guest.Rax = value;
        guest.Assemble(a => { a.mov(cr3, rax); a.mov(rbx, cr3); a.ud2(); });
        Assert.Equal(expected, guest.RunToHandler());
        if (expected == ExceptionVector.InvalidOpcode)
            Assert.Equal(value & ~TwoSpaces.NoFlush, guest.Rbx);
    }

    [Theory]
    [InlineData("cr3")]
    [InlineData("cr0")]
    [InlineData("cr4")]
    [InlineData("pge")]
    public void Malformed_pointers_of_pae_paging_refuse_the_write_that_loads_them(string register)
    {
        using var guest = Guest.Protected();
        Pae(guest);
        var bad = Guest.Data;
        guest.Write(bad + 16, 0x23UL);
        if (register is "cr0" or "cr4")
        {
            guest.State->Cr0 &= ~Cr0.Pg;
            guest.State->Cr3 = bad;
            guest.State->Cr4 = register == "cr4" ? Cr4.Pse : Cr4.Pae;
            if (register == "cr4")
            {
                // 32-bit paging by one large page, whose tables PAE would read as pointers.
                guest.State->Cr0 |= Cr0.Pg;
                guest.Write(bad, 0x87u);
            }
        }
        guest.Vcpu.StateChanged();
        if (register == "pge")
            guest.Write(Guest.PageTables + 24, 0x101UL);
        guest.Assemble(a =>
        {
            if (register == "cr3")
            {
                a.mov(eax, (int)bad);
                a.mov(cr3, eax);
            }
            else if (register == "cr0")
            {
                a.mov(eax, cr0);
                a.bts(eax, 31);
                a.mov(cr0, eax);
            }
            else
            {
                a.mov(eax, cr4);
                a.or(eax, (int)(register == "pge" ? Cr4.Pge : Cr4.Pae));
                a.mov(cr4, eax);
            }
        });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(0));
    }

    [Fact]
    public void Pointers_of_pae_paging_stay_as_they_were_loaded()
    {
        using var guest = Guest.Protected();
        Pae(guest);
        guest.Write(Guest.Data, 77);
        guest.Assemble(a =>
        {
            a.mov(__dword_ptr[Guest.PageTables], 0);
            a.invlpg(__[Guest.Data]);
            a.mov(ecx, __dword_ptr[Guest.Data]);
            a.mov(eax, cr3);
            a.mov(cr3, eax);
        });
        // Then nothing is mapped any more, the handler included.
        Assert.Equal(RunExit.Shutdown, guest.Run());
        Assert.Equal(77UL, guest.Rcx);
    }

    // Five levels on top of the four of Guest.Long.
    private static Guest Deep()
    {
        var guest = Guest.Long();
        guest.Write(DeepRoot, Guest.PageTables + 7UL);
        guest.State->Cr3 = DeepRoot;
        guest.State->Cr4 |= Cr4.La57;
        guest.Vcpu.StateChanged();
        return guest;
    }

    private static Guest WithFsgsbase()
    {
        var guest = Guest.Long();
        guest.State->Cr4 |= Cr4.Fsgsbase;
        return guest;
    }

    // PAE paging by two large pages.
    private static void Pae(Guest guest)
    {
        guest.Write(Guest.PageTables, Guest.PageTables + 0x1001UL);
        guest.Write(Guest.PageTables + 0x1000, 0x83UL);
        guest.Write(Guest.PageTables + 0x1008, 0x20_0083UL);
        guest.State->Cr3 = Guest.PageTables;
        guest.State->Cr4 = Cr4.Pae;
        guest.State->Cr0 |= Cr0.Pg;
        guest.Vcpu.StateChanged();
    }

    private static void Check(Func<Guest> make, Action<Assembler> code, ulong rbx, int expected)
    {
        using var guest = make();
        guest.Rbx = guest.State->Registers[5] = rbx;
        guest.Assemble(code);
        // A stack that cannot be reached cannot take the fault either: an interrupt stack can.
        guest.SetGate(ExceptionVector.StackFault, Guest.Handlers + ExceptionVector.StackFault * 4, parameterOrStack: 1);
        guest.SetGate(ExceptionVector.PageFault, Guest.Handlers + ExceptionVector.PageFault * 4, parameterOrStack: 1);
        Assert.Equal(expected, guest.RunToHandler());
    }
}
