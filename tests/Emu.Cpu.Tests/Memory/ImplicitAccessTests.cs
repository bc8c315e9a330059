using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// Accesses that no operand makes, to descriptor tables and task-state segments: a supervisor's, whatever the privilege (SDM Vol. 3,
/// 4.6.1).
/// </summary>
public sealed unsafe class ImplicitAccessTests
{
    [Theory]
    [InlineData(false, false, ExceptionVector.InvalidOpcode)]
    [InlineData(true, false, ExceptionVector.PageFault)]
    [InlineData(true, true, ExceptionVector.PageFault)]
    public void Smap_keeps_descriptors_off_user_pages_even_with_ac(bool smap, bool ac, int expected)
    {
        foreach (var user in (bool[])[false, true])
        {
            using var guest = WithLdt(7, smap ? Cr4.Smap : 0);
            Load(guest, user, ac);
            Assert.Equal(expected, guest.RunToHandler());
            if (expected == ExceptionVector.PageFault)
                Assert.Equal((1UL, (ulong)Guest.Data), (guest.OnStack(0), guest.State->Cr2));
        }
    }

    [Fact]
    public void User_code_loads_descriptors_from_supervisor_pages()
    {
        using var guest = WithLdt(3, 0);
        Load(guest, user: true, ac: false);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    [Theory]
    [InlineData(true, ExceptionVector.PageFault)]
    [InlineData(false, ExceptionVector.InvalidOpcode)]
    public void Accessed_bit_of_a_descriptor_is_written_with_a_supervisors_rights(bool wp, int expected)
    {
        using var guest = WithLdt(1, 0);
        guest.State->Cr0 = (guest.State->Cr0 & ~Cr0.Wp) | (wp ? Cr0.Wp : 0);
        guest.Write(Guest.Data, Guest.Descriptor(0, 0xFFFFF, 0xF2, 0xC));
        guest.Vcpu.StateChanged();
        Load(guest, user: true, ac: false);
        Assert.Equal(expected, guest.RunToHandler());
        if (wp)
            Assert.Equal(3UL, guest.OnStack(0));
        else
            Assert.Equal(0xF3, guest.Read<byte>(Guest.Data + 5));
    }

    [Fact]
    public void Missing_descriptor_page_faults_as_a_supervisors_read()
    {
        using var guest = WithLdt(0, 0);
        Load(guest, user: true, ac: false);
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(0));
    }

    [Fact]
    public void Task_switch_saves_the_old_task_in_its_own_address_space()
    {
        using var guest = Guest.Protected();
        // Both spaces are one to one, but for the page of the old TSS in the second.
        const uint tss = 0x5000, first = Guest.Data, second = Guest.Data + 0x20, directory = Guest.PageTables;
        for (var page = 0u; page < 512; page++)
        {
            guest.Write(directory + 0x2000 + page * 8, page * 4096UL | 3);
            guest.Write(directory + 0x3000 + page * 8, (page == tss / 4096 ? 0x300u : page) * 4096UL | 3);
        }
        guest.Write(directory, directory + 0x2000 | 3UL);
        guest.Write(directory + 0x1000, directory + 0x3000 | 3UL);
        guest.Write(directory + 8, Guest.Data | 0x83UL);
        guest.Write(first, directory | 1UL);
        guest.Write(second, directory + 0x1000 | 1UL);
        var s = guest.State;
        s->Segments[(int)SegmentName.Tr].Base = tss;
        s->Cr3 = first;
        s->Cr4 = Cr4.Pae;
        s->Cr0 |= Cr0.Pg;
        guest.Vcpu.StateChanged();
        guest.Write(Guest.SecondTss + 0x1C, second);
        guest.Write(Guest.SecondTss + 0x20, Guest.UserCode);
        guest.Write(Guest.SecondTss + 0x24, 2u);
        guest.Write(Guest.SecondTss + 0x38, Guest.SpareStack);
        foreach (var at in (uint[])[0x48, 0x50, 0x54, 0x58, 0x5C])
            guest.Write(Guest.SecondTss + at, (uint)Guest.KernelData);
        guest.Write(Guest.SecondTss + 0x4C, (uint)Guest.KernelCode);
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.Assemble(a => { a.nop(); a.db(0xEA); a.dd(0); a.dw(Guest.SecondTssSelector); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((Guest.Code + 8, 0u, (ulong)second), (guest.Read<uint>(tss + 0x20), guest.Read<uint>(0x30_0020), s->Cr3));
        Assert.Equal(directory + 0x1000UL | 1, s->Pdptes[0]);
    }

    // The LDT alone in a page with the given flags; its first descriptor is a user's data segment.
    private static Guest WithLdt(uint flags, ulong cr4)
    {
        var guest = Guest.Long();
        for (var page = 0u; page < Guest.RamBytes; page += 4096)
            guest.SetPage(page, page is Guest.UserCode ? 7u : 3u);
        guest.SetPage(Guest.Data, flags);
        guest.Write(Guest.Data, Guest.Descriptor(0, 0xFFFFF, 0xF3, 0xC));
        guest.State->Segments[(int)SegmentName.Ldtr] = new SegmentRegister { Selector = Guest.LdtSelector, Base = Guest.Data, Limit = 0xFF, Attributes = (SegmentAttributes)0x82 };
        guest.State->Cr4 |= cr4;
        guest.Vcpu.StateChanged();
        return guest;
    }

    private static void Load(Guest guest, bool user, bool ac)
    {
        var flags = Rflags.AlwaysSet | (ac ? Rflags.AlignmentCheck : 0);
        if (user)
            guest.EnterRing3(flags);
        else
            guest.State->SystemFlags = flags;
        guest.Vcpu.StateChanged();
        guest.Assemble(a => { a.mov(eax, 7); a.mov(es, eax); a.ud2(); }, user ? Guest.UserCode : Guest.Code);
    }
}
