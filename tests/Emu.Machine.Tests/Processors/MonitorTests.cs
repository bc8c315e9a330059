using Emu.Machine.Tests.Support;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Machine.Tests.Processors;

/// <summary>MWAIT on a machine: who wakes the waiting processor, and what the wait costs.</summary>
public sealed class MonitorTests
{
    private const uint Mailbox = 0x9000, Trampoline = 0x8000, LocalApic = 0xFEE0_0000;

    [Fact]
    public void Another_processors_store_ends_the_wait()
    {
        // Real mode: says that it is there, waits for the mailbox, counts its wakings, answers.
        var other = Assemble(16, Trampoline, static a =>
        {
            var again = a.CreateLabel();
            var done = a.CreateLabel();
            a.xor(ax, ax);
            a.mov(ds, ax);
            a.mov(__byte_ptr[Mailbox + 0x80], 1);
            a.Label(ref again);
            a.mov(ax, unchecked((short)Mailbox));
            a.xor(ecx, ecx);
            a.xor(edx, edx);
            a.monitor();
            a.cmp(__byte_ptr[Mailbox], 0);
            a.jne(done);
            a.mwait();
            a.inc(__word_ptr[Mailbox + 0x82]);
            a.jmp(again);
            a.Label(ref done);
            a.mov(__byte_ptr[Mailbox + 0x81], 1);
            a.cli();
            a.hlt();
        });
        var boot = Assemble(32, CodeKernel.Entry, a =>
        {
            for (var i = 0; i < other.Length; i++)
                a.mov(__byte_ptr[Trampoline + (uint)i], other[i]);
            a.mov(__dword_ptr[LocalApic + 0x310], 1 << 24);
            a.mov(__dword_ptr[LocalApic + 0x300], 0x4500);
            a.mov(__dword_ptr[LocalApic + 0x300], 0x4600 | Trampoline >> 12);
            WaitFor(a, Mailbox + 0x80);
            var spin = a.CreateLabel();
            a.mov(ecx, 200_000);
            a.Label(ref spin);
            a.dec(ecx);
            a.jne(spin);
            a.mov(__byte_ptr[Mailbox], 1);
            WaitFor(a, Mailbox + 0x81);
            a.mov(eax, __dword_ptr[Mailbox + 0x82]);
            a.@out(0xF4, al);
        });
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 4 << 20, Vcpus = 2 });
        machine.Load(CodeKernel.Of(boot), [], null);

        var result = machine.Run(new RunLimits { MaxInstructions = 5_000_000 });

        Assert.Equal(StopReason.DebugExit, result.Reason);
        Assert.Equal((1 << 1) | 1, result.ExitCode);
        Assert.InRange(machine.Vcpus[1].InstructionsRetired, 1UL, 100UL);
    }

    private static void WaitFor(Assembler a, uint flag)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.pause();
        a.cmp(__byte_ptr[flag], 0);
        a.je(again);
    }

    private static byte[] Assemble(int bits, uint address, Action<Assembler> write)
    {
        var assembler = new Assembler(bits);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
