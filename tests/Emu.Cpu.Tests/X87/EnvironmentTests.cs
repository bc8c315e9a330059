using Emu.Cpu.Execution;
using Emu.Cpu.Tests.Vector;
using Xunit;

namespace Emu.Cpu.Tests.X87;

/// <summary>The images of FNSTENV and FNSAVE (SDM Vol. 1, 8.1.10).</summary>
public sealed unsafe class EnvironmentTests
{
    private static readonly byte[] Fnstenv = [0xD9, 0x37];
    private static readonly byte[] Fnsave = [0xDD, 0x37];
    private static readonly byte[] FnsaveShort = [0x66, 0xDD, 0x37];
    private static readonly byte[] Frstor = [0xDD, 0x27];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_saved_state_comes_back_whole(bool isShort)
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        for (var i = 0; i < 8; i++)
        {
            s->X87.Registers[i * 2] = 0x8000_0000_0000_0000 + (ulong)i;
            s->X87.Registers[i * 2 + 1] = (ulong)(0x4000 + i);
        }
        s->X87.Control = 0x27F;
        s->X87.Status = 0x2D20;
        s->X87.Valid = 0xA5;
        s->X87.LastInstruction = 0x1234;
        s->X87.LastOperand = 0x5678;
        s->Registers[7] = SingleInstruction.OperandAddress;
        var before = s->X87;
        Assert.Equal(-1, machine.Execute(isShort ? FnsaveShort : Fnsave));
        Assert.Equal(0x37F, s->X87.Control);
        Assert.Equal(0, s->X87.Valid);
        Assert.Equal(-1, machine.Execute(isShort ? [0x66, .. Frstor] : Frstor));
        for (var i = 0; i < 16; i++)
            Assert.Equal(before.Registers[i], s->X87.Registers[i]);
        Assert.Equal((before.Control, before.Status, before.Valid), (s->X87.Control, s->X87.Status, s->X87.Valid));
        Assert.Equal((before.LastInstruction, before.LastOperand), (s->X87.LastInstruction, s->X87.LastOperand));
    }

    [Fact]
    public void Pointers_name_the_last_instruction_and_operand()
    {
        using var machine = new SingleInstruction();
        machine.SetMode(CodeMode.Code32);
        var s = machine.State;
        s->X87.Control = 0x37B;
        s->Registers[7] = SingleInstruction.OperandAddress;
        s->Segments[1].Selector = 0x10;
        s->Segments[3].Selector = 0x18;
        machine.OperandBytes(64).Clear();
        *(float*)(machine.Operand + 8) = 0;
        s->X87.Valid = 0x01;
        s->X87.Registers[0] = 1UL << 63;
        s->X87.Registers[1] = 0x3FFF;
        // fdiv dword [edi+8]: division by zero, unmasked.
        Assert.Equal(-1, machine.Execute([0xD8, 0x77, 0x08]));
        Assert.Equal(0x8084, s->X87.Status);
        Assert.Equal(ExceptionVector.FloatingPoint, machine.Execute([0x9B]));
        Assert.Equal(-1, machine.Execute(Fnstenv));
        var image = (uint*)machine.Operand;
        Assert.Equal((uint)SingleInstruction.CodeAddress, image[3]);
        Assert.Equal(0x0077_0010u, image[4]);
        Assert.Equal((uint)SingleInstruction.OperandAddress + 8, image[5]);
        Assert.Equal(0xFFFF_0018u, image[6]);
    }
}
