using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>What the one word that instructions test says, and where the vector registers lie.</summary>
public sealed unsafe class RegisterSetTests
{
    [Fact]
    public void Every_write_of_a_control_register_opens_and_closes_register_sets()
    {
        var state = default(CpuState);
        for (var combination = 0; combination < 64; combination++)
        {
            bool em = (combination & 1) != 0, ts = (combination & 2) != 0, osfxsr = (combination & 4) != 0, osxsave = (combination & 8) != 0;
            state.Cr0 = (em ? Cr0.Em : 0) | (ts ? Cr0.Ts : 0);
            state.Cr4 = (osfxsr ? Cr4.Osfxsr : 0) | (osxsave ? Cr4.Osxsave : 0);
            state.Xcr0 = 1 | (ulong)(combination >> 4) << 1;
            Assert.Equal(em || ts, (state.Unavailable & RegisterSets.Fpu) != 0);
            Assert.Equal(em || ts || !osfxsr, (state.Unavailable & RegisterSets.Sse) != 0);
            Assert.Equal(ts || !osxsave || combination >> 4 != 3, (state.Unavailable & RegisterSets.Avx) != 0);
        }
    }

    [Fact]
    public void Vector_registers_lie_where_the_constant_says_and_across_no_cache_line()
    {
        var state = default(CpuState);
        Assert.Equal(CpuState.VectorsOffset, (byte*)state.Vectors - (byte*)&state);
        Assert.Equal(0, CpuState.VectorsOffset % 32);
    }
}
