using Emu.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>What a task switch in hardware checks, changes and traps on (SDM Vol. 3, 7.3).</summary>
public sealed unsafe class TaskSwitchTests
{
    private const uint NewDs = Guest.SecondTss + 0x54, NewCs = Guest.SecondTss + 0x4C, NewSs = Guest.SecondTss + 0x50, NewLdt = Guest.SecondTss + 0x60;

    [Fact]
    public void The_t_bit_traps_before_the_first_instruction_of_the_new_task()
    {
        using var guest = Prepared();
        guest.Write(Guest.SecondTss + 0x64, (ushort)1);
        Jump(guest);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((1UL << 15, (ulong)Guest.UserCode), (guest.DebugStatus, guest.OnStack(0)));
    }

    [Fact]
    public void The_t_bit_traps_before_the_first_instruction_of_the_task_of_an_exception()
    {
        using var guest = Prepared();
        guest.Write(Guest.SecondTss + 0x64, (ushort)1);
        guest.Write(Guest.Idt + 6 * 8, Guest.Gate(0, Guest.SecondTssSelector, 0x85));
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((ulong)Guest.UserCode, guest.OnStack(0));
    }

    [Fact]
    public void A_switch_clears_local_breakpoints_and_keeps_global_ones()
    {
        using var guest = Prepared();
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.State->DebugRegisters[7] = 0x7FF;
        for (var i = 0; i < 4; i++)
            guest.State->DebugRegisters[i] = Guest.Data;
        guest.Vcpu.StateChanged();
        Jump(guest);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal(0x6AAUL, guest.State->DebugRegisters[7]);
    }

    [Fact]
    public void Tf_of_the_new_task_traps_after_its_first_instruction()
    {
        using var guest = Prepared();
        guest.Write(Guest.SecondTss + 0x24, (uint)(Rflags.AlwaysSet | Rflags.Trap));
        guest.Place(a => { a.nop(); a.nop(); }, Guest.UserCode);
        Jump(guest);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
        Assert.Equal((1UL << 14, Guest.UserCode + 1UL), (guest.DebugStatus, guest.OnStack(0)));
    }

    [Fact]
    public void Jump_hands_the_busy_bit_over_and_nests_nothing()
    {
        using var guest = Prepared();
        guest.Place(a => a.ud2(), Guest.UserCode);
        Jump(guest);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal((0x89, 0x8B), (guest.Read<byte>(Guest.Gdt + Guest.TssSelector + 5), guest.Read<byte>(Guest.Gdt + Guest.SecondTssSelector + 5)));
        Assert.Equal(0UL, guest.OnStack(2) & Rflags.NestedTask);
        Assert.Equal(0, guest.Read<ushort>(Guest.SecondTss));
        Assert.Equal(Guest.Code + 7, guest.Read<uint>(Guest.Tss + 0x20));
    }

    [Theory]
    [InlineData(0x66u, 0x89u, ExceptionVector.InvalidTss)]
    [InlineData(0x67u, 0x09u, ExceptionVector.SegmentNotPresent)]
    [InlineData(0x67u, 0x82u, ExceptionVector.GeneralProtection)]
    [InlineData(0x67u, 0x8Bu, ExceptionVector.GeneralProtection)]
    public void A_task_that_cannot_be_entered_faults_in_the_old_task(uint limit, uint access, int vector)
    {
        using var guest = Prepared();
        guest.SetDescriptor(Guest.SecondTssSelector, Guest.Descriptor(Guest.SecondTss, limit, access, 0));
        Jump(guest);
        Assert.Equal(vector, guest.RunToHandler());
        Assert.Equal((Guest.SecondTssSelector, (ulong)Guest.Code), (guest.OnStack(0), guest.OnStack(1)));
        Assert.Equal(Guest.TssSelector, guest.State->Segments[(int)SegmentName.Tr].Selector);
        Assert.Equal(0x8B, guest.Read<byte>(Guest.Gdt + Guest.TssSelector + 5));
    }

    // The spare descriptor is what the named field of the new task holds; the fault is taken in the new task.
    [Theory]
    [InlineData(NewLdt, Guest.Spare, 0x93u, ExceptionVector.InvalidTss)]
    [InlineData(NewLdt, Guest.Spare, 0x02u, ExceptionVector.InvalidTss)]
    [InlineData(NewLdt, 0xFF8, 0u, ExceptionVector.InvalidTss)]
    [InlineData(NewCs, Guest.Spare, 0x93u, ExceptionVector.InvalidTss)]
    [InlineData(NewCs, Guest.Spare, 0x1Bu, ExceptionVector.SegmentNotPresent)]
    [InlineData(NewCs, Guest.Spare, 0xFBu, ExceptionVector.InvalidTss)]
    [InlineData(NewSs, Guest.Spare, 0x91u, ExceptionVector.InvalidTss)]
    [InlineData(NewSs, Guest.Spare, 0xF3u, ExceptionVector.InvalidTss)]
    [InlineData(NewSs, Guest.Spare, 0x13u, ExceptionVector.StackFault)]
    [InlineData(NewSs, 0, 0u, ExceptionVector.InvalidTss)]
    [InlineData(NewDs, Guest.Spare, 0x89u, ExceptionVector.InvalidTss)]
    [InlineData(NewDs, Guest.Spare, 0x99u, ExceptionVector.InvalidTss)]
    [InlineData(NewDs, Guest.Spare, 0x13u, ExceptionVector.SegmentNotPresent)]
    [InlineData(NewDs, 0xFF8, 0u, ExceptionVector.InvalidTss)]
    public void A_segment_that_the_new_task_cannot_load_faults_there(uint field, int selector, uint access, int vector)
    {
        using var guest = Prepared();
        // The handler needs segments that work: a task of its own.
        guest.SetDescriptor(Guest.Spare, Guest.Descriptor(0, 0xFFFFF, access, 0xC));
        guest.Write(field, (uint)selector);
        guest.Write(Guest.Idt + (uint)vector * 8, Guest.Gate(0, Guest.LdtSelector, 0x85));
        PrepareThirdTask(guest);
        Jump(guest);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal([vector], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal((ulong)selector & ~3UL, guest.Rbx);
        // The third task came from the second, at its first instruction.
        Assert.Equal(Guest.SecondTssSelector, guest.Read<ushort>(ThirdTss));
        Assert.Equal(Guest.UserCode, guest.Read<uint>(Guest.SecondTss + 0x20));
    }

    [Fact]
    public void Iret_with_nt_and_a_back_link_that_is_not_busy_is_refused()
    {
        using var guest = Prepared();
        guest.Write(Guest.Tss, (uint)Guest.SecondTssSelector);
        guest.State->SystemFlags |= Rflags.NestedTask;
        guest.Assemble(a => a.iretd());
        Assert.Equal(ExceptionVector.InvalidTss, guest.RunToHandler());
        Assert.Equal((ulong)Guest.SecondTssSelector, guest.OnStack(0));
    }

    [Fact]
    public void An_event_through_a_task_gate_finds_the_task_busy_the_second_time()
    {
        using var guest = Prepared();
        guest.Write(Guest.Idt + 6 * 8, Guest.Gate(0, Guest.SecondTssSelector, 0x85));
        guest.Place(a => a.ud2(), Guest.UserCode);
        guest.Assemble(a => a.ud2());
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal([6, 6, 13], guest.Delivered.Select(e => (int)e.Vector));
        Assert.Equal(Guest.SecondTssSelector + 1UL, guest.OnStack(0));
    }

    private const uint ThirdTss = 0x5000;

    private static Guest Prepared()
    {
        var guest = Guest.Protected();
        FarTransferTests.PrepareTask(guest);
        return guest;
    }

    private static void PrepareThirdTask(Guest guest)
    {
        guest.SetDescriptor(Guest.LdtSelector, Guest.Descriptor(ThirdTss, 0x67, 0x89, 0));
        guest.Write(ThirdTss + 0x20, Guest.Handlers + 0xA00);
        guest.Write(ThirdTss + 0x24, (uint)Rflags.AlwaysSet);
        guest.Write(ThirdTss + 0x38, Guest.SpareStack);
        foreach (var segment in (uint[])[0x48, 0x50, 0x54])
            guest.Write(ThirdTss + segment, (uint)Guest.KernelData);
        guest.Write(ThirdTss + 0x4C, (uint)Guest.KernelCode);
        guest.Place(a => { a.pop(ebx); a.hlt(); }, Guest.Handlers + 0xA00);
    }

    private static void Jump(Guest guest) => guest.Assemble(a => a.db(0xEA, 0, 0, 0, 0, (byte)Guest.SecondTssSelector, 0));
}
