using Emu.Cpu.Compilation;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Compilation;

public sealed class TieredCompilerTests
{
    private const int Rounds = 1000;

    [Fact]
    public void A_loop_is_compiled_and_gives_what_the_interpreter_gives()
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(TieringLimits.Immediate);
        guest.Assemble(Sum);

        Assert.Equal(RunExit.Halted, guest.Run(Rounds * 10));

        Assert.Equal(Rounds * (Rounds + 1) / 2, (long)guest.Rax);
        Assert.Equal(Rounds * 3 + 3, (long)guest.Vcpu.InstructionsRetired);
        Assert.InRange(CompiledBy(guest), Rounds * 2UL, guest.Vcpu.InstructionsRetired);
        Assert.Equal(0, compiler.Failures);
    }

    [Fact]
    public void The_compilers_own_thread_puts_a_region_in_place_while_the_guest_runs()
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(new TieringLimits { Executions = 100 });
        guest.Assemble(a =>
        {
            var again = a.CreateLabel();
            a.Label(ref again);
            a.inc(rax);
            a.jmp(again);
        });

        // It is not known when: the loop runs on until then.
        while (compiler.RegionCount == 0)
            Assert.Equal(RunExit.LimitReached, guest.Run(1_000_000));
        var before = CompiledBy(guest);
        Assert.Equal(RunExit.LimitReached, guest.Run(1_000_001));

        Assert.InRange(CompiledBy(guest) - before, 999_990UL, 1_000_001UL);
        Assert.Equal((guest.Vcpu.InstructionsRetired + 1) / 2, guest.Rax);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    public void A_run_ends_at_its_very_instruction_inside_a_region(int distance)
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(TieringLimits.Immediate);
        guest.Assemble(Sum);
        guest.Run(100);

        while (guest.Run((ulong)distance) == RunExit.LimitReached)
            Assert.Equal(0UL, (guest.Vcpu.InstructionsRetired - 100) % (ulong)distance);

        Assert.Equal(Rounds * (Rounds + 1) / 2, (long)guest.Rax);
        Assert.Equal(Rounds * 3 + 3, (long)guest.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void Code_that_changes_takes_its_region_with_it()
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(TieringLimits.Immediate);
        guest.Assemble(a =>
        {
            // The loop adds 1 a round; every 100 rounds the immediate byte of its ADD is increased.
            var again = a.CreateLabel();
            var inner = a.CreateLabel();
            a.mov(ecx, 20);
            a.xor(esi, esi);
            a.Label(ref again);
            a.mov(edx, 100);
            a.Label(ref inner);
            a.add(rsi, 1);
            a.dec(edx);
            a.jne(inner);
            a.lea(rbx, __[inner]);
            a.inc(__byte_ptr[rbx + 3]);
            a.dec(ecx);
            a.jne(again);
            a.mov(rax, rsi);
            a.hlt();
        });

        Assert.Equal(RunExit.Halted, guest.Run(100_000));

        Assert.Equal(100UL * (20 * 21 / 2), guest.Rax);
        Assert.InRange(compiler.RegionCount, 10, 1000);
    }

    [Fact]
    public void Regions_beyond_the_limit_are_given_up_and_change_nothing()
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(TieringLimits.Immediate with { TotalInstructions = 100 });
        guest.Assemble(a =>
        {
            // Forty loops one after the other, all of them five times.
            var again = a.CreateLabel();
            a.xor(eax, eax);
            a.mov(ebx, 5);
            a.Label(ref again);
            for (var i = 0; i < 40; i++)
            {
                var loop = a.CreateLabel();
                a.mov(ecx, 50);
                a.Label(ref loop);
                a.add(rax, rcx);
                a.dec(ecx);
                a.jne(loop);
            }
            a.dec(ebx);
            a.jne(again);
            a.hlt();
        });

        while (guest.Run(500) == RunExit.LimitReached)
            Assert.InRange(compiler.LiveInstructions, 0, 100 + 200);

        Assert.Equal(5UL * 40 * (50 * 51 / 2), guest.Rax);
        Assert.InRange(compiler.InstructionCount, 200, long.MaxValue);
    }

    [Fact]
    public void A_fault_in_a_region_finds_the_state_of_its_instruction()
    {
        using var guest = Guest.Long();
        using var compiler = guest.Compile(TieringLimits.Immediate);
        guest.Assemble(a =>
        {
            // Walks upwards until a page is not mapped.
            var again = a.CreateLabel();
            a.mov(edx, 0x3F_0000);
            a.Label(ref again);
            a.inc(eax);
            a.add(__dword_ptr[rdx], 1);
            a.add(edx, 64);
            a.jmp(again);
        });

        guest.Run(100_000);

        Assert.Equal(14, guest.Delivered[0].Vector);
        Assert.Equal(0x40_0000UL, Cr2Of(guest));
        Assert.Equal(0x40_0000UL, guest.Rdx);
        Assert.Equal(0x1_0000UL / 64 + 1, guest.Rax);
    }

    private static void Sum(Assembler a)
    {
        var again = a.CreateLabel();
        a.mov(ecx, Rounds);
        a.xor(eax, eax);
        a.Label(ref again);
        a.add(rax, rcx);
        a.dec(ecx);
        a.jne(again);
        a.hlt();
    }

    private static unsafe ulong Cr2Of(Guest guest) => guest.State->Cr2;

    private static unsafe ulong CompiledBy(Guest guest) => guest.State->Compiled;
}
