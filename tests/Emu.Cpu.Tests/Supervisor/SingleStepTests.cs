using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Where the traps of TF land (SDM Vol. 3, 17.3.1.4).</summary>
public sealed unsafe class SingleStepTests
{
    private const ulong SingleStep = 1 << 14;

    [Fact]
    public void Each_element_of_a_repeated_instruction_is_stepped_with_rf_pushed_for_all_but_the_last()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Rcx = 3;
        guest.State->Registers[7] = Guest.Data;
        guest.Assemble(a => { a.rep.stosb(); a.nop(); });
        List<(ulong Rip, bool Resume, ulong Left)> traps = [];
        for (var trap = 0; trap < 4; trap++)
        {
            Assert.Equal(ExceptionVector.Debug, trap == 0 ? guest.RunToHandler() : guest.ReturnToNextHandler());
            traps.Add((guest.OnStack(0), (guest.OnStack(2) & Rflags.Resume) != 0, guest.Rcx));
        }
        Assert.Equal([(Guest.Code, true, 2UL), (Guest.Code, true, 1UL), (Guest.Code + 2, false, 0UL), (Guest.Code + 3, false, 0UL)], traps);
    }

    [Fact]
    public void A_repeated_instruction_with_a_count_of_zero_is_stepped_once()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => { a.rep.stosb(); a.nop(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(Guest.Code + 2, guest.OnStack(0));
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Resume);
    }

    [Fact]
    public void Int_n_is_not_stepped_but_the_instruction_after_it_is()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => { a.@int(0x30); a.inc(ebx); a.inc(ebx); });
        Assert.Equal(0x30, guest.RunToHandler());
        Assert.NotEqual(0UL, guest.OnStack(2) & Rflags.Trap);
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal(1UL, guest.Rbx);
        Assert.Equal(SingleStep, guest.DebugStatus);
        Assert.Equal(2, guest.Delivered.Count);
    }

    [Fact]
    public void Iret_that_sets_tf_is_followed_by_one_instruction_before_the_trap()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.@int(0x30); a.inc(ebx); a.inc(ebx); });
        Assert.Equal(0x30, guest.RunToHandler());
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler(Rflags.Trap));
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void Iret_that_clears_tf_is_stepped_itself()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.@int(0x30); a.inc(ebx); });
        guest.RunToHandler();
        guest.Return();
        guest.State->SystemFlags |= Rflags.Trap;
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rbx);
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Trap);
    }

    [Fact]
    public void An_instruction_that_faults_is_not_stepped_until_it_has_run()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.Data, 0);
        guest.Vcpu.StateChanged();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => { a.mov(__byte_ptr[Guest.Data], 1); a.nop(); });
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(0UL, guest.DebugStatus);
        guest.SetPage(Guest.Data, 7);
        guest.Rsp += 8;
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal(1, guest.Read<byte>(Guest.Data));
        Assert.Equal(Guest.Code + 8, guest.OnStack(0));
    }

    [Fact]
    public void Hlt_is_stepped_and_does_not_wait()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.Assemble(a => a.hlt());
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(Guest.Code + 1, guest.OnStack(0));
    }

    [Fact]
    public void Syscall_that_leaves_tf_set_traps_at_its_target()
    {
        using var guest = Guest.Long();
        SetSyscall(guest, 0);
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Trap);
        guest.Assemble(a => a.syscall(), Guest.UserCode);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal([Guest.Handlers + 0xA00UL, Guest.KernelCode], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sysret_is_stepped_by_the_tf_that_it_loads(bool sets)
    {
        using var guest = Guest.Long();
        SetSyscall(guest, 0);
        guest.Rcx = Guest.UserCode;
        guest.State->Registers[11] = sets ? Rflags.Trap : 0;
        guest.State->SystemFlags |= sets ? 0 : Rflags.Trap;
        guest.Place(a => { a.inc(ebx); a.ud2(); }, Guest.UserCode);
        guest.Assemble(a => a.sysretq());
        Assert.Equal(sets ? ExceptionVector.Debug : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(sets ? 0UL : 1UL, guest.Rbx);
        Assert.Equal(sets ? Guest.UserCode : Guest.UserCode + 2UL, guest.OnStack(0));
    }

    [Fact]
    public void A_trap_comes_before_an_nmi_and_that_before_an_interrupt()
    {
        using var guest = Guest.Long();
        // Trap gates, so that IF stays.
        foreach (var vector in (byte[])[1, 2])
            guest.SetGate(vector, Guest.Handlers + vector * 4u, access: 0x8F);
        guest.State->SystemFlags |= Rflags.Trap | Rflags.Interrupt;
        // The port is where the events arise: all at the boundary that follows.
        guest.Assemble(a => { a.@out(0x80, al); a.nop(); });
        guest.PortWritten = () =>
        {
            guest.Interrupts.Enqueue(0x40);
            guest.Vcpu.NotifyInterrupt();
            guest.Vcpu.NotifyNmi();
        };
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal([1, 2, 0x40], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal([Guest.Code + 2, Guest.Handlers + 4UL, Guest.Handlers + 8UL], guest.Delivered.Select(e => e.Rip));
    }

    [Theory]
    [InlineData("jmp", true)]
    [InlineData("jz", true)]
    [InlineData("jnz", false)]
    [InlineData("call", true)]
    [InlineData("ret", true)]
    [InlineData("rep stosb", false)]
    public void Btf_of_debugctl_steps_taken_branches_alone(string instruction, bool stepped)
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.State->Msr.DebugControl = 3;
        guest.Write(Guest.Stack, (ulong)Guest.UserCode);
        guest.Rcx = 4;
        guest.State->Registers[7] = Guest.Data;
        guest.Place(a => { a.inc(ebx); a.ud2(); }, Guest.UserCode);
        guest.Assemble(a =>
        {
            a.nop();
            a.test(eax, eax);
            switch (instruction)
            {
                case "jmp": a.jmp((ulong)Guest.UserCode); break;
                case "jz": a.jz((ulong)Guest.UserCode); break;
                case "jnz": a.jnz((ulong)Guest.UserCode); break;
                case "call": a.call((ulong)Guest.UserCode); break;
                case "ret": a.ret(); break;
                default: a.rep.stosb(); break;
            }
            a.ud2();
        });
        Assert.Equal(stepped ? ExceptionVector.Debug : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(0UL, guest.Rbx);
        Assert.Equal(stepped ? 0UL : 3, guest.State->Msr.DebugControl);
        if (stepped)
            Assert.Equal(((ulong)Guest.UserCode, SingleStep), (guest.OnStack(0), guest.DebugStatus));
    }

    private static void SetSyscall(Guest guest, ulong mask)
    {
        guest.State->Msr.Star = ((ulong)Guest.KernelCode << 32) | (0x1BUL << 48);
        guest.State->Msr.LongStar = Guest.Handlers + 0xA00;
        guest.State->Msr.SyscallMask = mask;
    }
}
