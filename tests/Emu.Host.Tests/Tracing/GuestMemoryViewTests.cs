using System.Buffers.Binary;
using Emu.Cpu.State;
using Emu.Host.Tracing;
using Emu.Machine;

namespace Emu.Host.Tests.Tracing;

public sealed unsafe class GuestMemoryViewTests : IDisposable
{
    private const ulong Table = 0x10_0000;

    private readonly PvhMachine _machine = new(new MachineOptions { MemorySize = 4UL << 20 });

    private CpuState* State => _machine.Vcpu.State;

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Without_paging_an_address_is_its_own_translation()
    {
        State->Cr0 = Cr0.Pe;

        Assert.Equal(0x1234UL, GuestMemoryView.Translate(_machine.Vcpu, 0x1234));
        Assert.Empty(GuestMemoryView.Walk(_machine.Vcpu, 0x1234));
    }

    [Theory]
    [InlineData(4, 0x0000_7000UL | 0x3, 0x0000_7ABCUL)]
    [InlineData(3, 0x0020_0000UL | 0x83, 0x0034_5ABCUL)]
    [InlineData(2, 0x4000_0000UL | 0x83, 0x5234_5ABCUL)]
    public void Four_levels_lead_to_pages_of_every_size(int levels, ulong leaf, ulong expected)
    {
        const ulong linear = 0xFFFF_8000_1234_5ABC;
        UseLongMode();
        int[] shifts = [39, 30, 21, 12];
        for (int level = 0; level < levels; level++)
        {
            ulong entry = level == levels - 1 ? leaf : (Table + ((ulong)(level + 1) * 0x1000)) | 0x3;
            Write(Table + ((ulong)level * 0x1000) + ((linear >> shifts[level] & 0x1FF) * 8), entry);
        }

        Assert.Equal(expected, GuestMemoryView.Translate(_machine.Vcpu, linear));
        Assert.Equal(levels, GuestMemoryView.Walk(_machine.Vcpu, linear).Count);
    }

    [Fact]
    public void A_walk_ends_at_the_first_entry_that_is_not_present_and_changes_nothing()
    {
        UseLongMode();
        Write(Table, (Table + 0x1000) | 0x3);

        List<PageWalkStep> steps = GuestMemoryView.Walk(_machine.Vcpu, 0x1000);

        Assert.Equal(["PML4", "PDPT"], steps.Select(step => step.Table));
        Assert.True(steps[0].IsPresent);
        Assert.False(steps[1].IsPresent);
        Assert.Null(GuestMemoryView.Translate(_machine.Vcpu, 0x1000));
        // No accessed bit: a look from outside leaves no trace.
        Assert.Equal((Table + 0x1000) | 0x3, Read(Table));
    }

    [Fact]
    public void Tables_outside_RAM_are_said_to_be()
    {
        UseLongMode();
        State->Cr3 = 0x7_0000_0000;

        Assert.False(Assert.Single(GuestMemoryView.Walk(_machine.Vcpu, 0)).IsReadable);
    }

    [Fact]
    public void Thirty_two_bit_paging_has_entries_of_four_bytes_and_large_pages_of_4_MiB()
    {
        State->Cr0 = Cr0.Pe | Cr0.Pg;
        State->Cr4 = Cr4.Pse;
        State->Cr3 = Table;
        Write(Table + 4, 0x0040_0083);

        Assert.Equal(0x0052_3456UL, GuestMemoryView.Translate(_machine.Vcpu, 0x0052_3456));
        Assert.Null(GuestMemoryView.Translate(_machine.Vcpu, 0x0092_3456));
    }

    [Fact]
    public void The_four_entries_of_PAE_paging_take_no_rights_away()
    {
        State->Cr0 = Cr0.Pe | Cr0.Pg;
        State->Cr4 = Cr4.Pae;
        State->Cr3 = Table;
        Write(Table + 8, (Table + 0x1000) | 0x1);
        Write(Table + 0x1000, 0x0020_0000 | 0x83);

        List<PageWalkStep> steps = GuestMemoryView.Walk(_machine.Vcpu, 0x4000_0000);

        Assert.All(steps, step => Assert.True(step.AllowsWrites));
        Assert.Equal(0x0020_0000UL, GuestMemoryView.Translate(_machine.Vcpu, 0x4000_0000));
    }

    [Fact]
    public void Reading_stops_at_the_first_byte_that_is_not_mapped()
    {
        State->Cr0 = Cr0.Pe;
        byte[] buffer = new byte[16];

        Assert.Equal(6, GuestMemoryView.ReadLinear(_machine.Vcpu, (4UL << 20) - 6, buffer));
    }

    private void UseLongMode()
    {
        State->Cr0 = Cr0.Pe | Cr0.Pg;
        State->Cr4 = Cr4.Pae;
        State->Efer = Efer.Lme | Efer.Lma;
        State->Cr3 = Table;
    }

    private void Write(ulong address, ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Assert.True(_machine.Vcpu.Memory.TryWrite(address, bytes));
    }

    private ulong Read(ulong address)
    {
        byte[] bytes = new byte[8];
        Assert.True(_machine.Vcpu.Memory.TryRead(address, bytes));
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
