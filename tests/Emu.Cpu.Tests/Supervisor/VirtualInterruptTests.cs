using Emu.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>CR4.VME and CR4.PVI: VIF and VIP in the place of IF, and INT n through the redirection bitmap (SDM Vol. 3, 21.3 and 21.4).</summary>
public sealed unsafe class VirtualInterruptTests
{
    private const ushort BitmapAt = 0x88;
    private const uint Iopl3 = (uint)Rflags.IoPrivilege, Vif = (uint)Rflags.VirtualInterrupt, Vip = (uint)Rflags.VirtualInterruptPending;
    private const uint If = (uint)Rflags.Interrupt, Tf = (uint)Rflags.Trap, Nt = (uint)Rflags.NestedTask;
    private const ushort Cs = (ushort)(Guest.UserCode >> 4);
    private const uint StackTop = 0x7000;

    [Fact]
    public void Cli_and_sti_change_vif_where_iopl_denies_if()
    {
        using var guest = Virtual8086(0);
        guest.Place(a => { a.sti(); a.nop(); a.cli(); a.ud2(); }, Guest.UserCode, 16);
        Step(guest, 1);
        Assert.Equal(Vif, guest.State->SystemFlags & (Vif | If));
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(0u, guest.OnStack(2) & (Vif | If));
    }

    [Fact]
    public void Sti_faults_while_an_interrupt_waits_for_vif()
    {
        using var guest = Virtual8086(Vip);
        guest.Place(a => a.sti(), Guest.UserCode, 16);
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(Vip, guest.OnStack(3) & (Vif | Vip));
    }

    [Theory]
    [InlineData(0u, 0x3002u)]
    [InlineData(Vif, 0x3202u)]
    [InlineData(Vif | Iopl3, 0x3002u)] // IOPL 3: the program has IF itself
    public void Pushf_shows_vif_as_if_and_an_iopl_of_3(uint flags, uint image)
    {
        using var guest = Virtual8086(flags);
        guest.Place(a => { a.pushf(); a.ud2(); }, Guest.UserCode, 16);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(image, guest.Read<ushort>(StackTop - 2));
    }

    [Fact]
    public void Pushfd_and_popfd_are_the_monitors()
    {
        using var push = Virtual8086(0);
        push.Place(a => a.pushfd(), Guest.UserCode, 16);
        Assert.Equal(ExceptionVector.GeneralProtection, push.RunToHandler());
        using var pop = Virtual8086(0);
        pop.Place(a => a.popfd(), Guest.UserCode, 16);
        Assert.Equal(ExceptionVector.GeneralProtection, pop.RunToHandler());
    }

    [Theory]
    [InlineData(0u, If | Nt | Iopl3, true, Vif | Nt)]
    [InlineData(Vif, Nt, true, Nt)]
    [InlineData(Vip, Nt, true, Vip | Nt)]
    [InlineData(Vip, If, false, Vip)]
    [InlineData(0u, Tf, false, 0u)]
    public void Popf_takes_if_as_vif(uint flags, uint popped, bool works, uint after)
    {
        using var guest = Virtual8086(flags);
        guest.Write(StackTop, (ushort)popped);
        guest.Place(a => { a.popf(); a.ud2(); }, Guest.UserCode, 16);
        Assert.Equal(works ? ExceptionVector.InvalidOpcode : ExceptionVector.GeneralProtection, guest.RunToHandler());
        var image = (uint)guest.OnStack(works ? 2 : 3);
        Assert.Equal(after, image & (Vif | Vip | Nt | Tf | If | Iopl3));
        Assert.Equal(StackTop + (works ? 2u : 0), guest.OnStack(works ? 3 : 4));
    }

    [Theory]
    [InlineData(0u, If | Nt, true, Vif | Nt)]
    [InlineData(Vip, If, false, Vip)]
    public void Iret_takes_if_as_vif(uint flags, uint popped, bool works, uint after)
    {
        using var guest = Virtual8086(flags);
        guest.Write(StackTop, (ushort)0x80);
        guest.Write(StackTop + 2, Cs);
        guest.Write(StackTop + 4, (ushort)popped);
        guest.Place(a => a.iret(), Guest.UserCode, 16);
        guest.Place(a => a.ud2(), Guest.UserCode + 0x80, 16);
        Assert.Equal(works ? ExceptionVector.InvalidOpcode : ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(after, (uint)guest.OnStack(works ? 2 : 3) & (Vif | Vip | Nt | If));
    }

    [Theory]
    [InlineData(0u, 0x3002u, 0u)]
    [InlineData(Vif, 0x3202u, 0u)]
    [InlineData(Vif | If, 0x3202u, If)]
    [InlineData(Iopl3 | If | Vif, 0x3202u, Iopl3 | Vif)]
    public void Redirected_interrupt_goes_to_the_programs_vector(uint flags, uint pushed, uint after)
    {
        using var guest = Virtual8086(flags);
        guest.Write(0x40 * 4, (ushort)0x0100);
        guest.Write(0x40 * 4 + 2, Cs);
        guest.Place(a => a.@int(0x40), Guest.UserCode, 16);
        guest.Place(a => a.ud2(), Guest.UserCode + 0x100, 16);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(after, (uint)guest.OnStack(2) & (Vif | If | Iopl3 | Tf));
        Assert.Equal((2, Cs, (ushort)pushed), (guest.Read<ushort>(StackTop - 6), guest.Read<ushort>(StackTop - 4), guest.Read<ushort>(StackTop - 2)));
    }

    [Theory]
    [InlineData(0u, ExceptionVector.GeneralProtection)]
    [InlineData(Iopl3, 0x41)]
    public void Interrupt_that_is_not_redirected_obeys_iopl(uint flags, int vector)
    {
        using var guest = Virtual8086(flags);
        guest.Write(Guest.Tss + BitmapAt - 32 + 0x41 / 8, (byte)(1 << (0x41 % 8)));
        guest.SetGate(0x41, Guest.Handlers + 0x41 * 4, access: 0xEE);
        guest.Place(a => a.@int(0x41), Guest.UserCode, 16);
        Assert.Equal(vector, guest.RunToHandler());
    }

    [Fact]
    public void Cli_and_sti_of_ring_3_change_vif_under_pvi()
    {
        using var guest = Guest.Protected();
        guest.State->Cr4 = Cr4.Pvi;
        guest.EnterRing3();
        guest.Place(a => { a.sti(); a.cli(); a.sti(); a.pushfd(); a.pop(eax); a.ud2(); }, Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(Vif, (uint)guest.Rax & (Vif | If));

        using var waiting = Guest.Protected();
        waiting.State->Cr4 = Cr4.Pvi;
        waiting.EnterRing3(Rflags.AlwaysSet | Vip);
        waiting.Place(a => a.sti(), Guest.UserCode);
        Assert.Equal(ExceptionVector.GeneralProtection, waiting.RunToHandler());
    }

    [Fact]
    public void Without_vme_and_pvi_nothing_is_virtual()
    {
        using var guest = Virtual8086(0);
        guest.State->Cr4 = Cr4.Pvi;
        guest.Place(a => a.cli(), Guest.UserCode, 16);
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());

        using var user = Guest.Protected();
        user.State->Cr4 = Cr4.Vme;
        user.EnterRing3();
        user.Place(a => a.cli(), Guest.UserCode);
        Assert.Equal(ExceptionVector.GeneralProtection, user.RunToHandler());
    }

    private static void Step(Guest guest, ulong instructions) => guest.Vcpu.Run(guest.Vcpu.InstructionsRetired + instructions);

    // Virtual-8086 mode at UserCode with VME, a stack at 0000:7000, and a redirection bitmap of zeros.
    private static Guest Virtual8086(uint flags)
    {
        var guest = Guest.Protected();
        var s = guest.State;
        guest.Write(Guest.Tss + 0x66, BitmapAt);
        s->Segments[(int)SegmentName.Tr].Limit = BitmapAt + 0x20;
        s->Cr4 = Cr4.Vme;
        s->Cpl = 3;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
            s->Segments[(int)name] = new SegmentRegister { Limit = 0xFFFF, Attributes = (SegmentAttributes)0xF3 };
        s->Segments[(int)SegmentName.Cs].Selector = Cs;
        s->Segments[(int)SegmentName.Cs].Base = (uint)Cs << 4;
        s->Registers[4] = StackTop;
        s->SystemFlags = Rflags.AlwaysSet | Rflags.Virtual8086 | flags;
        s->Rip = 0;
        guest.Vcpu.StateChanged();
        return guest;
    }
}
