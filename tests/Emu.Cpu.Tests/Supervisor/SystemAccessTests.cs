using Emu.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Accesses that leave RAM where an instruction does not expect it: operands half in a device, descriptors and frames in one.</summary>
public sealed unsafe class SystemAccessTests
{
    private const uint End = (uint)Guest.RamBytes;

    [Fact]
    public void A_read_modify_write_across_the_end_of_ram_does_both_halves()
    {
        using var guest = Guest.Protected();
        guest.Write(End - 2, (ushort)0xFFFF);
        guest.Assemble(a => { a.nop(); a.add(__dword_ptr[End - 2], 2); a.hlt(); });
        var start = guest.Vcpu.InstructionsRetired;
        Assert.Equal(RunExit.Halted, guest.Run());
        // The device reads as ones: FFFFFFFF + 2, whose carry reaches the device's half.
        Assert.Equal((ushort)1, guest.Read<ushort>(End - 2));
        Assert.Equal([(End, 2, null, start + 1), (End, 2, 0UL, start + 1)], guest.DeviceAccesses);
        Assert.True(guest.State->Flags.Carry);
    }

    [Fact]
    public void A_read_modify_write_across_the_start_of_ram_does_both_halves()
    {
        using var guest = Guest.Long();
        // The page before the one in RAM is a device's.
        guest.SetPage(Guest.Data, 7);
        guest.Write(Guest.PageTables + 0x4000 + 8, (ulong)End + 0x8000 + 7);
        guest.Write(Guest.PageTables + 0x4000 + 16, (ulong)Guest.Data + 7);
        guest.Vcpu.StateChanged();
        guest.Write(Guest.Data, 0x0102UL);
        guest.Rcx = 0x200000 + 0x1FFC;
        guest.Rax = 0x1111_2222_3333_4444;
        guest.Assemble(a => { a.xchg(__qword_ptr[rcx], rax); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x0000_0102_FFFF_FFFFUL, guest.Rax);
        Assert.Equal(0x1111_2222U, guest.Read<uint>(Guest.Data));
        Assert.Equal([((ulong)End + 0x8FFC, 4, null), ((ulong)End + 0x8FFC, 4, 0x3333_4444UL)], guest.DeviceAccesses.Select(access => (access.Address, access.Size, access.Value)));
    }

    [Fact]
    public void A_descriptor_in_a_device_is_read_at_the_exact_time()
    {
        using var guest = Guest.Protected();
        guest.State->Gdtr.Base = End + 0x1000;
        guest.Rcx = 0x18;
        guest.Assemble(a => { a.nop(); a.nop(); a.mov(ds, cx); a.nop(); a.hlt(); });
        var start = guest.Vcpu.InstructionsRetired;
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal([((ulong)End + 0x1018, 8, null, start + 2)], guest.DeviceAccesses);
        Assert.Equal(0x18, guest.State->Segments[(int)SegmentName.Ds].Selector);
    }

    [Fact]
    public void A_frame_pushed_into_a_device_is_written_at_the_exact_time()
    {
        using var guest = Guest.Protected();
        guest.Rsp = End + 0x100;
        guest.Assemble(a => { a.nop(); a.ud2(); });
        var start = guest.Vcpu.InstructionsRetired;
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
        Assert.Equal([start + 1], guest.DeviceAccesses.Select(access => access.Time).Distinct());
        Assert.Equal((ulong)Guest.Code + 1, guest.DeviceAccesses[0].Value & 0xFFFF_FFFF);
    }

    [Fact]
    public void A_far_call_into_a_device_is_written_at_the_exact_time()
    {
        using var guest = Guest.Protected();
        guest.Rsp = End + 0x100;
        guest.Place(a => a.hlt(), Guest.UserCode);
        guest.Assemble(a => { a.nop(); a.nop(); a.db(0x9A, 0, 0xA0, 0, 0, (byte)Guest.KernelCode, 0); });
        var start = guest.Vcpu.InstructionsRetired;
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal([((ulong)End + 0xF8, 8, (ulong)Guest.KernelCode << 32 | (Guest.Code + 9), start + 2)], guest.DeviceAccesses);
    }
}
