using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>What CR0.EM, CR0.TS, CR4.OSFXSR and pending exceptions do to each kind of instruction (SDM Vol. 3, 2.5 and 13.1).</summary>
public sealed unsafe class AvailabilityTests
{
    private const ulong Em = Cr0.Em, Ts = Cr0.Ts, Osfxsr = Cr4.Osfxsr;
    private const int UD = ExceptionVector.InvalidOpcode, NM = ExceptionVector.DeviceNotAvailable, MF = ExceptionVector.FloatingPoint, None = -1;

    [Theory]
    [InlineData("addps xmm0, xmm1", "0F58C1", 0, 0, None)]
    [InlineData("addps xmm0, xmm1", "0F58C1", Em, 0, UD)]
    [InlineData("addps xmm0, xmm1", "0F58C1", Ts, 0, NM)]
    [InlineData("addps xmm0, xmm1", "0F58C1", Em | Ts, 0, UD)]
    [InlineData("addps xmm0, xmm1", "0F58C1", 0, Osfxsr, UD)]
    [InlineData("addps xmm0, xmm1", "0F58C1", Ts, Osfxsr, UD)]
    [InlineData("movaps xmm0, [rdi+1]", "0F284701", Ts, 0, NM)]
    [InlineData("movaps [rdi], xmm0", "0F2907", Ts, 0, NM)]
    [InlineData("movd eax, xmm0", "660F7EC0", Ts, 0, NM)]
    [InlineData("ucomisd xmm0, xmm1", "660F2EC1", Ts, 0, NM)]
    [InlineData("ldmxcsr [rdi]", "0FAE17", Em, 0, UD)]
    [InlineData("stmxcsr [rdi]", "0FAE1F", 0, Osfxsr, UD)]
    [InlineData("movnti [rdi], eax", "0FC307", Em | Ts, Osfxsr, None)]
    [InlineData("paddb mm0, mm1", "0FFCC1", Em, 0, UD)]
    [InlineData("paddb mm0, mm1", "0FFCC1", Ts, 0, NM)]
    [InlineData("paddb mm0, mm1", "0FFCC1", 0, Osfxsr, None)]
    [InlineData("emms", "0F77", Ts, 0, NM)]
    [InlineData("emms", "0F77", Em, 0, UD)]
    [InlineData("fld1", "D9E8", Em, 0, NM)]
    [InlineData("fld1", "D9E8", Ts, 0, NM)]
    [InlineData("fld1", "D9E8", 0, Osfxsr, None)]
    [InlineData("fninit", "DBE3", Ts, 0, NM)]
    [InlineData("fnstsw ax", "DFE0", Em, 0, NM)]
    [InlineData("fxsave [rdi]", "0FAE07", Ts, 0, NM)]
    [InlineData("fxsave [rdi]", "0FAE07", Em, 0, NM)]
    [InlineData("wait", "9B", Ts, 0, NM)]
    [InlineData("wait", "9B", Em, 0, None)]
    public void An_instruction_needs_what_the_control_registers_grant(string text, string bytes, ulong cr0Set, ulong cr4Cleared, int vector)
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->Cr0 |= cr0Set;
        s->Cr4 &= ~cr4Cleared;
        s->Mxcsr = 0x1F80;
        s->Registers[7] = SingleInstruction.OperandAddress;
        Assert.True(vector == machine.Execute(Convert.FromHexString(bytes)), text);
    }

    [Theory]
    [InlineData("fld1", "D9E8", MF)]
    [InlineData("wait", "9B", MF)]
    [InlineData("fldcw [rdi]", "D92F", MF)]
    [InlineData("paddb mm0, mm1", "0FFCC1", MF)]
    [InlineData("emms", "0F77", MF)]
    [InlineData("fninit", "DBE3", None)]
    [InlineData("fnclex", "DBE2", None)]
    [InlineData("fnstsw ax", "DFE0", None)]
    [InlineData("fnstcw [rdi]", "D93F", None)]
    [InlineData("fnstenv [rdi]", "D937", None)]
    [InlineData("fnsave [rdi]", "DD37", None)]
    [InlineData("fxsave [rdi]", "0FAE07", None)]
    [InlineData("addps xmm0, xmm1", "0F58C1", None)]
    public void A_pending_exception_is_reported_by_instructions_that_wait(string text, string bytes, int vector)
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->X87.Control = 0x37E;
        s->X87.Status = 0x8081;
        s->Mxcsr = 0x1F80;
        s->Registers[7] = SingleInstruction.OperandAddress;
        Assert.True(vector == machine.Execute(Convert.FromHexString(bytes)), text);
    }

    [Fact]
    public void An_unmasked_exception_without_a_handler_is_an_invalid_opcode()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->Mxcsr = 0;
        s->Vectors[0] = BitConverter.DoubleToUInt64Bits(1);
        s->Vectors[4] = 0;
        byte[] divide = [0xF2, 0x0F, 0x5E, 0xC1];
        Assert.Equal(ExceptionVector.SimdFloatingPoint, machine.Execute(divide));
        s->Cr4 &= ~Cr4.Osxmmexcpt;
        Assert.Equal(ExceptionVector.InvalidOpcode, machine.Execute(divide));
        Assert.Equal(BitConverter.DoubleToUInt64Bits(1), s->Vectors[0]);
        Assert.Equal(4u, s->Mxcsr);
    }

    [Fact]
    public void A_masked_store_writes_the_chosen_bytes_alone()
    {
        using var machine = new SingleInstruction();
        var s = machine.State;
        s->Registers[7] = SingleInstruction.OperandAddress + 4090;
        machine.OperandBytes(8192).Fill(0xEE);
        s->Vectors[0] = 0x0706_0504_0302_0100;
        s->Vectors[1] = 0x0F0E_0D0C_0B0A_0908;
        s->Vectors[4] = 0x8000_0000_0000_0080;
        s->Vectors[5] = 0x7F7F_8000_0000_0000;
        Assert.Equal(-1, machine.Execute([0x66, 0x0F, 0xF7, 0xC1]));
        var expected = new byte[16];
        expected.AsSpan().Fill(0xEE);
        expected[0] = 0;
        expected[7] = 7;
        expected[13] = 13;
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(machine.OperandBytes(8192).Slice(4090, 16)));
    }
}
