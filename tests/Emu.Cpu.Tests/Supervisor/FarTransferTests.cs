using Emu.Cpu.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Far jumps, calls and returns, call gates, tasks, and segment loads.</summary>
public sealed unsafe class FarTransferTests
{
    [Theory]
    [InlineData(0x93u, 0x10, null)]
    [InlineData(0x91u, 0x10, 13)]
    [InlineData(0x13u, 0x10, 12)]
    [InlineData(0xB3u, 0x10, 13)]
    [InlineData(0x9Bu, 0x10, 13)]
    [InlineData(0x93u, 0x00, 13)]
    [InlineData(0x93u, 0xFF8, 13)]
    public void Mov_ss_wants_writable_present_data_of_its_own_level(uint access, int selector, int? vector)
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(0x10, Guest.Descriptor(0, 0xFFFFF, access, 0xC));
        guest.Rcx = (uint)selector;
        guest.Assemble(a => { a.mov(ss, cx); a.ud2(); });
        if (vector is null)
        {
            Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
            return;
        }
        // The handler's own frame still goes to the old SS.
        Assert.Equal(vector, guest.RunToHandler());
        Assert.Equal((uint)selector & ~3UL, guest.OnStack(0));
    }

    [Fact]
    public void A_load_sets_the_accessed_bit()
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0x1000, 0xFFF, 0x92, 0x4));
        guest.Rcx = Guest.Spare;
        guest.Assemble(a => { a.mov(fs, cx); a.hlt(); });
        guest.Run();
        Assert.Equal(0x93, guest.Read<byte>(Guest.Gdt + Guest.Spare + 5));
        Assert.Equal((0x1000UL, 0xFFFu), (guest.State->Segments[(int)SegmentName.Fs].Base, guest.State->Segments[(int)SegmentName.Fs].Limit));
    }

    [Fact]
    public void A_segment_limit_holds_for_the_access_after_the_load()
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFF, 0x92, 0x4));
        guest.Rcx = Guest.Spare;
        guest.Assemble(a => { a.mov(ds, cx); a.mov(eax, __dword_ptr[0xFC]); a.inc(ebx); a.mov(eax, __dword_ptr[0xFD]); });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(1UL, guest.Rbx);
    }

    [Fact]
    public void Code_may_not_run_over_the_limit_of_its_segment()
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(Guest.UserCode, 3, 0x9B, 0x4));
        guest.Place(a => { a.inc(eax); a.inc(eax); a.inc(eax); a.inc(eax); a.inc(eax); }, Guest.UserCode);
        guest.Assemble(a => a.db(0xEA, 0, 0, 0, 0, (byte)Guest.Spare, 0));
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(4UL, guest.Rax);
        Assert.Equal(4UL, guest.OnStack(1));
    }

    [Fact]
    public void A_call_gate_copies_parameters_to_the_inner_stack_and_retf_releases_them()
    {
        using var guest = Guest.Protected();
        guest.SetDescriptor(Guest.SpareGate, Guest.Gate(Guest.Code, Guest.KernelCode, 0xEC, 2));
        guest.Place(a => { a.mov(eax, __dword_ptr[esp + 8]); a.mov(ebx, __dword_ptr[esp + 12]); a.mov(edx, esp); a.retf(8); }, Guest.Code);
        guest.EnterRing3();
        guest.Assemble(
            a =>
            {
                a.push(0x1111);
                a.push(0x2222);
                a.db(0x9A, 0, 0, 0, 0, (byte)Guest.SpareGate + 3, 0);
                a.mov(ecx, esp);
                a.ud2();
            }, Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((0x2222UL, 0x1111UL), (guest.Rax, guest.Rbx));
        Assert.Equal(Guest.KernelStack - 24UL, guest.Rdx);
        Assert.Equal(Guest.UserStack, guest.Rcx);
        Assert.Equal(Guest.UserCode32, guest.OnStack(1));
    }

    [Fact]
    public void A_64_bit_call_gate_leaves_ss_null()
    {
        using var guest = Guest.Long();
        guest.SetDescriptor(Guest.SpareGate, Guest.Gate(Guest.Code, Guest.KernelCode, 0xEC));
        guest.Write(Guest.Gdt + Guest.SpareGate + 8, 0UL);
        guest.Place(a => a.hlt(), Guest.Code);
        guest.EnterRing3();
        guest.Write(Guest.Data, 0u);
        guest.Write(Guest.Data + 4, (ushort)(Guest.SpareGate + 3));
        guest.Rbx = Guest.Data;
        guest.Assemble(a => a.call(__fword_ptr[rbx]), Guest.UserCode);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0, guest.State->Segments[(int)SegmentName.Ss].Selector);
        Assert.Equal([Guest.UserCode + 2UL, Guest.UserCode64, Guest.UserStack, Guest.UserData], Enumerable.Range(0, 4).Select(i => guest.OnStack(i)));
    }

    [Fact]
    public void Call_to_a_task_nests_it_and_iret_comes_back()
    {
        using var guest = Guest.Protected();
        PrepareTask(guest);
        guest.Place(a => { a.inc(ecx); a.iret(); a.inc(ecx); a.iret(); }, Guest.UserCode);
        guest.Rax = 0x1234;
        guest.Assemble(a => { a.db(0x9A, 0, 0, 0, 0, (byte)Guest.SecondTssSelector, 0); a.mov(ebx, eax); a.hlt(); });
        guest.Run(2);
        Assert.Equal(Guest.SecondTssSelector, guest.State->Segments[(int)SegmentName.Tr].Selector);
        Assert.NotEqual(0UL, guest.State->SystemFlags & Rflags.NestedTask);
        Assert.NotEqual(0UL, guest.State->Cr0 & Cr0.Ts);
        Assert.Equal(Guest.TssSelector, guest.Read<ushort>(Guest.SecondTss));
        Assert.Equal(0x8B, guest.Read<byte>(Guest.Gdt + Guest.SecondTssSelector + 5));
        Assert.Equal((0xAAAAUL, 0xCCCDUL), (guest.Rax, guest.Rcx));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0x1234UL, 0x1234UL), (guest.Rax, guest.Rbx));
        Assert.Equal(0x89, guest.Read<byte>(Guest.Gdt + Guest.SecondTssSelector + 5));
        // The nested task resumes behind its IRET.
        Assert.Equal(0xCCCDu, guest.Read<uint>(Guest.SecondTss + 0x2C));
        Assert.Equal(0u, guest.Read<uint>(Guest.SecondTss + 0x24) & (uint)Rflags.NestedTask);
    }

    [Fact]
    public void Jump_to_a_busy_task_is_refused()
    {
        using var guest = Guest.Protected();
        guest.Assemble(a => a.db(0xEA, 0, 0, 0, 0, (byte)Guest.TssSelector, 0));
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(Guest.TssSelector, guest.OnStack(0));
    }

    [Fact]
    public void A_bad_stack_of_the_new_task_is_reported_in_the_new_task()
    {
        using var guest = Guest.Protected();
        PrepareTask(guest);
        guest.Write(Guest.SecondTss + 0x58, (uint)0xFF8);
        guest.Assemble(a => a.db(0xEA, 0, 0, 0, 0, (byte)Guest.SecondTssSelector, 0));
        Assert.Equal(ExceptionVector.InvalidTss, guest.RunToHandler());
        Assert.Equal(0xFF8UL, guest.OnStack(0));
        Assert.Equal(Guest.UserCode, guest.OnStack(1));
        Assert.Equal(Guest.SecondTssSelector, guest.State->Segments[(int)SegmentName.Tr].Selector);
    }

    [Fact]
    public void A_task_gate_takes_an_exception_with_its_error_code_to_another_task()
    {
        using var guest = Guest.Protected();
        PrepareTask(guest);
        guest.Write(Guest.Idt + 13 * 8, Guest.Gate(0, Guest.SecondTssSelector, 0x85));
        guest.Place(a => { a.pop(ebx); a.hlt(); }, Guest.UserCode);
        guest.Rcx = 0xFF8;
        guest.Assemble(a => a.mov(ds, cx));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0xFF8UL, guest.Rbx);
        Assert.Equal(Guest.Code, guest.Read<uint>(Guest.Tss + 0x20));
        Assert.Equal((uint)Rflags.Resume, guest.Read<uint>(Guest.Tss + 0x24) & (uint)Rflags.Resume);
    }

    [Fact]
    public void Virtual_8086_mode_is_entered_by_iret_and_left_by_an_exception()
    {
        using var guest = Guest.Protected();
        guest.Place(a => { a.mov(ax, ds); a.cli(); }, 0xA000, 16);
        guest.Assemble(a =>
        {
            foreach (var value in (int[])[0x6666, 0x5555, 0x4444, 0x3333, 0x2222, 0x1000, (int)(Rflags.Virtual8086 | 2), 0x0A00, 0x0000])
                a.push(value);
            a.iretd();
        });
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(0x4444UL, guest.Rax & 0xFFFF);
        Assert.Equal(0UL, guest.OnStack(0));
        Assert.Equal([2UL, 0x0A00UL], Enumerable.Range(1, 2).Select(i => guest.OnStack(i)));
        Assert.NotEqual(0UL, guest.OnStack(3) & Rflags.Virtual8086);
        Assert.Equal([0x1000UL, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666], Enumerable.Range(4, 6).Select(i => guest.OnStack(i)));
        Assert.Equal(Guest.KernelStack - 40UL, guest.Rsp);
        Assert.Equal(SegmentAttributes.None, guest.State->Segments[(int)SegmentName.Ds].Attributes);
    }

    [Fact]
    public void Iretq_to_ring_3_drops_data_segments_of_ring_0()
    {
        using var guest = Guest.Long();
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.Assemble(a =>
        {
            a.push(Guest.UserData);
            a.push((int)Guest.UserStack);
            a.push(0x202);
            a.push(Guest.UserCode64);
            a.push((int)Guest.UserCode);
            a.iretq();
        });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(0, guest.State->Segments[(int)SegmentName.Ds].Selector);
        Assert.Equal([Guest.UserCode, Guest.UserCode64], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
    }

    [Fact]
    public void Iretq_goes_to_compatibility_mode_and_back_by_an_exception()
    {
        using var guest = Guest.Long();
        guest.Place(a => { a.inc(eax); a.ud2(); }, Guest.UserCode, 32);
        guest.Rax = 0xFFFF_FFFF_FFFF_FFFF;
        guest.Assemble(a =>
        {
            a.push(Guest.UserData);
            a.push((int)Guest.UserStack);
            a.push(2);
            a.push(Guest.UserCode32);
            a.push((int)Guest.UserCode);
            a.iretq();
        });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        // One byte of INC: 0x40 is no prefix here.
        Assert.Equal([Guest.UserCode + 1UL, Guest.UserCode32], Enumerable.Range(0, 2).Select(i => guest.OnStack(i)));
        Assert.Equal(0UL, guest.Rax);
    }

    internal static void PrepareTask(Guest guest)
    {
        const uint Task = Guest.SecondTss;
        guest.Write(Task + 0x20, Guest.UserCode);
        guest.Write(Task + 0x24, 2u);
        guest.Write(Task + 0x28, 0xAAAAu);
        guest.Write(Task + 0x2C, 0xCCCCu);
        guest.Write(Task + 0x38, Guest.SpareStack);
        foreach (var segment in (uint[])[0x48, 0x50, 0x54, 0x58, 0x5C])
            guest.Write(Task + segment, (uint)Guest.KernelData);
        guest.Write(Task + 0x4C, (uint)Guest.KernelCode);
    }
}
