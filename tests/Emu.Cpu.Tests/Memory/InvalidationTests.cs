using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>What each instruction forgets of the TLB, and what it must keep (SDM Vol. 3, 4.10.4.1): see <see cref="TwoSpaces"/>.</summary>
public sealed unsafe class InvalidationTests
{
    private const uint Descriptor = Guest.Data + 0x10000;

    [Fact]
    public void Load_of_cr3_without_flush_keeps_every_address_space() => Check(a => TwoSpaces.Load(a, TwoSpaces.First | TwoSpaces.NoFlush), true, true, true, true);

    [Fact]
    public void Load_of_cr3_forgets_its_own_pcid_but_not_global_pages() => Check(a => TwoSpaces.Load(a, TwoSpaces.First), false, true, true, true);

    [Fact]
    public void Load_of_another_pcid_leaves_the_one_that_is_left_alone() => Check(
        a =>
        {
            TwoSpaces.Load(a, TwoSpaces.Second);
            TwoSpaces.Load(a, TwoSpaces.First | TwoSpaces.NoFlush);
        }, true, true, false, true);

    [Fact]
    public void Invlpg_forgets_the_page_of_the_current_pcid_alone() => Check(a => a.invlpg(__[TwoSpaces.Own]), false, true, true, true);

    [Fact]
    public void Invlpg_forgets_a_global_page_everywhere() => Check(a => a.invlpg(__[TwoSpaces.Shared]), true, false, true, false);

    [Fact]
    public void Invpcid_0_forgets_one_page_of_the_pcid_that_it_names() => Check(a => Invpcid(a, 0, 2, TwoSpaces.Own), true, true, false, true);

    [Fact]
    public void Invpcid_0_leaves_global_pages() => Check(a => Invpcid(a, 0, 1, TwoSpaces.Shared), true, true, true, true);

    [Fact]
    public void Invpcid_1_forgets_all_of_a_pcid_but_global_pages() => Check(a => Invpcid(a, 1, 2, 0), true, true, false, true);

    [Fact]
    public void Invpcid_2_forgets_everything() => Check(a => Invpcid(a, 2, 0, 0), false, false, false, false);

    [Fact]
    public void Invpcid_3_forgets_everything_but_global_pages() => Check(a => Invpcid(a, 3, 0, 0), false, true, false, true);

    [Fact]
    public void Change_of_pge_forgets_everything() => Check(a => Toggle(a, Cr4.Pge), false, false, false, false);

    [Fact]
    public void Change_of_smap_forgets_everything() => Check(a => Toggle(a, Cr4.Smap), false, false, false, false);

    [Fact]
    public void Write_of_cr4_that_changes_nothing_about_translation_forgets_nothing() => Check(a => Toggle(a, Cr4.Tsd), true, true, true, true);

    [Fact]
    public void Pcid_that_was_left_longest_ago_makes_room()
    {
        using var spaces = new TwoSpaces();
        spaces.UseAndChange();
        spaces.Do(a =>
        {
            // Seven others: room for the first, but not for the second, which was left before it.
            for (var pcid = 10u; pcid < 17; pcid++)
                TwoSpaces.Load(a, Guest.PageTables | pcid);
            TwoSpaces.Load(a, TwoSpaces.First | TwoSpaces.NoFlush);
        });
        var (first, _, second, _) = spaces.Stale();
        Assert.Equal((true, false), (first, second));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_pcids_a_load_of_cr3_forgets_all_but_global_pages(bool pge)
    {
        using var spaces = new TwoSpaces(Cr4.Pae | (pge ? Cr4.Pge : 0));
        spaces.Guest.Assemble(a =>
        {
            a.mov(eax, __dword_ptr[TwoSpaces.Own]);
            a.mov(eax, __dword_ptr[TwoSpaces.Shared]);
            a.mov(rax, cr3);
            a.mov(qword_ptr(Guest.PageTables + 0x3000 + TwoSpaces.Own / 4096 * 8), 0);
            a.mov(qword_ptr(Guest.PageTables + 0x3008 + TwoSpaces.Own / 4096 * 8), 0);
            a.mov(cr3, rax);
            a.mov(ecx, __dword_ptr[TwoSpaces.Shared]);
            a.mov(ecx, __dword_ptr[TwoSpaces.Own]);
        });
        Assert.Equal(ExceptionVector.PageFault, spaces.Guest.RunToHandler());
        Assert.Equal(pge ? TwoSpaces.Own : TwoSpaces.Shared, spaces.Guest.State->Cr2);
    }

    [Theory]
    [InlineData(4UL, 0UL, 0UL, true)]
    [InlineData(0UL, 0x1000UL, 0UL, true)]
    [InlineData(3UL, 0x8000_0000_0000_0000UL, 0UL, true)]
    [InlineData(0UL, 1UL, 0UL, false)]
    [InlineData(1UL, 1UL, 0UL, false)]
    [InlineData(0UL, 0UL, 0x0100_0000_0000_0000UL, true)]
    public void Invpcid_refuses_what_makes_no_sense(ulong type, ulong pcid, ulong linear, bool withPcids)
    {
        using var spaces = new TwoSpaces(withPcids ? Cr4.Pae | Cr4.Pcide : Cr4.Pae);
        spaces.Guest.Assemble(a => Invpcid(a, type, pcid, linear));
        Assert.Equal(ExceptionVector.GeneralProtection, spaces.Guest.RunToHandler());
        Assert.Equal(0UL, spaces.Guest.OnStack(0));
    }

    [Theory]
    [InlineData(2UL, 10UL, 0x0100_0000_0000_0000UL, false)]
    [InlineData(3UL, 10UL, 0x0100_0000_0000_0000UL, false)]
    [InlineData(1UL, 10UL, 0x0100_0000_0000_0000UL, true)]
    [InlineData(0UL, 0UL, 0x00FF_0000_0000_0000UL, false)]
    public void Invpcid_looks_only_at_what_its_type_uses(ulong type, ulong pcid, ulong linear, bool withPcids)
    {
        using var spaces = new TwoSpaces(withPcids ? Cr4.Pae | Cr4.Pcide : Cr4.Pae);
        spaces.Do(a => Invpcid(a, type, pcid, linear));
    }

    [Fact]
    public void Page_fault_forgets_its_page()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.Data, 5);
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        // The entry for reads is stale; the write's fault tells the truth, and lets the read find it too.
        guest.SetPage(Guest.Data, 0);
        guest.Assemble(a => a.mov(__dword_ptr[Guest.Data], eax));
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(2UL, guest.OnStack(0));
        guest.Assemble(a => a.mov(eax, __dword_ptr[Guest.Data]));
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(0));
    }

    [Theory]
    [InlineData(0x1000u)]
    [InlineData(0x1F_F000u)]
    public void Invlpg_forgets_all_of_a_large_page(uint named)
    {
        using var guest = Guest.Long();
        guest.Write(Guest.PageTables + 0x2008, Guest.Data | 0x87UL);
        guest.Write(Guest.Data + 0x5000, 1);
        guest.Write(0x5000u, 2);
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data + 0x5000]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        guest.Write(Guest.PageTables + 0x2008, 0x87UL);
        guest.Assemble(a => { a.mov(ecx, __dword_ptr[Guest.Data + 0x5000]); a.invlpg(__[Guest.Data + named]); a.mov(edx, __dword_ptr[Guest.Data + 0x5000]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((1UL, 1UL, 2UL), (guest.Rax, guest.Rcx, guest.Rdx));
    }

    [Fact]
    public void Code_is_fetched_anew_after_its_page_was_invalidated()
    {
        using var guest = Guest.Long();
        guest.Place(a => { a.mov(ecx, 1); a.jmp(rdx); }, Guest.Data);
        guest.Place(a => { a.mov(ecx, 2); a.jmp(rdx); }, Guest.Data + 0x1000);
        guest.Assemble(a =>
        {
            var after = a.CreateLabel();
            var end = a.CreateLabel();
            a.mov(ebx, (int)Guest.Data);
            a.lea(rdx, __[after]);
            a.jmp(rbx);
            a.Label(ref after);
            a.push(rcx);
            a.mov(__dword_ptr[Guest.PageTables + 0x3000 + Guest.Data / 4096 * 8], (int)(Guest.Data + 0x1000 | 7));
            a.invlpg(__[rbx]);
            a.lea(rdx, __[end]);
            a.jmp(rbx);
            a.Label(ref end);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((1UL, 2UL), (guest.OnStack(0), guest.Rcx));
    }

    private static void Check(Action<Assembler> action, bool ownOfFirst, bool sharedInFirst, bool ownOfSecond, bool sharedInSecond)
    {
        using var spaces = new TwoSpaces();
        spaces.UseAndChange();
        spaces.Do(action);
        Assert.Equal((ownOfFirst, sharedInFirst, ownOfSecond, sharedInSecond), spaces.Stale());
    }

    private static void Invpcid(Assembler a, ulong type, ulong pcid, ulong linear)
    {
        a.mov(rax, pcid);
        a.mov(__qword_ptr[Descriptor], rax);
        a.mov(rax, linear);
        a.mov(__qword_ptr[Descriptor + 8], rax);
        a.mov(rax, type);
        a.invpcid(rax, __[Descriptor]);
    }

    private static void Toggle(Assembler a, ulong bit)
    {
        a.mov(rax, cr4);
        a.xor(rax, (int)bit);
        a.mov(cr4, rax);
        a.xor(rax, (int)bit);
        a.mov(cr4, rax);
    }

    private static AssemblerMemoryOperand qword_ptr(uint address) => __qword_ptr[address];
}
