using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>
/// Operands of several elements at the end of a 64 KiB segment: each element's offset wraps by itself, as on silicon (tried with 16-bit
/// addresses in larger segments), and an element that does not fit faults.
/// </summary>
public sealed unsafe class OperandWrapTests
{
    private const uint End = 0x1_0000;

    [Fact]
    public void Far_pointer_at_the_end_has_its_selector_at_the_start()
    {
        using var guest = Guest.Real();
        guest.Write(End - 2, (ushort)0x1234);
        guest.Write(0, (ushort)0x5678);
        guest.Assemble(a => { a.db(0xC4, 0x1E, 0xFE, 0xFF); a.hlt(); }); // les bx, [FFFE]
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0x1234UL, 0x5678), (guest.Rbx, guest.State->Segments[(int)SegmentName.Es].Selector));
    }

    [Fact]
    public void Far_pointer_whose_offset_does_not_fit_faults()
    {
        using var guest = Guest.Real();
        guest.Write(13 * 4, Guest.Handlers);
        guest.Assemble(a => a.db(0xC4, 0x1E, 0xFF, 0xFF)); // les bx, [FFFF]
        guest.Write(Guest.Handlers, (byte)0xF4);
        guest.Run();
        Assert.Equal(ExceptionVector.GeneralProtection, Assert.Single(guest.Delivered).Vector);
    }

    [Theory]
    [InlineData(0x2E)] // jmp far [FFFE]
    [InlineData(0x1E)] // call far [FFFE]
    public void Far_transfer_through_the_end_takes_its_selector_from_the_start(byte modrm)
    {
        using var guest = Guest.Real();
        guest.Write(End - 2, (ushort)0x10);
        guest.Write(0, (ushort)(Guest.Data >> 8 >> 4 & 0xFFFF));
        guest.Write((Guest.Data >> 8 & 0xFFFF0) + 0x10, (byte)0xF4);
        guest.Assemble(a => a.db(0xFF, modrm, 0xFE, 0xFF));
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0x11UL, guest.State->Rip);
    }

    [Theory]
    [InlineData(5, false)]
    [InlineData(8, true)]
    public void Upper_bound_lies_at_the_start(short index, bool isOut)
    {
        using var guest = Guest.Real();
        guest.Write(End - 2, (short)-3);
        guest.Write(0, (short)7);
        guest.Rbx = (ushort)index;
        guest.Assemble(a => { a.db(0x62, 0x1E, 0xFE, 0xFF); a.hlt(); }); // bound bx, [FFFE]
        guest.Write(5 * 4, Guest.Handlers);
        guest.Write(Guest.Handlers, (byte)0xF4);
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(isOut, guest.Delivered.Count == 1);
    }

    [Fact]
    public void Descriptor_table_at_the_end_has_its_base_at_the_start()
    {
        using var guest = Guest.Real();
        guest.Write(End - 2, (ushort)0x47);
        guest.Write(0, 0x0034_5678u);
        guest.Assemble(a => { a.db(0x66, 0x0F, 0x01, 0x16, 0xFE, 0xFF); a.hlt(); }); // lgdt [FFFE]
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0x47u, 0x34_5678UL), ((uint)guest.State->Gdtr.Limit, guest.State->Gdtr.Base));
        guest.Write(0, 0u);
        guest.Assemble(a => { a.db(0x66, 0x0F, 0x01, 0x06, 0xFE, 0xFF); a.hlt(); }); // sgdt [FFFE]
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal((0x0034_5678u, 0x47), (guest.Read<uint>(0), guest.Read<ushort>(End - 2)));
    }
}
