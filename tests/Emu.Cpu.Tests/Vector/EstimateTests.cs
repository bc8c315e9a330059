using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>RCPPS and RSQRTPS: the SDM bounds their relative error by 1.5 × 2^−12 and leaves the rest to the processor.</summary>
public sealed unsafe class EstimateTests
{
    private const double Bound = 1.5 / 4096;

    [Theory]
    [InlineData("rcpps xmm0, xmm1", 0x53)]
    [InlineData("rsqrtps xmm0, xmm1", 0x52)]
    public void An_estimate_is_within_the_bound(string name, byte opcode)
    {
        using var machine = new SingleInstruction();
        var random = new Random(opcode);
        var s = machine.State;
        var results = (float*)s->Vectors;
        var operands = (float*)(s->Vectors + 4);
        machine.Prepare([0x0F, opcode, 0xC1]);
        for (var round = 0; round < 20_000; round++)
        {
            for (var i = 0; i < 4; i++)
                operands[i] = (float)((1 + random.NextDouble()) * Math.Pow(2, random.Next(-100, 100)));
            Assert.Equal(-1, machine.Run());
            for (var i = 0; i < 4; i++)
            {
                var exact = opcode == 0x53 ? 1.0 / operands[i] : 1.0 / Math.Sqrt(operands[i]);
                Assert.True(Math.Abs(results[i] / exact - 1) <= Bound, $"{name}: {operands[i]} gives {results[i]}");
            }
        }
    }
}
