using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>RF: who sets it, who pushes it, and what it holds off (SDM Vol. 3, 17.3.1.1).</summary>
public sealed unsafe class ResumeFlagTests
{
    [Fact]
    public void An_interrupt_between_two_instructions_pushes_no_rf()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.Assemble(a => { a.@out(0x80, al); a.nop(); });
        guest.PortWritten = () => RaiseInterrupt(guest);
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Resume);
    }

    [Fact]
    public void An_interrupt_in_the_middle_of_a_repeated_instruction_pushes_rf()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.Rcx = 2 * 4096;
        guest.State->Registers[7] = Guest.Data;
        guest.Assemble(a => a.rep.stosb());
        guest.Run(1);
        RaiseInterrupt(guest);
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal((4096UL, Guest.Code, Rflags.Resume), (guest.Rcx, guest.OnStack(0), guest.OnStack(2) & Rflags.Resume));
    }

    [Fact]
    public void An_interrupt_right_after_iret_pushes_the_rf_that_it_loaded()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.@int(0x30); a.nop(); });
        Assert.Equal(0x30, guest.RunToHandler());
        RaiseInterrupt(guest);
        Assert.Equal(0x40, guest.ReturnToNextHandler(Rflags.Resume | Rflags.Interrupt));
        Assert.Equal((Guest.Code + 2, Rflags.Resume), (guest.OnStack(0), guest.OnStack(2) & Rflags.Resume));
    }

    [Fact]
    public void Rf_holds_for_one_instruction()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Code + 2, 0);
        guest.SetBreakpoint(1, Guest.Code + 4, 0);
        guest.Assemble(a => { a.@int(0x30); a.inc(ebx); a.inc(ebx); });
        Assert.Equal(0x30, guest.RunToHandler());
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler(Rflags.Resume));
        Assert.Equal((1UL, 2UL), (guest.Rbx, guest.DebugStatus));
    }

    [Fact]
    public void Int_n_pushes_no_rf()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.@int(0x30); a.@int(0x31); });
        Assert.Equal(0x30, guest.RunToHandler());
        Assert.Equal(0x31, guest.ReturnToNextHandler(Rflags.Resume));
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Resume);
    }

    [Fact]
    public void Pushf_pushes_and_popf_pops_no_rf()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Code + 4, 0);
        guest.Assemble(a => { a.@int(0x30); a.pushfq(); a.popfq(); a.nop(); });
        Assert.Equal(0x30, guest.RunToHandler());
        guest.Return(Rflags.Resume);
        guest.Run(2);
        Assert.Equal(0UL, guest.OnStack(0) & Rflags.Resume);
        guest.Write((uint)guest.Rsp, guest.OnStack(0) | Rflags.Resume);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
    }

    [Fact]
    public void A_16_bit_iret_clears_rf()
    {
        using var guest = Guest.Protected();
        guest.SetBreakpoint(0, Guest.Code + 6, 0);
        // As if RF were set: the IRET runs, and clears it.
        guest.Vcpu.SetRflags(Rflags.Resume);
        guest.Vcpu.StateChanged();
        var frame = Guest.Stack - 6;
        guest.Write(frame, (ushort)(Guest.Code + 6));
        guest.Write(frame + 2, Guest.KernelCode);
        guest.Write(frame + 4, (ushort)2);
        guest.Rsp = frame;
        guest.Assemble(a => { a.iret(); a.ud2(); a.ud2(); a.nop(); });
        guest.SetBreakpoint(1, Guest.Code, 0);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_task_switch_loads_rf_with_the_new_tasks_flags(bool set)
    {
        using var guest = Guest.Protected();
        FarTransferTests.PrepareTask(guest);
        guest.Write(Guest.SecondTss + 0x24, (uint)(Rflags.AlwaysSet | (set ? Rflags.Resume : 0)));
        guest.SetBreakpoint(0, Guest.UserCode, 0);
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.Assemble(a => a.db(0x9A, 0, 0, 0, 0, (byte)Guest.SecondTssSelector, 0));
        Assert.Equal(set ? ExceptionVector.InvalidOpcode : ExceptionVector.Debug, guest.RunToHandler());
        // What the old task saved: the CALL itself had cleared it.
        Assert.Equal(0u, guest.Read<uint>(Guest.Tss + 0x24) & (uint)Rflags.Resume);
    }

    private static void RaiseInterrupt(Guest guest)
    {
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
    }
}
