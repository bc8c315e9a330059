using Emu.Cpu.State;
using Emu.Cpu.Tests.Vector;
using Xunit;

namespace Emu.Cpu.Tests.ExtendedState;

/// <summary>Formats of the XSAVE family that processors choose; what all agree on is held against the host's processor.</summary>
public sealed unsafe class StateAreaTests
{
    private const int AreaBytes = 832;
    private const int HeaderAt = 512;

    [Fact]
    public void Xsaveopt_does_not_write_what_is_in_its_initial_configuration()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->X87 = new X87State { Control = 0x37F };
        s->Mxcsr = 0x1F80;
        s->Vectors[0] = 42;
        s->Registers[0] = 7;
        s->Registers[2] = 0;
        s->Registers[7] = SingleInstruction.OperandAddress;
        machine.OperandBytes(AreaBytes).Fill(0xAA);
        machine.OperandBytes(AreaBytes)[HeaderAt..(HeaderAt + 64)].Clear();
        Assert.Equal(-1, machine.Execute([0x48, 0x0F, 0xAE, 0x37]));
        var area = machine.OperandBytes(AreaBytes);
        Assert.Equal(2, area[HeaderAt]);
        Assert.Equal(0xAA, area[0]);
        Assert.Equal(42, area[160]);
        Assert.Equal(0xAA, area[576]);
    }

    [Fact]
    public void Xsavec_names_its_format_and_its_components()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->X87 = new X87State { Control = 0x37F };
        s->Mxcsr = 0x1F80;
        s->Vectors[2] = 42;
        s->Registers[0] = 7;
        s->Registers[2] = 0;
        s->Registers[7] = SingleInstruction.OperandAddress;
        machine.OperandBytes(AreaBytes).Fill(0xAA);
        Assert.Equal(-1, machine.Execute([0x48, 0x0F, 0xC7, 0x27]));
        var area = machine.OperandBytes(AreaBytes);
        Assert.Equal(4ul, BitConverter.ToUInt64(area[HeaderAt..]));
        Assert.Equal(0x8000_0000_0000_0007ul, BitConverter.ToUInt64(area[(HeaderAt + 8)..]));
        Assert.Equal(42, area[576]);
    }
}
