using Emu.Cpu.Events;
using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>The way of interrupts and exceptions through the IDT, and what becomes of faults met on it.</summary>
public sealed unsafe class EventDeliveryTests
{
    [Fact]
    public void A_fault_in_64_bit_mode_pushes_an_aligned_frame_with_rf_set()
    {
        using var guest = Guest.Long();
        guest.Rsp = Guest.Stack - 5;
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((Guest.Stack - 5 & ~15UL) - 40, guest.Rsp);
        Assert.Equal(Guest.Code, guest.OnStack(0));
        Assert.Equal(Guest.KernelCode, guest.OnStack(1));
        Assert.Equal(Rflags.Resume | Rflags.AlwaysSet, guest.OnStack(2));
        Assert.Equal(Guest.Stack - 5, guest.OnStack(3));
        Assert.Equal(Guest.KernelData, guest.OnStack(4));
    }

    [Fact]
    public void A_delivery_counts_as_one_tick()
    {
        using var guest = Guest.Long();
        var before = guest.Vcpu.InstructionsRetired;
        guest.Assemble(a => a.ud2());
        guest.RunToHandler();
        // The delivery and the handler's HLT; UD2 itself never retires.
        Assert.Equal(before + 2, guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void An_interrupt_from_ring_3_takes_the_stack_of_the_tss_and_a_null_ss()
    {
        using var guest = Guest.Long();
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.Interrupt);
        guest.Assemble(a => { a.nop(); a.nop(); }, Guest.UserCode);
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(0u, guest.State->Cpl);
        Assert.Equal(Guest.KernelStack - 40UL, guest.Rsp);
        Assert.Equal(0, guest.State->Segments[(int)SegmentName.Ss].Selector);
        Assert.Equal(0UL, guest.State->SystemFlags & Rflags.Interrupt);
        Assert.Equal([Guest.UserCode, Guest.UserCode64, Rflags.AlwaysSet | Rflags.Interrupt, Guest.UserStack, Guest.UserData],
            Enumerable.Range(0, 5).Select(i => guest.OnStack(i)));
    }

    [Fact]
    public void An_interrupt_stack_is_taken_at_any_privilege()
    {
        using var guest = Guest.Long();
        guest.SetGate(6, Guest.Handlers + 6 * 4, parameterOrStack: 1);
        guest.Assemble(a => a.ud2());
        guest.RunToHandler();
        Assert.Equal(Guest.SpareStack - 40UL, guest.Rsp);
        Assert.Equal(Guest.KernelData, guest.State->Segments[(int)SegmentName.Ss].Selector);
    }

    [Theory]
    [InlineData(Guest.Data, 0UL, false, false, 0u)]
    [InlineData(Guest.Data, 0UL, true, false, 2u)]
    [InlineData(Guest.Data, 0UL, false, true, 4u)]
    [InlineData(Guest.Data, 5UL, true, true, 7u)]
    [InlineData(Guest.Data, 3UL, false, true, 5u)]
    [InlineData(Guest.Data, 1UL, true, false, 3u)]
    public void A_page_fault_says_what_was_wanted_and_why_it_failed(uint address, ulong page, bool write, bool user, uint errorCode)
    {
        using var guest = Guest.Long();
        guest.SetPage(address, page);
        if (user)
            guest.EnterRing3();
        guest.Vcpu.StateChanged();
        guest.Assemble(a =>
        {
            if (write)
                a.mov(__dword_ptr[address + 8], eax);
            else
                a.mov(eax, __dword_ptr[address + 8]);
        }, user ? Guest.UserCode : Guest.Code);
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(errorCode, guest.OnStack(0));
        Assert.Equal(address + 8UL, guest.State->Cr2);
    }

    [Theory]
    [InlineData(Cr4.Smep, true, 0x11u)]
    [InlineData(Cr4.Smap, false, 0x01u)]
    public void Smep_and_smap_keep_the_supervisor_from_user_pages(ulong cr4, bool fetch, uint errorCode)
    {
        using var guest = Guest.Long();
        foreach (var page in (uint[])[Guest.Gdt, Guest.Idt, Guest.Idt + 0x1000, Guest.Tss, Guest.Handlers, Guest.Code, Guest.Stack - 4096])
            guest.SetPage(page, 3);
        guest.State->Cr4 |= cr4;
        guest.Vcpu.StateChanged();
        guest.Assemble(a =>
        {
            if (fetch)
                a.jmp((ulong)Guest.Data);
            else
                a.mov(eax, __dword_ptr[Guest.Data]);
        });
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        Assert.Equal(errorCode, guest.OnStack(0));
        Assert.Equal(Guest.Data, guest.State->Cr2);
    }

    [Fact]
    public void Stac_lets_the_supervisor_at_user_pages_but_not_its_implicit_accesses()
    {
        using var guest = Guest.Long();
        foreach (var page in (uint[])[Guest.Gdt, Guest.Idt, Guest.Idt + 0x1000, Guest.Handlers, Guest.Code, Guest.Stack - 4096])
            guest.SetPage(page, 3);
        guest.State->Cr4 |= Cr4.Smap;
        guest.Vcpu.StateChanged();
        guest.Write(Guest.Data, 0x1234_5678u);
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFFFF, 0x93, 0xC));
        guest.Assemble(a =>
        {
            a.stac();
            a.mov(eax, __dword_ptr[Guest.Data]);
            a.lldt(cx);
        });
        // The LDT's descriptor is to be read from a user page.
        guest.State->Gdtr.Base = Guest.Data;
        guest.Rcx = 0x60;
        guest.Write(Guest.Data + Guest.KernelCode, Guest.Descriptor(0, 0xFFFFF, 0x9B, 0xA));
        Assert.Equal(RunExit.Shutdown, guest.Run());
        Assert.Equal(0x1234_5678UL, guest.Rax);
        Assert.Equal(ExceptionVector.PageFault, guest.Delivered[0].Vector);
        Assert.Equal(1u, guest.Delivered[0].ErrorCode);
    }

    [Fact]
    public void A_gate_that_is_absent_turns_a_contributory_fault_into_a_double_fault()
    {
        using var guest = Guest.Long();
        guest.SetGate(ExceptionVector.GeneralProtection, 0, access: 0x0E);
        guest.Assemble(a => { a.mov(cx, 0xFF8); a.mov(ds, cx); });
        Assert.Equal(ExceptionVector.DoubleFault, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(0));
        Assert.Equal(Guest.Code + 4, guest.OnStack(1));
    }

    [Fact]
    public void A_benign_event_with_an_absent_gate_leads_to_the_fault_itself()
    {
        using var guest = Guest.Long();
        guest.SetGate(ExceptionVector.InvalidOpcode, 0, access: 0x0E);
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.SegmentNotPresent, guest.RunToHandler());
        // IDT entry 6, met while delivering an event that the program did not ask for.
        Assert.Equal(6UL * 8 + 2 + 1, guest.OnStack(0));
    }

    [Fact]
    public void Without_an_interrupt_table_the_first_fault_ends_in_shutdown()
    {
        using var guest = Guest.Long();
        guest.State->Idtr.Limit = 0;
        guest.Assemble(a => a.ud2());
        Assert.Equal(RunExit.Shutdown, guest.Run());
        Assert.Equal([ExceptionVector.InvalidOpcode, ExceptionVector.GeneralProtection, ExceptionVector.DoubleFault],
            guest.Delivered.Select(e => e.Vector));
        Assert.Equal(RunExit.Shutdown, guest.Run());
    }

    [Theory]
    [InlineData(EventKind.Exception, 13, 13, 8)]
    [InlineData(EventKind.Exception, 0, 10, 8)]
    [InlineData(EventKind.Exception, 13, 14, 14)]
    [InlineData(EventKind.Exception, 14, 14, 8)]
    [InlineData(EventKind.Exception, 14, 11, 8)]
    [InlineData(EventKind.Exception, 6, 13, 13)]
    [InlineData(EventKind.Exception, 1, 14, 14)]
    [InlineData(EventKind.Exception, 8, 13, null)]
    [InlineData(EventKind.Exception, 8, 14, null)]
    [InlineData(EventKind.SoftwareInterrupt, 13, 13, 13)]
    [InlineData(EventKind.ExternalInterrupt, 14, 14, 14)]
    [InlineData(EventKind.NonMaskableInterrupt, 2, 12, 12)]
    public void Faults_during_delivery_combine_as_table_6_5_says(EventKind kind, int first, int second, int? outcome) =>
        Assert.Equal(outcome, DoubleFault.Combine(new EventInFlight(kind, (byte)first, false, 0, 0), (byte)second));

    // SS0 of the TSS is a selector of a descriptor with these attributes; the vector is that of a benign fault at ring 3.
    [Theory]
    [InlineData(0, 0u, ExceptionVector.InvalidTss, 1u)]
    [InlineData(0xFF8, 0u, ExceptionVector.InvalidTss, 0xFF9u)]
    [InlineData(Guest.Spare, 0x91u, ExceptionVector.InvalidTss, Guest.Spare + 1u)]
    [InlineData(Guest.Spare, 0x9Bu, ExceptionVector.InvalidTss, Guest.Spare + 1u)]
    [InlineData(Guest.Spare, 0xB3u, ExceptionVector.InvalidTss, Guest.Spare + 1u)]
    [InlineData(Guest.Spare + 1, 0x93u, ExceptionVector.InvalidTss, Guest.Spare + 1u)]
    [InlineData(Guest.Spare, 0x13u, ExceptionVector.StackFault, Guest.Spare + 1u)]
    public void An_inner_stack_that_cannot_be_loaded_faults_with_its_selector(int selector, uint access, int vector, uint errorCode)
    {
        using var guest = WithOuterFault(vector);
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFFFF, access, 0xC));
        guest.Write(Guest.Tss + 8, (uint)selector);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal([6, vector], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(errorCode, guest.Delivered[1].ErrorCode);
    }

    [Fact]
    public void An_inner_stack_without_room_faults_with_its_selector()
    {
        using var guest = WithOuterFault(ExceptionVector.StackFault);
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFF, 0x93, 0x4));
        guest.Write(Guest.Tss + 8, (uint)Guest.Spare);
        guest.Write(Guest.Tss + 4, 0x10u);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(Guest.Spare + 1u, guest.Delivered[1].ErrorCode);
    }

    [Theory]
    [InlineData(8u)]
    [InlineData(10u)]
    public void A_tss_too_short_for_the_inner_stack_is_named_by_the_fault(uint limit)
    {
        using var guest = WithOuterFault(ExceptionVector.InvalidTss);
        guest.State->Segments[(int)SegmentName.Tr].Limit = limit;
        // The task gate of that fault finds no room for the old task's state either: #DF, and the same once more.
        Assert.Equal(RunExit.Shutdown, guest.Run());
        Assert.Equal([6, 10, 8], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.TssSelector + 1u, guest.Delivered[1].ErrorCode);
    }

    [Fact]
    public void An_absent_stack_page_in_long_mode_is_a_page_fault_with_the_first_events_class()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.KernelStack - 8, 0);
        guest.SetGate(14, Guest.Handlers + 14 * 4, parameterOrStack: 1);
        guest.EnterRing3();
        guest.Assemble(a => a.ud2(), Guest.UserCode);
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        // A supervisor's write although the code that faulted was the user's.
        Assert.Equal(2UL, guest.OnStack(0));
        Assert.Equal(Guest.KernelStack - 40UL, guest.State->Cr2);
    }

    [Fact]
    public void A_second_page_fault_is_a_double_fault_and_a_third_ends_in_shutdown()
    {
        using var guest = Guest.Long();
        guest.SetPage(Guest.KernelStack - 8, 0);
        guest.SetPage(Guest.Data, 0);
        guest.EnterRing3();
        guest.Assemble(a => a.mov(__byte_ptr[Guest.Data], 1), Guest.UserCode);
        Assert.Equal(RunExit.Shutdown, guest.Run());
        Assert.Equal([14, 8], guest.Delivered.Select(e => (int)e.Vector));
    }

    [Theory]
    [InlineData("call", 3u, true)]
    [InlineData("call", 2u, true)]
    [InlineData("call", 0u, false)]
    [InlineData("retf", 1u, true)]
    [InlineData("retf", 0u, false)]
    [InlineData("iretd", 2u, true)]
    public void A_far_transfer_on_an_unaligned_stack_of_ring_3_is_an_alignment_check(string instruction, uint by, bool faults)
    {
        using var guest = Guest.Protected();
        guest.State->Cr0 |= Cr0.Am;
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.AlignmentCheck);
        guest.Rsp = Guest.UserStack - 16 + by;
        guest.Write(Guest.UserStack - 16 + by, Guest.UserCode + 0x20);
        guest.Write(Guest.UserStack - 12 + by, (uint)Guest.UserCode32);
        guest.Write(Guest.UserStack - 8 + by, (uint)Rflags.AlwaysSet);
        guest.Place(a => a.ud2(), Guest.UserCode + 0x20);
        guest.Assemble(a =>
        {
            switch (instruction)
            {
                case "call": a.db(0x9A, 0x20, 0xA0, 0, 0, (byte)Guest.UserCode32, 0); break;
                case "retf": a.retf(); break;
                default: a.iretd(); break;
            }
        }, Guest.UserCode);
        Assert.Equal(faults ? ExceptionVector.AlignmentCheck : ExceptionVector.InvalidOpcode, guest.RunToHandler());
        if (faults)
            Assert.Equal((0UL, (ulong)Guest.UserCode), (guest.OnStack(0), guest.OnStack(1)));
    }

    [Theory]
    [InlineData(0x8E, false)]
    [InlineData(0x8F, true)]
    public void A_trap_gate_leaves_interrupts_enabled(uint access, bool enabled)
    {
        using var guest = Guest.Protected();
        guest.State->SystemFlags |= Rflags.Interrupt | Rflags.NestedTask;
        guest.SetGate(0x30, Guest.Handlers + 0x30 * 4, access: access);
        guest.Assemble(a => a.@int(0x30));
        Assert.Equal(0x30, guest.RunToHandler());
        Assert.Equal(enabled, (guest.State->SystemFlags & Rflags.Interrupt) != 0);
        Assert.Equal(0UL, guest.State->SystemFlags & Rflags.NestedTask);
        Assert.Equal([Guest.Code + 2, Guest.KernelCode], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
        Assert.Equal(Guest.Stack - 12UL, guest.Rsp);
    }

    [Fact]
    public void Int_n_from_ring_3_needs_a_gate_of_dpl_3()
    {
        using var guest = Guest.Protected();
        guest.EnterRing3();
        guest.Assemble(a => a.@int(0x30), Guest.UserCode);
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        // EXT is clear: the program asked for it.
        Assert.Equal(0x30UL * 8 + 2, guest.OnStack(0));
        Assert.Equal(Guest.UserCode, guest.OnStack(1));
        Assert.Equal([Guest.UserStack, Guest.UserData], Enumerable.Range(4, 2).Select(i => guest.OnStack(i)));
    }

    [Fact]
    public void Real_mode_pushes_three_words_and_no_error_code()
    {
        using var guest = Guest.Real();
        guest.Write(13 * 4, (ushort)0x9000);
        guest.Write(13 * 4 + 2, (ushort)0x0123);
        guest.Write(0x1230 + 0x9000u, (byte)0xF4);
        guest.State->SystemFlags |= Rflags.Interrupt;
        guest.Rbx = 0xFFFF;
        guest.Assemble(a => a.mov(ax, __word_ptr[bx]));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x9001UL, guest.State->Rip);
        Assert.Equal(0x1230UL, guest.State->Segments[(int)SegmentName.Cs].Base);
        Assert.Equal(0x7000UL - 6, guest.Rsp);
        Assert.Equal([Guest.Code, 0UL, Rflags.Interrupt | Rflags.AlwaysSet], Enumerable.Range(0, 3).Select(i => guest.OnStack(i)));
    }

    [Fact]
    public void Sti_holds_back_an_interrupt_for_one_instruction()
    {
        using var guest = Guest.Long();
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        guest.Assemble(a => { a.sti(); a.inc(eax); a.inc(eax); });
        Assert.Equal(0x40, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rax);
    }

    [Fact]
    public void Sti_and_hlt_wake_without_a_gap()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.sti(); a.hlt(); a.inc(eax); a.hlt(); });
        guest.SetGate(0x40, Guest.Handlers + 0x800);
        guest.Place(a => a.iretq(), Guest.Handlers + 0x800);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0UL, guest.Rax);
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(1UL, guest.Rax);
    }

    [Fact]
    public void Hlt_without_if_waits_for_an_nmi_alone()
    {
        using var guest = Guest.Long();
        guest.Assemble(a => { a.hlt(); a.inc(eax); });
        guest.Interrupts.Enqueue(0x40);
        guest.Vcpu.NotifyInterrupt();
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(Guest.Code + 1UL, guest.State->Rip);
        guest.Vcpu.NotifyNmi();
        Assert.Equal(ExceptionVector.NonMaskableInterrupt, guest.RunToHandler());
    }

    [Fact]
    public void Nmis_are_blocked_until_iret()
    {
        using var guest = Guest.Long();
        guest.SetGate(2, Guest.Handlers + 0x800);
        guest.Place(a => { a.inc(eax); a.nop(); a.inc(ebx); a.iretq(); }, Guest.Handlers + 0x800);
        guest.Assemble(a => { a.nop(); a.nop(); a.nop(); a.hlt(); });
        guest.Vcpu.NotifyNmi();
        guest.Run(3);
        Assert.Equal(1UL, guest.Rax);
        guest.Vcpu.NotifyNmi();
        guest.Run(2);
        Assert.Equal((1UL, 1UL), (guest.Rax, guest.Rbx));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((2UL, 2UL), (guest.Rax, guest.Rbx));
    }

    [Fact]
    public void Mov_ss_holds_back_an_nmi_too()
    {
        using var guest = Guest.Protected();
        guest.Rcx = Guest.KernelData;
        guest.Assemble(a => { a.mov(ss, cx); a.inc(eax); a.inc(eax); });
        guest.Run(1);
        guest.Vcpu.NotifyNmi();
        Assert.Equal(ExceptionVector.NonMaskableInterrupt, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rax);
    }

    // Ring 3 at an instruction that is undefined, and for the fault that its delivery meets a task of its own, whose stack works.
    private static Guest WithOuterFault(int vector)
    {
        var guest = Guest.Protected();
        FarTransferTests.PrepareTask(guest);
        guest.Place(a => a.hlt(), Guest.UserCode + 0x100);
        guest.Write(Guest.SecondTss + 0x20, Guest.UserCode + 0x100);
        guest.Write(Guest.Idt + (uint)vector * 8, Guest.Gate(0, Guest.SecondTssSelector, 0x85));
        guest.EnterRing3();
        guest.Assemble(a => a.ud2(), Guest.UserCode);
        return guest;
    }
}
