using Emu.Cpu.State;
using Emu.Cpu.Tests.Instructions;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

/// <summary>What blocks and cached translations must not hide: single steps, changed code, changed page tables.</summary>
public sealed unsafe class CutRunTests
{
    private const ulong Tables = 0x10_0000;
    private const ulong Linear = 0x40_0000;

    [Fact]
    public void Single_step_follows_a_block_of_one_jump()
    {
        using var cpu = new CpuFixture();
        cpu.Enter32Bit();
        cpu.Load([0xEB, 0x00, 0x40]);
        cpu.State->SystemFlags |= Rflags.Trap;

        Assert.Equal(ExceptionVector.Debug, cpu.Run(10));
        Assert.Equal(0UL, cpu.State->Registers[0]);
        Assert.Equal(CpuFixture.Code + 2, cpu.State->Rip);
    }

    [Fact]
    public void Links_made_under_a_wide_code_segment_do_not_lead_beyond_a_narrow_one()
    {
        using var cpu = new CpuFixture();
        cpu.Enter32Bit();
        // Not flat, and a loop of two blocks that become linked: the first ends because it is full.
        cpu.State->Segments[(int)SegmentName.Ds].Limit = 0xFFFF;
        cpu.Vcpu.StateChanged();
        var code = new byte[72];
        Array.Fill(code, (byte)0x90);
        code[70] = 0xEB;
        code[71] = 0xB8;
        cpu.Load(code);
        Assert.Equal(-1, cpu.Run(1000));

        cpu.State->Segments[(int)SegmentName.Cs].Limit = (uint)CpuFixture.Code + 63;
        cpu.State->Rip = CpuFixture.Code;
        cpu.Vcpu.StateChanged();
        Assert.Equal(ExceptionVector.GeneralProtection, cpu.Run(100));
        Assert.Equal(CpuFixture.Code + 64, cpu.State->Rip);
    }

    [Fact]
    public void Write_to_the_tail_of_an_instruction_in_a_page_elsewhere_changes_it()
    {
        using var cpu = new CpuFixture();
        MapTables(cpu);
        // mov eax, imm32 with the immediate's last two bytes in the next linear page, which lies elsewhere in RAM.
        Map(cpu, Linear, 0x20_0000);
        Map(cpu, Linear + 0x1000, 0x30_0000);
        cpu.Ram(0x20_0FFD, 3).Clear();
        cpu.Ram(0x20_0FFD, 1)[0] = 0xB8;
        cpu.Ram(0x30_0000, 2)[1] = 0x11;
        // Then mov byte [0x800001], 0x22 through another mapping; jmp back.
        Map(cpu, 0x80_0000, 0x30_0000);
        new byte[] { 0xC6, 0x04, 0x25, 0x01, 0x00, 0x80, 0x00, 0x22, 0xE9, 0xEE, 0xFF, 0xFF, 0xFF }.CopyTo(cpu.Ram(0x30_0002, 13));
        cpu.State->Rip = Linear + 0xFFD;

        Assert.Equal(-1, cpu.Run(1));
        Assert.Equal(0x1100_0000UL, cpu.State->Registers[0]);
        Assert.Equal(-1, cpu.Run(3));
        Assert.Equal(0x2200_0000UL, cpu.State->Registers[0]);
    }

    [Fact]
    public void Invlpg_forgets_the_whole_of_a_large_page()
    {
        using var cpu = new CpuFixture();
        MapTables(cpu);
        Map(cpu, 0x80_0000, 0x50_0000);
        cpu.Ram(0x20_1000, 1)[0] = 1;
        cpu.Ram(0x60_1000, 1)[0] = 2;
        var entry = Tables + 0x2000 + (Linear >> 21) * 8;
        SetEntry(cpu, entry, 0x20_0083);
        // mov al, [0x401000]; invlpg [0x405000]; mov al, [0x401000]
        new byte[] { 0x8A, 0x04, 0x25, 0x00, 0x10, 0x40, 0x00, 0x0F, 0x01, 0x3C, 0x25, 0x00, 0x50, 0x40, 0x00,
            0x8A, 0x04, 0x25, 0x00, 0x10, 0x40, 0x00 }.CopyTo(cpu.Ram(0x50_0000, 22));
        cpu.State->Rip = 0x80_0000;

        Assert.Equal(-1, cpu.Run(1));
        Assert.Equal(1UL, cpu.State->Registers[0]);
        SetEntry(cpu, entry, 0x60_0083);
        Assert.Equal(-1, cpu.Run(2));
        Assert.Equal(2UL, cpu.State->Registers[0]);
    }

    [Fact]
    public void Code_in_page_0_is_watched_although_its_translation_was_forgotten_before_there_was_one()
    {
        using var cpu = new CpuFixture();
        cpu.Enter32Bit();
        cpu.State->Registers[4] = 0x10_0000;
        // mov cl, 1; ret
        new byte[] { 0xB1, 0x01, 0xC3 }.CopyTo(cpu.Ram(0x20, 3));
        // invlpg [0]; mov byte [0x10], 1; mov eax, 0x20; call eax; mov byte [0x21], 2; call eax
        cpu.Load([0x0F, 0x01, 0x3D, 0, 0, 0, 0, 0xC6, 0x05, 0x10, 0, 0, 0, 1, 0xB8, 0x20, 0, 0, 0, 0xFF, 0xD0,
            0xC6, 0x05, 0x21, 0, 0, 0, 2, 0xFF, 0xD0]);

        Assert.Equal(-1, cpu.Run(6));
        Assert.Equal(1UL, cpu.State->Registers[1]);
        Assert.Equal(-1, cpu.Run(4));
        Assert.Equal(2UL, cpu.State->Registers[1]);
    }

    // Page tables for the first gigabyte, with page tables for [4 MiB, 6 MiB) and [8 MiB, 10 MiB).
    private static void MapTables(CpuFixture cpu)
    {
        SetEntry(cpu, Tables, (Tables + 0x1000) | 3);
        SetEntry(cpu, Tables + 0x1000, (Tables + 0x2000) | 3);
        SetEntry(cpu, Tables + 0x2000 + 2 * 8, (Tables + 0x3000) | 3);
        SetEntry(cpu, Tables + 0x2000 + 4 * 8, (Tables + 0x4000) | 3);
        cpu.State->Cr3 = Tables;
        cpu.State->Cr4 |= Cr4.Pae;
        cpu.State->Cr0 |= Cr0.Pg;
        cpu.Vcpu.StateChanged();
    }

    private static void Map(CpuFixture cpu, ulong linear, ulong physical) =>
        SetEntry(cpu, Tables + (linear >= 0x80_0000 ? 0x4000UL : 0x3000) + ((linear >> 12) & 0x1FF) * 8, physical | 3);

    private static void SetEntry(CpuFixture cpu, ulong address, ulong entry) => cpu.Memory.TryWrite(address, BitConverter.GetBytes(entry));
}
