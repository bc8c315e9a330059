using Emu.Cpu.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>ARPL and its kin: answers in ZF, and what they touch.</summary>
public sealed unsafe class SelectorInspectionTests
{
    private const ushort ReadOnly = Guest.Spare;

    [Theory]
    [InlineData(0xFFF3, 2, false, 0xFFF3)]
    [InlineData(0xFFF2, 2, false, 0xFFF2)]
    [InlineData(0xFFF0, 2, true, 0xFFF2)]
    public void Arpl_raises_the_privilege_level_of_a_selector_in_memory(ushort selector, ushort level, bool raises, ushort result)
    {
        using var guest = Guest.Protected();
        guest.Write(Guest.Data, selector);
        guest.Rbx = level;
        guest.Assemble(a => { a.arpl(__word_ptr[Guest.Data], bx); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(raises, (guest.Vcpu.RflagsImage & Rflags.Zero) != 0);
        Assert.Equal(result, guest.Read<ushort>(Guest.Data));
    }

    /// <summary>So did the 80386, and so does today's silicon (tried in a read-only page and a read-only segment).</summary>
    [Fact]
    public void Arpl_that_changes_nothing_needs_no_right_to_write()
    {
        using var guest = GuestWithReadOnlySegment(selector: 0xFFF3);
        guest.Assemble(a => { a.arpl(__word_ptr.es[Guest.Data], bx); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Empty(guest.Delivered);
    }

    [Fact]
    public void Arpl_that_would_change_a_read_only_selector_faults_with_flags_as_before()
    {
        using var guest = GuestWithReadOnlySegment(selector: 0xFFF0);
        guest.Assemble(a => a.arpl(__word_ptr.es[Guest.Data], bx));
        Assert.Equal(ExceptionVector.GeneralProtection, guest.RunToHandler());
        Assert.Equal(0UL, guest.OnStack(3) & Rflags.Zero);
        Assert.Equal(0xFFF0, guest.Read<ushort>(Guest.Data));
    }

    private static Guest GuestWithReadOnlySegment(ushort selector)
    {
        var guest = Guest.Protected();
        guest.Write(Guest.Data, selector);
        guest.Rbx = 2;
        guest.State->Segments[(int)SegmentName.Es] =
            new SegmentRegister { Selector = ReadOnly, Limit = uint.MaxValue, Attributes = (SegmentAttributes)0xC91 };
        guest.Vcpu.StateChanged();
        return guest;
    }
}
