using Emu.Cpu.Instrumentation;
using Emu.Machine.Tests.Support;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Machine.Tests.Instrumentation;

/// <summary>Breakpoints and watchpoints end runs exactly where they are, on every engine, and the guest cannot tell.</summary>
public sealed class BreakpointTests
{
    private const uint Counter = 0x9000, Other = 0x9008;
    private const int Rounds = 30_000;

    // Addresses of two instructions in the loop: the first of a block, and one in the middle.
    private uint _loop, _middle;

    [Theory]
    [InlineData(ExecutionEngine.Interpreter)]
    [InlineData(ExecutionEngine.Auto)]
    [InlineData(ExecutionEngine.Jit)]
    public void Breakpoint_stops_before_each_execution_of_its_instruction(ExecutionEngine engine)
    {
        var expected = Uninstrumented(engine);
        using var machine = Counting(engine);
        foreach (var address in new[] { _loop, _middle })
        {
            machine.SetBreakpoints([address]);
            for (var hit = 0; hit < 100; hit++)
            {
                var result = machine.Run(new RunLimits { PassesBreakpoint = true });
                Assert.Equal(StopReason.Breakpoint, result.Reason);
                Assert.Equal(address, Rip(machine));
            }
        }

        Assert.Equal(199u, Read(machine, Counter));
        machine.SetBreakpoints([]);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
        Assert.Equal(expected, machine.StateHash());
    }

    [Theory]
    [InlineData(ExecutionEngine.Interpreter)]
    [InlineData(ExecutionEngine.Auto)]
    [InlineData(ExecutionEngine.Jit)]
    public void Breakpoint_set_on_code_that_has_become_hot_takes_effect_at_once(ExecutionEngine engine)
    {
        var expected = Uninstrumented(engine);
        using var machine = Counting(engine);
        machine.Run(new RunLimits { MaxInstructions = Rounds * 3 });
        var before = Read(machine, Counter);
        machine.SetBreakpoints([_middle]);
        Assert.Equal(StopReason.Breakpoint, machine.Run(RunLimits.None).Reason);
        Assert.InRange(Read(machine, Counter), before, before + 1);
        machine.SetBreakpoints([]);
        machine.Run(RunLimits.None);
        Assert.Equal(expected, machine.StateHash());
    }

    [Fact]
    public void Breakpoint_is_not_passed_unless_that_is_asked_for()
    {
        using var machine = Counting(ExecutionEngine.Auto);
        machine.SetBreakpoints([_loop]);
        machine.Run(RunLimits.None);
        var retired = machine.InstructionsRetired;
        Assert.Equal(StopReason.Breakpoint, machine.Run(RunLimits.None).Reason);
        Assert.Equal(retired, machine.InstructionsRetired);
    }

    [Fact]
    public void Breakpoint_at_the_same_offset_of_another_page_does_not_stop()
    {
        using var machine = Counting(ExecutionEngine.Auto);
        machine.SetBreakpoints([_loop + 0x1000, _middle + 0x7000]);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
    }

    [Theory]
    [InlineData(ExecutionEngine.Interpreter)]
    [InlineData(ExecutionEngine.Auto)]
    [InlineData(ExecutionEngine.Jit)]
    public void Watchpoint_stops_behind_each_write_and_not_at_reads(ExecutionEngine engine)
    {
        var expected = Uninstrumented(engine);
        using var machine = Counting(engine);
        machine.Run(new RunLimits { MaxInstructions = Rounds * 2 });
        var first = Read(machine, Counter);
        machine.SetWatchpoints([new Watchpoint(Counter + 3, 1, WatchedAccess.Write)]);
        for (var hit = 1u; hit <= 50; hit++)
        {
            var result = machine.Run(RunLimits.None);
            Assert.Equal(StopReason.Watchpoint, result.Reason);
            Assert.Equal(new WatchpointHit(new Watchpoint(Counter + 3, 1, WatchedAccess.Write), Counter, 4, WatchedAccess.Any), result.Hit);
            Assert.Equal(_middle, Rip(machine));
            Assert.Equal(first + hit, Read(machine, Counter));
        }

        machine.SetWatchpoints([]);
        machine.Run(RunLimits.None);
        Assert.Equal(expected, machine.StateHash());
    }

    [Theory]
    [InlineData(ExecutionEngine.Interpreter)]
    [InlineData(ExecutionEngine.Auto)]
    [InlineData(ExecutionEngine.Jit)]
    public void Watchpoint_on_reads_sees_a_plain_read(ExecutionEngine engine)
    {
        var expected = Uninstrumented(engine);
        using var machine = Counting(engine);
        machine.Run(new RunLimits { MaxInstructions = Rounds * 2 });
        machine.SetWatchpoints([new Watchpoint(Other, 4, WatchedAccess.Read)]);
        for (var hit = 0; hit < 20; hit++)
            Assert.Equal(WatchedAccess.Read, machine.Run(RunLimits.None).Hit?.Access);
        machine.SetWatchpoints([new Watchpoint(Other, 4, WatchedAccess.Write)]);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
        Assert.Equal(expected, machine.StateHash());
    }

    [Fact]
    public void Neighbours_in_a_watched_page_do_not_stop()
    {
        using var machine = Counting(ExecutionEngine.Auto);
        machine.SetWatchpoints([new Watchpoint(Counter + 4, 4, WatchedAccess.Any), new Watchpoint(Counter - 4, 4, WatchedAccess.Any)]);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
    }

    [Fact]
    public void Watched_stack_stops_behind_the_push_of_a_call()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 4 << 20 });
        machine.Load(CodeKernel.Of(Assemble(static a =>
        {
            var function = a.CreateLabel();
            a.mov(esp, 0x8000);
            a.call(function);
            a.hlt();
            a.Label(ref function);
            a.ret();
        })), [], null);
        machine.SetWatchpoints([new Watchpoint(0x7FFC, 4, WatchedAccess.Any)]);
        Assert.Equal(WatchedAccess.Write, machine.Run(RunLimits.None).Hit?.Access);
        Assert.Equal(2UL, machine.InstructionsRetired);
        Assert.Equal(WatchedAccess.Read, machine.Run(RunLimits.None).Hit?.Access);
        Assert.Equal(3UL, machine.InstructionsRetired);
    }

    private byte[] Uninstrumented(ExecutionEngine engine)
    {
        using var machine = Counting(engine);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
        return machine.StateHash();
    }

    private PvhMachine Counting(ExecutionEngine engine)
    {
        var machine = new PvhMachine(new MachineOptions { MemorySize = 4 << 20, Engine = engine });
        machine.Load(CodeKernel.Of(Assemble(a =>
        {
            var again = a.CreateLabel();
            a.mov(ecx, Rounds);
            a.Label(ref again);
            a.mov(eax, __dword_ptr[Other]);
            a.add(eax, ecx);
            a.inc(__dword_ptr[Counter]);
            a.add(edx, eax);
            a.dec(ecx);
            a.jne(again);
            a.mov(__byte_ptr[(uint)AddressMap.SleepRegisters], 0x34);
            a.hlt();
        })), [], null);
        // mov ecx is five bytes; the read, the addition and the increment are five, two and six.
        _loop = CodeKernel.Entry + 5;
        _middle = _loop + 5 + 2 + 6;
        return machine;
    }

    private static unsafe ulong Rip(PvhMachine machine) => machine.Vcpu.State->Rip;

    private static uint Read(PvhMachine machine, uint address)
    {
        var bytes = new byte[4];
        machine.Ram.Read(address, bytes);
        return BitConverter.ToUInt32(bytes);
    }

    private static byte[] Assemble(Action<Assembler> write)
    {
        var assembler = new Assembler(32);
        write(assembler);
        using var code = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(code), CodeKernel.Entry);
        return code.ToArray();
    }
}
