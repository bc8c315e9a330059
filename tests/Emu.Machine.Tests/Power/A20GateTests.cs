using Emu.Machine.Power;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Power;

public class A20GateTests
{
    private readonly List<bool> _changes = [];
    private readonly SystemControlA _port;
    private readonly KeyboardController _controller;

    public A20GateTests()
    {
        var gate = new A20Gate(_changes.Add);
        _port = new SystemControlA(new RecordingPower(), gate);
        _controller = new KeyboardController(new RecordingPower(), gate);
    }

    [Fact]
    public void Gate_is_open_at_first_and_only_changes_are_reported()
    {
        Assert.Equal(0x02, _port.Read(0x92));
        _port.Write(0x92, 0x02);
        Assert.Empty(_changes);
        _port.Write(0x92, 0x00);
        _port.Write(0x92, 0x02);
        Assert.Equal([false, true], _changes);
    }

    [Fact]
    public void Either_port_shows_what_the_other_did()
    {
        _controller.Write(0x64, 0xD1);
        _controller.Write(0x60, 0xDD);
        Assert.Equal(0x00, _port.Read(0x92));
        _port.Write(0x92, 0x02);
        _controller.Write(0x64, 0xD0);
        Assert.Equal(0x02, _controller.Read(0x60) & 0x02);
        _controller.Write(0x64, 0xDD);
        Assert.Equal(0x00, _port.Read(0x92));
        _controller.Write(0x64, 0xDF);
        Assert.Equal([false, true, false, true], _changes);
    }

    [Fact]
    public void Closed_gate_makes_the_second_mebibyte_look_like_the_first()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 8 << 20 });
        // mov eax, 1; mov [0x300000], eax; mov [0x200000], ebx (0); xor al, al; out 0x92, al; mov ecx, [0x300000];
        // mov al, 2; out 0x92, al; mov edx, [0x300000]; cli; hlt
        byte[] code =
        [
            0xB8, 1, 0, 0, 0, 0xA3, 0, 0, 0x30, 0, 0x31, 0xDB, 0x89, 0x1D, 0, 0, 0x20, 0, 0x30, 0xC0, 0xE6, 0x92,
            0x8B, 0x0D, 0, 0, 0x30, 0, 0xB0, 2, 0xE6, 0x92, 0x8B, 0x15, 0, 0, 0x30, 0, 0xFA, 0xF4,
        ];
        // The gate would take the kernel at 1 MiB away from under it: both mebibytes hold the same.
        machine.Load(CodeKernel.Of(code), [], null);
        machine.Ram.Write(CodeKernel.Entry & ~(1u << 20), code);
        machine.Run(new RunLimits { MaxInstructions = 100 });
        unsafe
        {
            Assert.Equal((0UL, 1UL), (machine.Vcpu.State->Registers[1], machine.Vcpu.State->Registers[2]));
        }
    }
}
