using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Snapshots;

/// <summary>What a snapshot has of a vCPU: all that the guest could notice, its TLB included.</summary>
public sealed unsafe class VcpuSnapshotTests
{
    private const uint Entry = Guest.PageTables + 0x3000 + Guest.Data / 4096 * 8;

    [Fact]
    public void Vcpu_goes_on_elsewhere_as_it_would_have_here()
    {
        using var here = Guest.Long();
        here.State->Cr4 |= Cr4.Osfxsr;
        Assemble(here);
        Assert.Equal(RunExit.LimitReached, here.Run(1234));
        using var there = Guest.Long();
        Assemble(there);
        StateStream.Restore(there.Vcpu, StateStream.Save(here.Vcpu));
        there.Write(Guest.Data, here.Read<uint>(Guest.Data));

        Assert.Equal(here.Vcpu.InstructionsRetired, there.Vcpu.InstructionsRetired);
        Assert.Equal(RunExit.LimitReached, here.Run(777));
        Assert.Equal(RunExit.LimitReached, there.Run(777));
        Assert.Equal(StateStream.Save(here.Vcpu), StateStream.Save(there.Vcpu));
        Assert.Equal(here.Read<uint>(Guest.Data), there.Read<uint>(Guest.Data));

        static void Assemble(Guest guest) => guest.Assemble(a =>
        {
            var loop = a.CreateLabel();
            a.Label(ref loop);
            a.add(eax, 3);
            a.movq(xmm3, rax);
            a.xor(__dword_ptr[Guest.Data], eax);
            a.jmp(loop);
        });
    }

    [Fact]
    public void Translations_that_outlive_a_change_of_the_tables_are_state()
    {
        using var guest = Guest.Long();
        Access(guest);
        var state = StateStream.Save(guest.Vcpu);
        guest.Write(Entry, 0UL);
        guest.Vcpu.ForgetTranslations();
        Assert.Equal(ExceptionVector.PageFault, Touch(guest));

        StateStream.Restore(guest.Vcpu, state);
        Access(guest);
        Assert.Equal(0UL, guest.Read<ulong>(Entry));
    }

    [Fact]
    public void Code_pages_that_the_TLB_knows_are_state()
    {
        using var guest = Guest.Long();
        guest.Place(a => a.hlt(), Guest.Data);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        var state = StateStream.Save(guest.Vcpu);
        guest.Vcpu.ForgetTranslations();
        guest.Write(Entry, 0UL);

        StateStream.Restore(guest.Vcpu, state);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
    }

    [Fact]
    public void Translations_made_since_are_forgotten()
    {
        using var guest = Guest.Long();
        var state = StateStream.Save(guest.Vcpu);
        Access(guest);
        guest.Write(Entry, 0UL);

        StateStream.Restore(guest.Vcpu, state);
        Assert.Equal(ExceptionVector.PageFault, Touch(guest));
    }

    [Fact]
    public void Saving_changes_nothing()
    {
        using var guest = Guest.Long();
        Access(guest);
        var state = StateStream.Save(guest.Vcpu);
        Assert.Equal(state, StateStream.Save(guest.Vcpu));
        StateStream.Restore(guest.Vcpu, state);
        Assert.Equal(state, StateStream.Save(guest.Vcpu));
    }

    [Fact]
    public void Remapped_pages_are_state()
    {
        using var guest = Guest.Long();
        var memory = guest.Vcpu.Memory;
        var usual = StateStream.Save(memory);
        memory.Remap(Guest.Data, 7);
        memory.Remap(Guest.Data + 0x1000, -1);
        var remapped = StateStream.Save(memory);

        StateStream.Restore(memory, usual);
        Assert.Equal((int)(Guest.Data / 4096), memory.FrameAt(Guest.Data));
        StateStream.Restore(memory, remapped);
        Assert.Equal(7, memory.FrameAt(Guest.Data));
        Assert.Equal(-1, memory.FrameAt(Guest.Data + 0x1000));
        Assert.Equal(remapped, StateStream.Save(memory));
    }

    [Fact]
    public void Stepping_by_branches_goes_on_where_it_was()
    {
        // The trap of a branch that was stepped is due where the state is taken.
        using var guest = Guest.Long();
        guest.Assemble(a => { a.nop(); a.jmp(a.F); a.nop(); a.AnonymousLabel(); a.nop(); a.hlt(); });
        guest.State->SystemFlags |= Rflags.Trap;
        guest.State->Msr.DebugControl = 2;
        Assert.Equal(RunExit.LimitReached, guest.Run(2));
        var state = StateStream.Save(guest.Vcpu);
        Assert.NotEqual(0UL, guest.Vcpu.PendingDebugTraps);
        guest.Place(a => a.hlt(), Guest.Data);
        guest.State->SystemFlags &= ~Rflags.Trap;
        guest.State->Rip = Guest.Data;
        Assert.Equal(RunExit.Halted, guest.Run());

        StateStream.Restore(guest.Vcpu, state);
        Assert.Equal(ExceptionVector.Debug, guest.RunToHandler());
    }

    [Theory]
    [InlineData(0x2000)]
    [InlineData(0x3000)]
    public void Damaged_state_is_refused_or_harmless(int most)
    {
        using var guest = Guest.Long();
        Access(guest);
        var state = StateStream.Save(guest.Vcpu);
        var random = new Random(6);
        var refused = 0;
        for (var round = 0; round < 2000; round++)
        {
            var damaged = (byte[])state.Clone();
            for (var i = random.Next(4); i >= 0; i--)
                damaged[random.Next(Math.Min(most, damaged.Length))] = (byte)random.Next(256);
            try
            {
                StateStream.Restore(guest.Vcpu, damaged.AsMemory(0, damaged.Length - (round % 7 == 0 ? random.Next(damaged.Length) : 0)));
                guest.Vcpu.Run(guest.Vcpu.InstructionsRetired + 100);
            }
            catch (SnapshotException)
            {
                refused++;
            }
        }
        Assert.True(refused > 100);
        StateStream.Restore(guest.Vcpu, state);
        Access(guest);
    }

    private static void Access(Guest guest)
    {
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
    }

    private static int Touch(Guest guest)
    {
        guest.Assemble(a => a.mov(eax, __dword_ptr[Guest.Data]));
        return guest.RunToHandler();
    }
}
