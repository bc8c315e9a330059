using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Machine.Firmware;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Firmware;

/// <summary>A machine that starts from a ROM.</summary>
public sealed unsafe class FirmwareTests
{
    private const ulong Low = 0xF_0000, High = 0xFFFF_0000;

    /// <summary>hlt: interrupts are off, so the run ends there.</summary>
    private const byte Halt = 0xF4;

    [Theory]
    [InlineData(0)]
    [InlineData(65_535)]
    [InlineData(65_537)]
    [InlineData((16 << 20) + 65_536)]
    public void Size_that_is_no_multiple_of_64_KiB_up_to_16_MiB_is_refused(int size) =>
        Assert.Throws<MachineConfigurationException>(() => FirmwareImage.FromBytes(new byte[size]));

    [Fact]
    public void Xen_domain_has_no_firmware() =>
        Assert.Throws<MachineConfigurationException>(() => new PvhMachine(Options(Rom([Halt])) with { Profile = MachineProfile.Xen }));

    [Fact]
    public void Machine_with_a_rom_takes_no_kernel()
    {
        using var machine = new PvhMachine(Options(Rom([Halt])));
        Assert.Throws<InvalidOperationException>(() => machine.Load(TestKernels.Open("tour"), [], null));
    }

    [Fact]
    public void First_instruction_is_the_one_16_bytes_before_the_end()
    {
        using var machine = new PvhMachine(Options(Rom([Halt])));
        Assert.Equal(StopReason.Halted, machine.Run(RunLimits.None).Reason);
        var state = machine.Vcpu.State;
        var cs = state->Segments[(int)SegmentName.Cs];
        Assert.Equal((0xF000, High, 0xFFF1UL), (cs.Selector, cs.Base, state->Rip));
        Assert.Equal((ulong)machine.Vcpu.Model.Signature, state->Registers[2]);
    }

    [Theory]
    [InlineData(64, 0xF_0000)]
    [InlineData(128, 0xE_0000)]
    [InlineData(256, 0xE_0000)]
    public void At_most_the_last_128_KiB_show_below_1_MiB(int kibibytes, ulong low)
    {
        var rom = Rom([Halt], kibibytes << 10);
        for (var i = 0; i < rom.Length - 16; i++)
            rom[i] = (byte)((i * 7) + (i >> 8));
        using var machine = new PvhMachine(Options(rom));
        var seen = new byte[0x10_0000 - low];
        Assert.True(machine.Ram.Physical.TryRead(low, seen));
        Assert.Equal(rom[^seen.Length..], seen);
        var whole = new byte[rom.Length];
        Assert.True(machine.Ram.Physical.TryRead(0x1_0000_0000 - (ulong)rom.Length, whole));
        Assert.Equal(rom, whole);
        var before = new byte[1];
        Assert.True(machine.Ram.Physical.TryRead(low - 1, before));
        Assert.Equal(0, before[0]);
        Assert.False(machine.Ram.Physical.TryRead(0x1_0000_0000 - (ulong)rom.Length - 1, before));
    }

    [Fact]
    public void Devices_and_page_tables_cannot_write_to_rom()
    {
        using var machine = new PvhMachine(Options(Rom([Halt])));
        Assert.False(machine.Ram.Physical.TryWrite(Low, [1]));
        Assert.False(machine.Ram.Physical.TryWrite(High, [1]));
    }

    /// <summary>
    /// mov ax, 0xEFFF; mov es, ax; mov dword es:[0xE], 0x11223344: two bytes in RAM, two in ROM; hlt
    /// </summary>
    [Fact]
    public void Write_across_the_start_of_rom_changes_the_ram_before_it()
    {
        using var machine = Run(
        [
            0xB8, 0xFF, 0xEF, 0x8E, 0xC0, 0x26, 0x66, 0xC7, 0x06, 0x0E, 0x00, 0x44, 0x33, 0x22, 0x11, Halt,
        ]);
        var bytes = new byte[4];
        Assert.True(machine.Ram.Physical.TryRead(Low - 2, bytes));
        Assert.Equal([0x44, 0x33, 0xAA, 0xBB], bytes);
    }

    /// <summary>mov cx, 50000; 1: loop 1b; hlt</summary>
    [Fact]
    public void Loop_in_rom_retires_every_instruction()
    {
        using var machine = Run([0xB9, 0x50, 0xC3, 0xE2, 0xFE, Halt]);
        Assert.Equal(50_003UL, machine.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void Post_codes_are_reported_when_they_change()
    {
        List<byte> codes = [];
        // mov al, 1; out 0x80, al; out 0x80, al; mov dx, 0x190; mov al, 2; out dx, al; in al, 0x80; hlt
        byte[] code = [0xB0, 0x01, 0xE6, 0x80, 0xE6, 0x80, 0xBA, 0x90, 0x01, 0xB0, 0x02, 0xEE, 0xE4, 0x80, Halt];
        using var machine = new PvhMachine(Options(WithCode(code)) with { PostCode = codes.Add });
        Assert.Equal(StopReason.Halted, machine.Run(RunLimits.None).Reason);
        Assert.Equal([1, 2], codes);
        Assert.Equal(2UL, machine.Vcpu.State->Registers[0] & 0xFF);
    }

    private static PvhMachine Run(byte[] code)
    {
        var machine = new PvhMachine(Options(WithCode(code)));
        Assert.Equal(StopReason.Halted, machine.Run(RunLimits.None).Reason);
        return machine;
    }

    private static MachineOptions Options(byte[] rom) => new() { MemorySize = 4UL << 20, Firmware = FirmwareImage.FromBytes(rom) };

    // F000:0100, behind a far jump at the start of the segment.
    private static byte[] WithCode(byte[] code)
    {
        var rom = Rom([0xEA, 0x00, 0x01, 0x00, 0xF0]);
        rom[0] = 0xAA;
        rom[1] = 0xBB;
        code.CopyTo(rom, 0x100);
        return rom;
    }

    private static byte[] Rom(byte[] first, int size = FirmwareImage.Unit)
    {
        var rom = new byte[size];
        first.CopyTo(rom, size - 16);
        return rom;
    }
}
