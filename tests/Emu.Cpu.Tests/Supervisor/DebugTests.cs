using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Single step, breakpoints, alignment checks (SDM Vol. 3, chapter 17).</summary>
public sealed unsafe class DebugTests
{
    private const ulong SingleStep = 1 << 14;

    [Fact]
    public void Single_step_traps_after_the_instruction_that_follows_popf()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.push(0x102); a.popfq(); a.inc(eax); a.inc(eax); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rax);
        Assert.Equal(SingleStep, guest.State->DebugRegisters[6] & 0xF00F);
        Assert.Equal(0UL, guest.State->SystemFlags & Rflags.Trap);
        Assert.NotEqual(0UL, guest.OnStack(2) & Rflags.Trap);
    }

    [Fact]
    public void Clearing_tf_still_traps_once()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => { a.popfq(); a.inc(eax); });
        guest.Rsp -= 8;
        guest.Write(Guest.Stack - 8, 2UL);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rax);
        Assert.Equal(Guest.Code + 1, guest.OnStack(0));
    }

    [Fact]
    public void Mov_ss_swallows_its_own_single_step()
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Rcx = Guest.KernelData;
        guest.Assemble(a => { a.mov(ss, cx); a.inc(eax); a.inc(eax); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rax);
    }

    [Fact]
    public void An_instruction_breakpoint_is_a_fault_that_rf_skips()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.nop(); a.inc(eax); a.hlt(); });
        guest.State->DebugRegisters[1] = Guest.Code + 1;
        guest.State->DebugRegisters[7] = 0x400 | 4;
        guest.Vcpu.StateChanged();
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rax);
        Assert.Equal(2UL, guest.State->DebugRegisters[6] & 15);
        Assert.Equal(Guest.Code + 1, guest.OnStack(0));
        // The handler returns with RF set in the image.
        guest.Write((uint)guest.Rsp + 16, guest.OnStack(2) | Rflags.Resume);
        guest.Assemble(a => a.iretq(), Guest.Handlers + 0x900);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rax);
    }

    [Theory]
    [InlineData(1UL, true, true)]
    [InlineData(1UL, false, false)]
    [InlineData(3UL, true, true)]
    [InlineData(3UL, false, true)]
    public void A_data_breakpoint_traps_after_the_access(ulong kind, bool write, bool traps)
    {
        using var guest = Guest.Long();
        guest.Assemble(a =>
        {
            if (write)
                a.mov(__dword_ptr[Guest.Data], ecx);
            else
                a.mov(ecx, __dword_ptr[Guest.Data]);
            a.inc(eax);
            a.hlt();
        });
        guest.State->DebugRegisters[0] = Guest.Data + 2;
        guest.State->DebugRegisters[7] = 0x400 | 1 | (kind << 16) | (1UL << 18);
        guest.Vcpu.StateChanged();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(traps ? 0UL : 1UL, guest.Rax);
        Assert.Equal(traps ? 1UL : 0UL, guest.State->DebugRegisters[6] & 15);
    }

    [Fact]
    public void Access_to_a_debug_register_under_general_detect_faults()
    {
        using var guest = Guest.Long();
        guest.State->DebugRegisters[7] = 0x2400;
        guest.Assemble(a => a.mov(rax, dr6));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(1UL << 13, guest.State->DebugRegisters[6] & (1 << 13));
        Assert.Equal(Guest.Code, guest.OnStack(0));
    }

    [Theory]
    [InlineData(1u, true)]
    [InlineData(4u, false)]
    public void Alignment_is_checked_at_ring_3_with_am_and_ac(uint offset, bool faults)
    {
        using var guest = Guest.Long();
        guest.State->Cr0 |= Cr0.Am;
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.AlignmentCheck);
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data + offset]); a.ud2(); }, Guest.UserCode);
        Assert.Equal(faults ? ExceptionVector.AlignmentCheck : ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    [Fact]
    public void Syscall_that_masks_tf_does_not_trap()
    {
        using var guest = Guest.Long();
        guest.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | (0x1BUL << 48);
        guest.State->Msr.LongStar = Guest.Handlers + 0xA00;
        guest.State->Msr.SyscallMask = Rflags.Trap;
        guest.Place(a => { a.inc(ebx); a.hlt(); }, Guest.Handlers + 0xA00);
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Trap);
        guest.Assemble(a => a.syscall(), Guest.UserCode);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rbx);
        Assert.Empty(guest.Delivered);
        Assert.NotEqual(0UL, guest.State->Registers[11] & Rflags.Trap);
    }
}
