using Emu.Cpu.Instrumentation;
using Emu.Machine.Consoles;
using Emu.Machine.Tests.Support;
using Emu.Machine.TimeTravel;
using Xunit;

namespace Emu.Machine.Tests.TimeTravel;

/// <summary>What a run was before is found again exactly, whatever was executed meanwhile.</summary>
public sealed class TimelineTests
{
    private static readonly TimelineOptions Dense = new() { Interval = 400_000 };

    [Theory]
    [InlineData("smp", 4, ExecutionEngine.Auto)]
    [InlineData("lapic-timer", 1, ExecutionEngine.Interpreter)]
    [InlineData("paging-long", 1, ExecutionEngine.Jit)]
    [InlineData("tour", 1, ExecutionEngine.Auto)]
    public void Every_place_that_is_gone_back_to_is_as_it_was(string kernel, int vcpus, ExecutionEngine engine)
    {
        using var machine = Load(kernel, vcpus, engine);
        var length = Length(kernel, vcpus, engine);
        Dictionary<ulong, byte[]> hashes = [];
        Timeline timeline = new(machine, Dense);
        for (var place = 0UL; place < length; place += (length / 11) + 1)
        {
            if (place != 0)
                timeline.Run(new RunLimits { MaxInstructions = place });
            hashes.Add(place, machine.StateHash());
        }

        timeline.Run(RunLimits.None);
        var end = machine.StateHash();
        foreach (var (place, hash) in hashes.Reverse())
        {
            timeline.GoTo(place);
            Assert.Equal(hash, machine.StateHash());
        }

        timeline.Run(RunLimits.None);
        Assert.Equal(end, machine.StateHash());
    }

    [Fact]
    public void Steps_back_retrace_steps_forward()
    {
        using var machine = Load("long-mode", 1, ExecutionEngine.Auto);
        Timeline timeline = new(machine);
        Stack<(ulong, string)> places = [];
        timeline.Run(new RunLimits { MaxInstructions = 500 });
        for (var i = 0; i < 200; i++)
        {
            places.Push((timeline.Position, Convert.ToHexString(machine.StateHash())));
            timeline.Run(new RunLimits { MaxInstructions = timeline.Position + 1 });
        }

        while (places.TryPop(out var place))
        {
            Assert.Equal(StopReason.LimitReached, timeline.StepBack().Reason);
            Assert.Equal(place, (timeline.Position, Convert.ToHexString(machine.StateHash())));
        }
    }

    [Fact]
    public void Before_the_beginning_there_is_nothing()
    {
        using var machine = Load("long-mode", 1, ExecutionEngine.Auto);
        Timeline timeline = new(machine);
        timeline.Run(new RunLimits { MaxInstructions = 2 });
        Assert.Equal(StopReason.LimitReached, timeline.StepBack().Reason);
        Assert.Equal(StopReason.LimitReached, timeline.StepBack().Reason);
        Assert.Equal(StopReason.BeginningReached, timeline.StepBack().Reason);
        Assert.Equal(StopReason.BeginningReached, timeline.RunBack().Reason);
        Assert.Equal(0UL, timeline.Position);
    }

    [Fact]
    public unsafe void Going_back_stops_at_the_breakpoints_of_going_forward_in_reverse_order()
    {
        using var machine = Load("tour", 1, ExecutionEngine.Auto);
        Timeline timeline = new(machine, Dense);
        timeline.Run(new RunLimits { MaxInstructions = Length("tour", 1, ExecutionEngine.Auto) / 2 });
        timeline.Breakpoints = [machine.Vcpu.State->Rip];
        timeline.GoTo(0);
        Stack<ulong> places = [];
        while (places.Count < 40 && timeline.Run(new RunLimits { PassesBreakpoint = true }).Reason == StopReason.Breakpoint)
            places.Push(timeline.Position);
        Assert.NotEmpty(places);
        timeline.Run(new RunLimits { PassesBreakpoint = true, MaxInstructions = timeline.Position + 1 });
        while (places.TryPop(out var place))
        {
            Assert.Equal(StopReason.Breakpoint, timeline.RunBack().Reason);
            Assert.Equal(place, timeline.Position);
        }

        Assert.Equal(StopReason.BeginningReached, timeline.RunBack().Reason);
    }

    [Fact]
    public void Going_back_stops_before_the_last_write()
    {
        // mov ecx, 1000; 1: mov [0x9000], ecx; dec ecx; jnz 1b; 2: inc edx; jmp 2b
        using var machine = Load([0xB9, 0xE8, 0x03, 0, 0, 0x89, 0x0D, 0x00, 0x90, 0, 0, 0x49, 0x75, 0xF7, 0x42, 0xEB, 0xFD]);
        Timeline timeline = new(machine);
        timeline.Run(new RunLimits { MaxInstructions = 2_000_000 });
        timeline.Watchpoints = [new Watchpoint(0x9000, 4, WatchedAccess.Write)];
        Assert.Equal(StopReason.Watchpoint, timeline.RunBack().Reason);
        // The last of a thousand rounds of three.
        Assert.Equal(1UL + (999 * 3), timeline.Position);
        Assert.Equal(StopReason.Watchpoint, timeline.RunBack().Reason);
        Assert.Equal(1UL + (998 * 3), timeline.Position);
    }

    [Fact]
    public void Faults_that_happen_at_once_have_no_place_between_them()
    {
        using var machine = Load("triple-fault", 1, ExecutionEngine.Auto);
        Timeline timeline = new(machine);
        Assert.Equal(StopReason.Crashed, timeline.Run(RunLimits.None).Reason);
        var end = timeline.Position;

        Assert.Equal(StopReason.LimitReached, timeline.StepBack().Reason);
        Assert.InRange(timeline.Position, end - 3, end - 1);
        Assert.Equal(StopReason.Crashed, timeline.Run(RunLimits.None).Reason);
        Assert.Equal(end, timeline.Position);
    }

    [Fact]
    public unsafe void Change_in_the_past_is_made_again_when_the_run_comes_by_it()
    {
        using var machine = Load([0xB9, 0xE8, 0x03, 0, 0, 0x89, 0x0D, 0x00, 0x90, 0, 0, 0x49, 0x75, 0xF7, 0x42, 0xEB, 0xFD]);
        // So little memory that snapshots are given up again and again, but not the one with the change.
        Timeline timeline = new(machine, new TimelineOptions { Interval = 400_000, Memory = 1 });
        timeline.Run(new RunLimits { MaxInstructions = 1_000_000 });
        machine.Vcpu.State->Registers[0] = 0x1234;
        timeline.Branch();
        timeline.Run(new RunLimits { MaxInstructions = 9_000_000 });
        var end = machine.StateHash();

        timeline.GoTo(999_999);
        Assert.NotEqual(0x1234UL, machine.Vcpu.State->Registers[0]);
        timeline.Run(new RunLimits { MaxInstructions = 1_000_000 });
        Assert.Equal(0x1234UL, machine.Vcpu.State->Registers[0]);
        timeline.GoTo(10);
        timeline.Run(new RunLimits { MaxInstructions = 9_000_000 });
        Assert.Equal(end, machine.StateHash());
        timeline.GoTo(5_000_000);
        Assert.Equal(0x1234UL, machine.Vcpu.State->Registers[0]);
    }

    [Fact]
    public unsafe void Change_in_the_past_makes_another_future()
    {
        using var machine = Load([0xB9, 0xE8, 0x03, 0, 0, 0x89, 0x0D, 0x00, 0x90, 0, 0, 0x49, 0x75, 0xF7, 0x42, 0xEB, 0xFD]);
        Timeline timeline = new(machine);
        timeline.Run(new RunLimits { MaxInstructions = 5000 });
        timeline.GoTo(1);
        machine.Vcpu.State->Registers[1] = 1;
        machine.Vcpu.State->Registers[2] = 0;
        timeline.Branch();
        Assert.Equal(1UL, timeline.Frontier);
        timeline.Run(new RunLimits { MaxInstructions = 5000 });
        // Four instructions lie before the loop, whose two count.
        Assert.Equal(2498UL, machine.Vcpu.State->Registers[2]);
        timeline.GoTo(2);
        Assert.Equal(1UL, machine.Vcpu.State->Registers[1]);
    }

    [Fact]
    public void Output_of_the_past_is_not_repeated()
    {
        Sink sink = new();
        using var machine = Load("tour", 1, ExecutionEngine.Auto, sink);
        Timeline timeline = new(machine, Dense);
        timeline.Run(RunLimits.None);
        var output = sink.Bytes.ToArray();
        timeline.GoTo(1000);
        timeline.RunBack();
        timeline.Run(RunLimits.None);
        Assert.NotEmpty(output);
        Assert.Equal(output, sink.Bytes);
    }

    [Fact]
    public void Memory_for_snapshots_is_bounded()
    {
        // 1: lea eax, [eax+4]; and eax, 0x1FFFFC; mov [eax+0x180000], eax; jmp 1b: two megabytes are written again and again.
        using var machine = Load([0x8D, 0x40, 0x04, 0x25, 0xFC, 0xFF, 0x1F, 0x00, 0x89, 0x80, 0, 0, 0x18, 0, 0xEB, 0xF0]);
        Timeline timeline = new(machine, new TimelineOptions { Interval = 400_000, Memory = 8 << 20 });
        timeline.Run(new RunLimits { MaxInstructions = 60_000_000 });
        timeline.GoTo(12_345_678);
        Assert.Equal(12_345_678UL, machine.InstructionsRetired);
    }

    private static ulong Length(string kernel, int vcpus, ExecutionEngine engine)
    {
        using var machine = Load(kernel, vcpus, engine);
        machine.Run(new RunLimits { MaxInstructions = 20_000_000 });
        return machine.InstructionsRetired;
    }

    private static PvhMachine Load(string kernel, int vcpus, ExecutionEngine engine, IConsoleSink? console = null)
    {
        PvhMachine machine = new(new MachineOptions { MemorySize = 32 << 20, Vcpus = vcpus, Engine = engine, ConsoleOutput = console });
        machine.Load(TestKernels.Open(kernel), [], null);
        return machine;
    }

    private static PvhMachine Load(byte[] code)
    {
        PvhMachine machine = new(new MachineOptions { MemorySize = 4 << 20 });
        machine.Load(CodeKernel.Of(code), [], null);
        return machine;
    }

    private sealed class Sink : IConsoleSink
    {
        public List<byte> Bytes { get; } = [];

        public void Write(byte value) => Bytes.Add(value);

        public void Flush()
        {
        }
    }
}
