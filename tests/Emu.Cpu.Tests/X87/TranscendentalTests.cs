using Emu.Cpu.Tests.Vector;
using Xunit;

namespace Emu.Cpu.Tests.X87;

/// <summary>Functions whose last bit is the processor's own: the host's result lies within one unit of ours, and all else is equal.</summary>
[Collection("Host processor")]
public sealed unsafe class TranscendentalTests
{
    [SkippableTheory]
    [InlineData("fsin", 0xFE, 0)]
    [InlineData("fcos", 0xFF, 0)]
    [InlineData("fptan", 0xF2, 1)]
    [InlineData("fpatan", 0xF3, 0)]
    [InlineData("f2xm1", 0xF0, 0)]
    [InlineData("fyl2x", 0xF1, 0)]
    public void A_result_is_within_one_unit_of_the_hosts(string name, byte opcode, int index)
    {
        using var differential = new HostComparison { Unmasks = false };
        var random = new Random(opcode);
        var results = 0;
        for (var i = 0; i < 2000; i++)
        {
            differential.Randomize(random);
            var fx = differential.State->Before;
            // The whole stack is ordinary: |x| in [2^-20, 1); 64-bit precision, to nearest; one register is free for a push.
            *(ushort*)fx = 0x37F;
            *(ushort*)(fx + 2) = 0;
            fx[4] = 0x7F;
            for (var register = 0; register < 8; register++)
            {
                *(ulong*)(fx + 32 + register * 16) |= 1UL << 63;
                *(ushort*)(fx + 40 + register * 16) = (ushort)(0x3FFE - random.Next(20) | (opcode == 0xF1 ? 0 : random.Next(2) << 15));
            }
            differential.Run([0xD9, opcode]);
            var s = differential.Machine.State;
            var host = differential.State->After;
            Assert.Equal(*(ushort*)(host + 2) & ~0x200, s->X87.Status & ~0x200);
            var physical = ((s->X87.Status >> 11) + index) & 7;
            var distance = (long)(s->X87.Registers[physical * 2] - *(ulong*)(host + 32 + index * 16));
            if ((s->X87.Registers[physical * 2 + 1] & 0xFFFF) == *(ushort*)(host + 40 + index * 16))
            {
                Assert.True(distance is >= -1 and <= 1, $"{name}: {distance} units apart");
                results++;
            }
        }
        Assert.True(results > 1900, $"{results} comparable results");
    }
}
