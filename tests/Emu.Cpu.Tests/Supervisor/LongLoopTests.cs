using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Instructions that go on to the next block by themselves: each that did not by a tail call would use up the host's stack.</summary>
public sealed class LongLoopTests
{
    private const int Rounds = 500_000;

    [Fact]
    public void Port_reads_calls_and_jumps_go_on_without_growing_the_stack()
    {
        using var guest = Guest.Long();
        guest.Assemble(a =>
        {
            var again = a.CreateLabel();
            var called = a.CreateLabel();
            a.mov(ecx, Rounds);
            a.Label(ref again);
            a.@in(al, 0x80);
            a.call(called);
            a.dec(ecx);
            a.jne(again);
            a.hlt();
            a.Label(ref called);
            a.ret();
        });
        Assert.Equal(RunExit.Halted, guest.Run(Rounds * 10UL));
        Assert.Equal(0UL, guest.Rcx);
    }
}
