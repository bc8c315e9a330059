using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>What MOV SS, POP SS and STI hold back, and for how long (SDM Vol. 3, 6.8.3).</summary>
public sealed unsafe class InterruptShadowTests
{
    private const uint Target = Guest.Handlers + 0xA00;

    [Theory]
    [InlineData(CpuVendor.Intel, 0u)]
    [InlineData(CpuVendor.Amd, 3u)]
    public void Of_two_loads_of_ss_in_a_row_the_second_holds_back_on_amd_alone(CpuVendor vendor, uint further)
    {
        using var guest = Guest.Protected(vendor);
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.Rcx = Guest.KernelData;
        guest.Assemble(a => { a.mov(ss, ecx); a.mov(ss, ecx); a.inc(ebx); });
        // As if a load of SS had just been executed: the interrupt is there from the start, and waits for one instruction.
        RaiseInterrupt(guest);
        guest.State->StackShadowAt = guest.Vcpu.InstructionsRetired;
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(Guest.Code + 2UL + further, guest.OnStack(0));
    }

    [Fact]
    public void A_load_of_ss_after_another_instruction_holds_back_again()
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.Rcx = Guest.KernelData;
        guest.PortWritten = () => RaiseInterrupt(guest);
        guest.Assemble(a => { a.mov(ss, ecx); a.@out(0x80, al); a.inc(ebx); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(Guest.Code + 4UL, guest.OnStack(0));
    }

    [Fact]
    public void A_load_of_ss_in_the_shadow_of_sti_holds_back_once_more()
    {
        using var guest = Guest.Protected();
        guest.Rcx = Guest.KernelData;
        RaiseInterrupt(guest);
        guest.Assemble(a => { a.sti(); a.mov(ss, ecx); a.inc(ebx); a.inc(ebx); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void Sti_with_interrupts_enabled_holds_nothing_back()
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.PortWritten = () => RaiseInterrupt(guest);
        guest.Assemble(a => { a.@out(0x80, al); a.sti(); a.inc(ebx); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(Guest.Code + 2UL, guest.OnStack(0));
    }

    [Fact]
    public void A_second_sti_does_not_prolong_the_first_ones_shadow()
    {
        using var guest = Guest.Protected();
        RaiseInterrupt(guest);
        guest.Assemble(a => { a.sti(); a.sti(); a.inc(ebx); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rbx);
        Assert.Equal(Guest.Code + 2UL, guest.OnStack(0));
    }

    [Fact]
    public void Sti_does_not_hold_back_a_debug_trap()
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => { a.sti(); a.inc(ebx); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rbx);
    }

    [Fact]
    public void Lss_holds_nothing_back()
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Write(Guest.Data, Guest.Stack);
        guest.Write(Guest.Data + 4, Guest.KernelData);
        guest.Assemble(a => { a.lss(esp, __dword_ptr[Guest.Data]); a.inc(ebx); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rbx);
    }

    [Fact]
    public void A_load_of_ss_holds_back_an_instruction_breakpoint()
    {
        using var guest = Guest.Protected();
        guest.SetBreakpoint(0, Guest.Code + 2, 0);
        guest.Rcx = Guest.KernelData;
        guest.Assemble(a => { a.mov(ss, ecx); a.inc(ebx); a.ud2(); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    [Fact]
    public void What_a_load_of_ss_met_traps_after_the_next_instruction()
    {
        using var guest = WatchedStackSegment();
        guest.Assemble(a => { a.mov(ss, __word_ptr[Guest.Data]); a.inc(ebx); a.inc(ebx); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((1UL, 1UL), (guest.Rbx, guest.DebugStatus));
    }

    [Fact]
    public void A_pop_of_ss_holds_back_like_a_mov()
    {
        using var guest = Guest.Protected();
        guest.SetBreakpoint(0, Guest.Data, 3, 3);
        guest.Rsp = Guest.Data;
        guest.Write(Guest.Data, (uint)Guest.KernelData);
        guest.Assemble(a => { a.pop(ss); a.mov(esp, (int)Guest.Stack); a.inc(ebx); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((0UL, Guest.Code + 6UL), (guest.Rbx, guest.OnStack(0)));
    }

    [Theory]
    [InlineData(0xCC, 3)]
    [InlineData(0xCD, 0x30)]
    public void What_a_load_of_ss_met_traps_at_the_handler_of_an_int_that_follows(int opcode, int vector)
    {
        using var guest = WatchedStackSegment();
        guest.Assemble(a => { a.mov(ss, __word_ptr[Guest.Data]); a.db((byte)opcode); a.db(0x30); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal([vector, 1], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.Handlers + (ulong)vector * 4, guest.OnStack(0));
        Assert.Equal(1UL, guest.DebugStatus);
    }

    [Fact]
    public void What_a_load_of_ss_met_joins_the_exception_of_int1()
    {
        using var guest = WatchedStackSegment();
        guest.Assemble(a => { a.mov(ss, __word_ptr[Guest.Data]); a.int1(); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Single(guest.Delivered);
        Assert.Equal(1UL, guest.DebugStatus);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.ReturnToNextHandler());
    }

    [Fact]
    public void What_a_load_of_ss_met_traps_at_the_target_of_a_syscall_that_follows()
    {
        using var guest = Guest.Long();
        guest.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | (0x1BUL << 48);
        guest.State->Msr.LongStar = Target;
        guest.State->Msr.SyscallMask = Rflags.Trap;
        guest.Write(Guest.Data, Guest.UserData);
        guest.SetBreakpoint(0, Guest.Data, 3);
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Trap);
        guest.Assemble(a => { a.mov(ss, __word_ptr[Guest.Data]); a.syscall(); }, Guest.UserCode);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal([Target, Guest.KernelCode], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
        Assert.Equal(1UL, guest.DebugStatus);
        // On the user's stack, because SYSCALL leaves it: this is what makes the case famous.
        Assert.Equal(Guest.UserStack - 40UL, guest.Rsp);
    }

    [Fact]
    public void What_a_load_of_ss_met_is_lost_where_the_next_instruction_faults()
    {
        using var guest = WatchedStackSegment();
        guest.Assemble(a => { a.mov(ss, __word_ptr[Guest.Data]); a.ud2(); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Single(guest.Delivered);
        Assert.Equal(0UL, guest.DebugStatus);
    }

    [Fact]
    public void An_iret_that_faults_lets_the_next_nmi_in_nevertheless()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => a.nop());
        guest.Vcpu.NotifyNmi();
        Assert.Equal(ExceptionVector.NonMaskableInterrupt, guest.RunToHandler());
        guest.Vcpu.NotifyNmi();
        // CS of the frame is made null.
        guest.Write((uint)guest.Rsp + 8, 0UL);
        guest.Return();
        Assert.Equal(ExceptionVector.NonMaskableInterrupt, guest.RunToHandler());
        Assert.Equal([2, 13, 2], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.Handlers + 13 * 4UL, guest.OnStack(0));
    }

    [Fact]
    public void A_fault_within_an_nmi_handler_ends_the_blocking_by_its_own_iret()
    {
        using var guest = Guest.Long();
        guest.Place(a => { a.ud2(); a.inc(ebx); a.hlt(); }, Guest.Handlers + 0xA00);
        guest.Place(a => { a.add(__qword_ptr[rsp], 2); a.iretq(); }, Guest.Handlers + 0xB00);
        guest.SetGate(2, Guest.Handlers + 0xA00);
        guest.SetGate(6, Guest.Handlers + 0xB00);
        guest.Assemble(a => a.nop());
        guest.Vcpu.NotifyNmi();
        guest.Vcpu.Run(guest.Vcpu.InstructionsRetired + 2);
        // The latch holds one, however many come.
        guest.Vcpu.NotifyNmi();
        guest.Vcpu.NotifyNmi();
        guest.SetGate(2, Guest.Handlers + 2 * 4);
        Assert.Equal(ExceptionVector.NonMaskableInterrupt, guest.RunToHandler());
        Assert.Equal([2, 6, 2], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.Handlers + 0xA02UL, guest.OnStack(0));
        Assert.Equal(0UL, guest.Rbx);
    }

    private static Guest WatchedStackSegment()
    {
        var guest = Guest.Protected();
        guest.Write(Guest.Data, Guest.KernelData);
        guest.SetBreakpoint(0, Guest.Data, 3);
        return guest;
    }

    private static void RaiseInterrupt(Guest guest)
    {
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
    }
}
