using Emu.Machine.Power;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Power;

public class PowerTests
{
    private readonly RecordingPower _power = new();
    private readonly A20Gate _a20 = new(_ => { });

    [Theory]
    [InlineData(0UL, 0x34, "off")]
    [InlineData(0UL, 0x14, null)] // without SLP_EN
    [InlineData(0UL, 0x2C, null)] // S3 is not offered
    [InlineData(2UL, 0x42, "reset")]
    [InlineData(2UL, 0x41, null)]
    [InlineData(1UL, 0x34, null)]
    public void Sleep_registers_switch_off_and_reset(ulong offset, byte value, string? expected)
    {
        new SleepRegisters(_power).Write(offset, 1, value);
        Assert.Equal(expected is null ? [] : [expected], _power.Requests);
    }

    [Theory]
    [InlineData(new byte[] { 0x06 }, 1)]
    [InlineData(new byte[] { 0x02, 0x06 }, 1)]
    [InlineData(new byte[] { 0x02, 0x00 }, 0)]
    public void Reset_control_resets_on_the_rising_bit(byte[] writes, int resets)
    {
        var control = new ResetControl(_power);
        foreach (var value in writes)
            control.Write(0xCF9, 1, value);
        Assert.Equal(resets, _power.Requests.Count);
    }

    [Fact]
    public void Search_for_pci_devices_does_not_reset()
    {
        var control = new ResetControl(_power);
        for (uint function = 0; function < 256; function++)
            control.Write(0xCF8, 4, 0x8000_0000 | (function << 8));
        Assert.Empty(_power.Requests);
        Assert.Equal(uint.MaxValue, control.Read(0xCF8, 4));
    }

    [Fact]
    public void System_control_a_resets_on_its_lowest_bit_and_keeps_the_a20_bit()
    {
        var port = new SystemControlA(_power, _a20);
        Assert.Equal(0x02, port.Read(0x92));
        port.Write(0x92, 0x00);
        Assert.Equal(0x00, port.Read(0x92));
        port.Write(0x92, 0x01);
        Assert.Equal(["reset"], _power.Requests);
    }

    [Fact]
    public void Keyboard_controller_and_system_control_a_share_the_a20_gate()
    {
        List<bool> changes = [];
        var gate = new A20Gate(changes.Add);
        var controller = new KeyboardController(_power, gate);
        var port = new SystemControlA(_power, gate);
        port.Write(0x92, 0x00);
        Assert.False(gate.IsOpen);
        controller.Write(0x64, 0xD0);
        Assert.Equal(0x01, controller.Read(0x60));
        controller.Write(0x64, 0xDF);
        Assert.Equal(0x02, port.Read(0x92));
        controller.Write(0x64, 0xD1);
        controller.Write(0x60, 0x01);
        Assert.Equal(0x00, port.Read(0x92));
        controller.Write(0x64, 0xDD);
        Assert.Equal([false, true, false], changes);
    }

    [Theory]
    [InlineData(0U, "exit 1")]
    [InlineData(16U, "exit 33")]
    public void Debug_exit_doubles_and_adds_one(uint value, string expected)
    {
        new DebugExit(_power).Write(0xF4, 1, value);
        Assert.Equal([expected], _power.Requests);
    }

    [Fact]
    public void Keyboard_controller_passes_its_self_test()
    {
        var controller = new KeyboardController(_power, _a20);
        Assert.Equal(0x14, controller.Read(0x64));
        controller.Write(0x64, 0xAA);
        Assert.Equal(0x01, controller.Read(0x64) & 0x01);
        Assert.Equal(0x55, controller.Read(0x60));
        Assert.Equal(0x00, controller.Read(0x64) & 0x01);
    }

    [Fact]
    public void Keyboard_controller_keeps_its_command_byte()
    {
        var controller = new KeyboardController(_power, _a20);
        controller.Write(0x64, 0x60);
        controller.Write(0x60, 0x65);
        controller.Write(0x64, 0x20);
        Assert.Equal(0x65, controller.Read(0x60));
    }

    [Fact]
    public void Byte_for_the_missing_keyboard_times_out()
    {
        var controller = new KeyboardController(_power, _a20);
        controller.Write(0x60, 0xFF);
        Assert.Equal(0x41, controller.Read(0x64) & 0x41);
        Assert.Equal(0xFE, controller.Read(0x60));
    }

    [Fact]
    public void Keyboard_controller_pulses_the_reset_line()
    {
        var controller = new KeyboardController(_power, _a20);
        controller.Write(0x64, 0xFF);
        Assert.Empty(_power.Requests);
        controller.Write(0x64, 0xFE);
        Assert.Equal(["reset"], _power.Requests);
    }

    [Fact]
    public void First_request_counts()
    {
        var stops = 0;
        var power = new PowerSwitch(() => stops++);
        power.Exit(33);
        power.PowerOff();
        Assert.Equal(new RunResult(StopReason.DebugExit, 33), power.Requested);
        Assert.Equal(2, stops);
    }

    [Theory]
    [InlineData(StopReason.PoweredOff, 0, 0)]
    [InlineData(StopReason.Rebooted, 0, 0)]
    [InlineData(StopReason.Crashed, 0, 3)]
    [InlineData(StopReason.LimitReached, 0, 4)]
    [InlineData(StopReason.Cancelled, 0, 4)]
    [InlineData(StopReason.DebugExit, 33, 33)]
    public void Exit_code_follows_the_reason(StopReason reason, int code, int expected) =>
        Assert.Equal(expected, new RunResult(reason, code).ExitCode);
}
