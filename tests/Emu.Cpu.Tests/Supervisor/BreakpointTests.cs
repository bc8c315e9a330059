using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>DR0 to DR7: what breakpoints meet, and what the registers hold (SDM Vol. 3, 17.2 and 17.3).</summary>
public sealed unsafe class BreakpointTests
{
    private const ulong Execute = 0, Write = 1, Port = 2, ReadOrWrite = 3;
    private const ulong One = 0, Two = 1, Eight = 2, Four = 3;

    [Theory]
    [InlineData(Guest.Data, Eight, 0u, 1, true)]
    [InlineData(Guest.Data, Eight, 7u, 1, true)]
    [InlineData(Guest.Data, Eight, 8u, 1, false)]
    [InlineData(Guest.Data + 4, Four, 3u, 1, false)]
    [InlineData(Guest.Data + 4, Four, 3u, 2, true)]
    [InlineData(Guest.Data + 5, Four, 4u, 1, true)]
    [InlineData(Guest.Data + 2, Two, 0u, 2, false)]
    [InlineData(Guest.Data + 2, Two, 0u, 4, true)]
    [InlineData(Guest.Data + 7, One, 0u, 8, true)]
    [InlineData(Guest.Data + 8, One, 0u, 8, false)]
    public void A_data_breakpoint_covers_its_length_from_an_aligned_address(uint address, ulong length, uint offset, int size, bool met)
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(3, address, Write, length);
        guest.Assemble(a =>
        {
            var place = Guest.Data + offset;
            switch (size)
            {
                case 1: a.mov(__byte_ptr[place], cl); break;
                case 2: a.mov(__word_ptr[place], cx); break;
                case 4: a.mov(__dword_ptr[place], ecx); break;
                default: a.mov(__qword_ptr[place], rcx); break;
            }
            a.ud2();
        });
        Assert.Equal(met ? ExceptionVector.Debug : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(met ? 8UL : 0, guest.DebugStatus);
    }

    [Fact]
    public void An_instruction_breakpoint_recurs_until_the_handler_sets_rf()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Code, Execute);
        guest.Assemble(a => { a.inc(ebx); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Resume);
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.ReturnToNextHandler(Rflags.Resume));
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void An_instruction_breakpoint_stops_a_repeated_instruction_once()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Code, Execute);
        guest.Rcx = 3 * 4096;
        guest.State->Registers[7] = Guest.Data;
        guest.Assemble(a => { a.rep.stosb(); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.ReturnToNextHandler(Rflags.Resume));
        Assert.Equal(0UL, guest.Rcx);
    }

    [Fact]
    public void A_data_breakpoint_stops_a_repeated_instruction_after_the_element_that_met_it()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(1, Guest.Data + 5, Write);
        guest.SetBreakpoint(2, Guest.Data + 7, Write);
        guest.Rcx = 8;
        guest.State->Registers[7] = Guest.Data;
        guest.Assemble(a => { a.rep.stosb(); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((2UL, 2UL, Guest.Code), (guest.DebugStatus, guest.Rcx, guest.OnStack(0)));
        Assert.NotEqual(0UL, guest.OnStack(2) & Rflags.Resume);
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal((4UL, 0UL, Guest.Code + 2), (guest.DebugStatus, guest.Rcx, guest.OnStack(0)));
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.Resume);
    }

    [Theory]
    [InlineData(true, 0x80u, One, true)]
    [InlineData(false, 0x80u, One, false)]
    [InlineData(true, 0x81u, Two, true)]
    [InlineData(true, 0x84u, Four, false)]
    public void A_port_breakpoint_needs_cr4_de(bool enabled, uint port, ulong length, bool met)
    {
        using var guest = Guest.Long();
        guest.State->Cr4 |= enabled ? Cr4.De : 0;
        guest.SetBreakpoint(0, port, Port, length);
        guest.Assemble(a => { a.@in(al, 0x80); a.ud2(); });
        Assert.Equal(met ? ExceptionVector.Debug : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        if (met)
            Assert.Equal(Guest.Code + 2, guest.OnStack(0));
    }

    [Fact]
    public void A_port_breakpoint_stops_rep_outs_after_each_element()
    {
        using var guest = Guest.Long();
        guest.State->Cr4 |= Cr4.De;
        guest.SetBreakpoint(0, 0x80, Port);
        guest.Rcx = 2;
        guest.Rdx = 0x80;
        guest.State->Registers[6] = Guest.Data;
        guest.Assemble(a => { a.rep.outsb(); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((1UL, Guest.Code, Rflags.Resume), (guest.Rcx, guest.OnStack(0), guest.OnStack(2) & Rflags.Resume));
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal((0UL, Guest.Code + 2, 0UL), (guest.Rcx, guest.OnStack(0), guest.OnStack(2) & Rflags.Resume));
    }

    [Fact]
    public void A_data_breakpoint_on_the_frame_of_an_event_traps_before_the_handler()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Stack - 8, Write, Eight);
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal([6, 1], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.Handlers + 6 * 4UL, guest.OnStack(0));
        Assert.Equal(1UL, guest.DebugStatus);
    }

    [Theory]
    [InlineData(Guest.Stack - 4, Write)]
    [InlineData(Guest.Gdt + 0x48, ReadOrWrite)]
    public void A_data_breakpoint_sees_what_a_far_call_pushes_and_reads(uint address, ulong kind)
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFFFF, 0x9B, 0xC));
        guest.SetBreakpoint(0, address, kind, Four);
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.Assemble(a => a.db(0x9A, 0, 0xA0, 0, 0, (byte)Guest.Spare, 0));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((uint)Guest.UserCode, guest.OnStack(0));
    }

    [Theory]
    [InlineData(Guest.Tss + 0x20, Write)]
    [InlineData(Guest.SecondTss + 0x20, ReadOrWrite)]
    public void A_data_breakpoint_sees_both_state_segments_of_a_task_switch(uint address, ulong kind)
    {
        using var guest = Guest.Protected();
        FarTransferTests.PrepareTask(guest);
        guest.SetBreakpoint(0, address, kind, Four);
        guest.Assemble(a => a.db(0xEA, 0, 0, 0, 0, (byte)Guest.SecondTssSelector, 0));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((uint)Guest.UserCode, guest.OnStack(0));
        Assert.Equal(1UL, guest.DebugStatus);
    }

    [Fact]
    public void A_data_breakpoint_on_the_stack_pointer_in_the_tss_traps_in_the_handler()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Tss + 4, ReadOrWrite, Four);
        guest.EnterRing3();
        guest.Assemble(a => a.ud2(), Guest.UserCode);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal([6, 1], guest.Delivered.Select(e => (int)e.Vector));
    }

    [Fact]
    public void What_an_access_met_is_forgotten_where_the_instruction_faults()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.Data, 0);
        guest.SetBreakpoint(0, Guest.Data, ReadOrWrite);
        guest.Assemble(a => a.mov(al, __byte_ptr[Guest.Data]));
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Single(guest.Delivered);
        Assert.Equal(0UL, guest.DebugStatus);
    }

    [Fact]
    public void B0_to_b3_say_what_met_now_and_bs_accumulates()
    {
        using var guest = Guest.Long();
        guest.State->DebugRegisters[6] = 0xFFFF_0FF0 | (1 << 14) | 2;
        guest.SetBreakpoint(0, Guest.Data, Write);
        guest.SetBreakpoint(3, Guest.Data, ReadOrWrite);
        guest.Assemble(a => a.mov(__byte_ptr[Guest.Data], cl));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0x4009UL, guest.DebugStatus);
    }

    [Fact]
    public void A_step_and_a_data_breakpoint_are_one_trap()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Trap;
        guest.SetBreakpoint(0, Guest.Data, Write);
        guest.Assemble(a => a.mov(__byte_ptr[Guest.Data], cl));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(0x4001UL, guest.DebugStatus);
        Assert.Single(guest.Delivered);
    }

    [Theory]
    [InlineData(6, 0UL, 0xFFFF_0FF0UL)]
    [InlineData(6, 0xFFFF_FFFFUL, 0xFFFF_EFFFUL)]
    [InlineData(7, 0UL, 0x400UL)]
    [InlineData(7, 0xFFFF_DFFFUL, 0xFFFF_07FFUL)]
    [InlineData(6, 0x1_0000_0000UL, null)]
    [InlineData(7, 0x8000_0000_0000_0400UL, null)]
    [InlineData(0, 0x8000_0000_0000_0001UL, 0x8000_0000_0000_0001UL)]
    public void Debug_registers_keep_their_fixed_bits(int register, ulong written, ulong? read)
    {
        using var guest = Guest.Long();
        guest.Rcx = written;
        guest.Assemble(a =>
        {
            var dr = register switch { 0 => dr0, 6 => dr6, _ => dr7 };
            a.mov(dr, rcx);
            a.mov(rax, dr);
            a.ud2();
        });
        Assert.Equal(read == null ? ExceptionVector.GeneralProtection : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        if (read != null)
            Assert.Equal(read, guest.Rax);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dr4_and_dr5_are_dr6_and_dr7_unless_cr4_de_makes_them_undefined(bool extensions)
    {
        using var guest = Guest.Long();
        guest.State->Cr4 |= extensions ? Cr4.De : 0;
        guest.State->DebugRegisters[6] |= 1;
        // MOV RAX, DR4; MOV RBX, DR5.
        guest.Assemble(a => { a.db(0x0F, 0x21, 0xE0, 0x0F, 0x21, 0xEB); a.@int(0x30); });
        Assert.Equal(extensions ? ExceptionVector.InvalidOpcode : 0x30, guest.RunToHandler());
        Assert.Equal(extensions ? (0UL, 0UL) : (0xFFFF_0FF1UL, 0x400UL), (guest.Rax, guest.Rbx));
    }

    [Fact]
    public void An_interrupt_comes_before_an_instruction_breakpoint()
    {
        using var guest = Guest.Long();
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.SetBreakpoint(0, Guest.Code + 2, Execute);
        guest.Assemble(a => { a.@out(0x80, al); a.nop(); });
        guest.PortWritten = () =>
        {
            guest.Interrupts.Enqueue(0x40);
            guest.Vcpu.NotifyInterrupt();
        };
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(ExceptionVector.Debug, guest.ReturnToNextHandler());
        Assert.Equal(Guest.Code + 2UL, guest.OnStack(0));
    }

    [Fact]
    public void An_instruction_breakpoint_comes_before_the_fault_of_the_fetch()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.UserCode, 0);
        guest.SetBreakpoint(0, Guest.UserCode, Execute);
        guest.Assemble(a => a.jmp((ulong)Guest.UserCode));
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(ExceptionVector.PageFault, guest.ReturnToNextHandler(Rflags.Resume));
        Assert.Equal(Rflags.Resume, guest.OnStack(3) & Rflags.Resume);
    }

    [Fact]
    public void An_instruction_breakpoint_comes_before_what_the_instruction_raises()
    {
        using var guest = Guest.Long();
        guest.SetBreakpoint(0, Guest.Code, Execute);
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.ReturnToNextHandler(Rflags.Resume));
    }

    [Fact]
    public void General_detect_is_a_fault_that_pushes_rf_and_lifts_itself()
    {
        using var guest = Guest.Long();
        guest.State->DebugRegisters[7] = 0x2400;
        guest.Assemble(a => { a.nop(); a.mov(dr6, rcx); a.ud2(); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((Guest.Code + 1, Rflags.Resume), (guest.OnStack(0), guest.OnStack(2) & Rflags.Resume));
        Assert.Equal((1UL << 13, 0x400UL), (guest.DebugStatus, guest.State->DebugRegisters[7]));
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.ReturnToNextHandler());
        Assert.Equal(0UL, guest.DebugStatus);
    }

    [Fact]
    public void General_detect_is_not_held_back_by_mov_ss()
    {
        using var guest = Guest.Protected();
        guest.State->DebugRegisters[7] = 0x2400;
        guest.Rcx = Guest.KernelData;
        guest.Assemble(a => { a.mov(ss, ecx); a.mov(eax, dr0); });
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal(1UL << 13, guest.DebugStatus);
    }

    [Theory]
    [InlineData(0xF1, 1, false)]
    [InlineData(0xCC, 3, true)]
    [InlineData(0xCE, 4, true)]
    public void Int1_ignores_the_privilege_of_its_gate_and_int3_and_into_do_not(int opcode, int vector, bool refused)
    {
        using var guest = Guest.Protected();
        guest.EnterRing3();
        guest.State->Flags.SetFrom(Rflags.Overflow);
        guest.Assemble(a => a.db((byte)opcode), Guest.UserCode);
        Assert.Equal(refused ? ExceptionVector.GeneralProtection : vector, guest.RunToHandler());
        if (refused)
            Assert.Equal((ulong)vector * 8 + 2, guest.OnStack(0));
        else
            Assert.Equal(Guest.UserCode + 1UL, guest.OnStack(0));
        Assert.Equal(0UL, guest.DebugStatus);
    }

    [Theory]
    [InlineData(0xF1, 1, 1u)]
    [InlineData(0xCC, 3, 0u)]
    public void Int1_counts_as_external_to_the_program_in_error_codes(int opcode, int vector, uint ext)
    {
        using var guest = Guest.Protected();
        guest.SetGate((byte)vector, 0, access: 0x0E);
        guest.Assemble(a => a.db((byte)opcode));
        Assert.Equal(ExceptionVector.SegmentNotPresent, guest.RunToHandler());
        Assert.Equal((ulong)vector * 8 + 2 + ext, guest.OnStack(0));
    }
}
