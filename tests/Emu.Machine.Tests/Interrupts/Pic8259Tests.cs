using Emu.Machine.Interrupts;
using Xunit;

namespace Emu.Machine.Tests.Interrupts;

public class Pic8259Tests
{
    private const ushort Master = 0x20;
    private const ushort MasterData = 0x21;
    private const ushort Slave = 0xA0;
    private const ushort SlaveData = 0xA1;

    private readonly Pic8259Pair _pic = new(_ => { });

    public Pic8259Tests() => Initialize(icw4: 0x01);

    [Fact]
    public void Vector_is_base_plus_input()
    {
        _pic.SetIrq(3, true);
        Assert.True(_pic.Output);
        Assert.Equal(0x33, _pic.Acknowledge());
    }

    [Fact]
    public void Lower_numbers_come_first()
    {
        _pic.SetIrq(5, true);
        _pic.SetIrq(1, true);
        Assert.Equal(0x31, _pic.Acknowledge());
        _pic.Write(Master, 0x20);
        Assert.Equal(0x35, _pic.Acknowledge());
    }

    [Fact]
    public void In_service_interrupt_holds_back_itself_and_what_is_lower()
    {
        _pic.SetIrq(3, true);
        _pic.Acknowledge();
        _pic.SetIrq(3, false);
        _pic.SetIrq(3, true);
        _pic.SetIrq(6, true);
        Assert.False(_pic.Output);
        _pic.SetIrq(1, true);
        Assert.True(_pic.Output);
    }

    [Fact]
    public void Slave_interrupt_passes_through_input_2()
    {
        _pic.SetIrq(8, true);
        Assert.Equal(0x38, _pic.Acknowledge());
        Assert.Equal(0x04, ReadInService(Master));
        Assert.Equal(0x01, ReadInService(Slave));
    }

    [Fact]
    public void Second_slave_interrupt_follows_after_both_ends()
    {
        _pic.SetIrq(8, true);
        _pic.SetIrq(14, true);
        _pic.Acknowledge();
        _pic.Write(Slave, 0x20);
        Assert.False(_pic.Output);
        _pic.Write(Master, 0x20);
        Assert.True(_pic.Output);
        Assert.Equal(0x3E, _pic.Acknowledge());
    }

    [Fact]
    public void Mask_holds_back_a_request_that_stays_visible()
    {
        _pic.Write(MasterData, 0x10);
        _pic.SetIrq(4, true);
        Assert.False(_pic.Output);
        Assert.Equal(0x10, _pic.Read(Master));
        _pic.Write(MasterData, 0x00);
        Assert.True(_pic.Output);
    }

    [Fact]
    public void Edge_triggered_input_interrupts_once()
    {
        _pic.SetIrq(4, true);
        _pic.Acknowledge();
        _pic.Write(Master, 0x20);
        Assert.False(_pic.Output);
    }

    [Fact]
    public void Level_triggered_input_interrupts_while_it_is_high()
    {
        _pic.Write(0x4D0, 0x20);
        _pic.SetIrq(5, true);
        _pic.Acknowledge();
        _pic.Write(Master, 0x20);
        Assert.True(_pic.Output);
        _pic.SetIrq(5, false);
        Assert.False(_pic.Output);
    }

    [Fact]
    public void System_inputs_cannot_be_level_triggered()
    {
        _pic.Write(0x4D0, 0xFF);
        _pic.Write(0x4D1, 0xFF);
        Assert.Equal(0xF8, _pic.Read(0x4D0));
        Assert.Equal(0xDE, _pic.Read(0x4D1));
    }

    [Fact]
    public void Request_that_vanishes_before_its_acknowledge_is_spurious()
    {
        _pic.SetIrq(4, true);
        _pic.SetIrq(4, false);
        Assert.False(_pic.Output);
        Assert.Equal(0x37, _pic.Acknowledge());
        Assert.Equal(0x00, ReadInService(Master));
    }

    [Fact]
    public void Specific_end_clears_the_level_it_names()
    {
        _pic.SetIrq(6, true);
        _pic.Acknowledge();
        _pic.SetIrq(2 - 1, true);
        _pic.Acknowledge();
        Assert.Equal(0x42, ReadInService(Master));
        _pic.Write(Master, 0x66);
        Assert.Equal(0x02, ReadInService(Master));
    }

    [Fact]
    public void Rotation_on_end_makes_the_served_level_the_lowest()
    {
        _pic.SetIrq(0, true);
        _pic.Acknowledge();
        _pic.Write(Master, 0xA0);
        _pic.SetIrq(0, false);
        _pic.SetIrq(0, true);
        _pic.SetIrq(7, true);
        Assert.Equal(0x37, _pic.Acknowledge());
    }

    [Fact]
    public void Set_priority_names_the_lowest_level()
    {
        _pic.Write(Master, 0xC3);
        _pic.SetIrq(3, true);
        _pic.SetIrq(4, true);
        Assert.Equal(0x34, _pic.Acknowledge());
    }

    [Fact]
    public void Automatic_end_leaves_nothing_in_service()
    {
        Initialize(icw4: 0x03);
        _pic.SetIrq(9, true);
        _pic.SetIrq(10, true);
        Assert.Equal(0x39, _pic.Acknowledge());
        Assert.Equal(0x00, ReadInService(Master));
        Assert.Equal(0x3A, _pic.Acknowledge());
    }

    [Fact]
    public void Special_mask_mode_lets_lower_levels_through_a_masked_one_in_service()
    {
        _pic.SetIrq(3, true);
        _pic.Acknowledge();
        _pic.Write(Master, 0x68);
        _pic.Write(MasterData, 0x08);
        _pic.SetIrq(6, true);
        Assert.True(_pic.Output);
        Assert.Equal(0x36, _pic.Acknowledge());
        _pic.Write(Master, 0x20);
        Assert.Equal(0x08, ReadInService(Master));
    }

    [Fact]
    public void Special_fully_nested_master_lets_a_higher_slave_input_interrupt_a_lower()
    {
        Initialize(icw4: 0x11);
        _pic.SetIrq(12, true);
        _pic.Acknowledge();
        _pic.SetIrq(9, true);
        Assert.True(_pic.Output);
        Assert.Equal(0x39, _pic.Acknowledge());
    }

    [Fact]
    public void Fully_nested_master_does_not()
    {
        _pic.SetIrq(12, true);
        _pic.Acknowledge();
        _pic.SetIrq(9, true);
        Assert.False(_pic.Output);
    }

    [Fact]
    public void Poll_acknowledges_and_names_the_level()
    {
        _pic.SetIrq(5, true);
        _pic.Write(Master, 0x0C);
        Assert.Equal(0x85, _pic.Read(Master));
        Assert.False(_pic.Output);
        _pic.Write(Master, 0x0C);
        Assert.Equal(0x00, _pic.Read(Master));
    }

    [Fact]
    public void Initialization_clears_mask_and_service_and_waits_for_a_new_edge()
    {
        _pic.Write(MasterData, 0xFF);
        _pic.SetIrq(4, true);
        Initialize(icw4: 0x01);
        Assert.Equal(0x00, _pic.Read(MasterData));
        Assert.False(_pic.Output);
        _pic.SetIrq(4, false);
        _pic.SetIrq(4, true);
        Assert.True(_pic.Output);
    }

    private byte ReadInService(ushort port)
    {
        _pic.Write(port, 0x0B);
        var value = _pic.Read(port);
        _pic.Write(port, 0x0A);
        return value;
    }

    private void Initialize(byte icw4)
    {
        _pic.Write(Master, 0x11);
        _pic.Write(MasterData, 0x30);
        _pic.Write(MasterData, 0x04);
        _pic.Write(MasterData, icw4);
        _pic.Write(Slave, 0x11);
        _pic.Write(SlaveData, 0x38);
        _pic.Write(SlaveData, 0x02);
        _pic.Write(SlaveData, (byte)(icw4 & 0x03));
    }
}
