using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Emu.Machine.Tests.Support;
using Emu.Machine.Tracing;
using Xunit;

namespace Emu.Machine.Tests.Tracing;

/// <summary>A trace holds what was executed, whichever engine would execute it and however the run is cut.</summary>
public sealed class MachineTraceTests
{
    private const ulong Limit = 300_000;

    [Theory]
    [InlineData("exceptions", 1, MachineProfile.Pc)]
    [InlineData("string-ops", 1, MachineProfile.Pc)]
    [InlineData("smc", 1, MachineProfile.Pc)]
    [InlineData("vm86", 1, MachineProfile.Pc)]
    [InlineData("real-mode", 1, MachineProfile.Pc)]
    [InlineData("segment-limits", 1, MachineProfile.Pc)]
    [InlineData("protected-gates", 1, MachineProfile.Pc)]
    [InlineData("syscall", 1, MachineProfile.Pc)]
    [InlineData("lapic-timer", 1, MachineProfile.Pc)]
    [InlineData("pic", 1, MachineProfile.Pc)]
    [InlineData("uart", 1, MachineProfile.Pc)]
    [InlineData("smp", 4, MachineProfile.Pc)]
    [InlineData("triple-fault", 1, MachineProfile.Pc)]
    [InlineData("xen-smp", 4, MachineProfile.Xen)]
    [InlineData("xen-events", 1, MachineProfile.Xen)]
    public void A_trace_of_blocks_is_what_single_steps_show(string kernel, int vcpus, MachineProfile profile)
    {
        using var trace = Record(kernel, vcpus, profile, ExecutionEngine.Auto, new TraceOptions(), out var end);
        var steps = Step(kernel, vcpus, profile);

        Assert.Equal(steps, trace.Read().ToElements());
        Assert.Equal(end, trace.EndCount);
    }

    [Theory]
    [InlineData("string-ops", 1)]
    [InlineData("smp", 4)]
    [InlineData("exceptions", 1)]
    public void The_hash_depends_neither_on_the_engine_nor_on_how_the_run_is_cut(string kernel, int vcpus)
    {
        using var auto = Record(kernel, vcpus, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _);
        using var jit = Record(kernel, vcpus, MachineProfile.Pc, ExecutionEngine.Jit, new TraceOptions(), out _);
        using var interpreter = Record(kernel, vcpus, MachineProfile.Pc, ExecutionEngine.Interpreter, new TraceOptions(), out _);
        using var cut = Record(kernel, vcpus, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _, piece: 777);

        Assert.Equal(auto.Hash, jit.Hash);
        Assert.Equal(auto.Hash, interpreter.Hash);
        Assert.Equal(auto.Hash, cut.Hash);
    }

    [Theory]
    [InlineData(TraceDetail.Blocks)]
    [InlineData(TraceDetail.Registers | TraceDetail.Memory)]
    public void A_trace_takes_effect_at_once_on_code_that_is_hot_and_leaves_the_run_as_it_is(TraceDetail detail)
    {
        using var plain = Load("paging-long", 1, MachineProfile.Pc, ExecutionEngine.Jit);
        plain.Run(new RunLimits { MaxInstructions = Limit });

        MemoryStream file = new();
        using var traced = Load("paging-long", 1, MachineProfile.Pc, ExecutionEngine.Jit);
        traced.Run(new RunLimits { MaxInstructions = 100_000 });
        traced.BeginTrace(new TraceFileTests.Kept(file), new TraceOptions { Detail = detail });
        traced.Run(new RunLimits { MaxInstructions = 140_000 });
        traced.EndTrace();
        traced.Run(new RunLimits { MaxInstructions = Limit });
        using var trace = TraceReader.Open(new MemoryStream(file.ToArray()));

        Assert.Equal(plain.StateHash(), traced.StateHash());
        Assert.Equal((100_000UL, 140_000UL, 40_000UL), (trace.FirstCount, trace.EndCount, trace.Hash.Length));
    }

    [Fact]
    public void Intervals_traced_by_themselves_have_the_hash_of_the_whole()
    {
        using var whole = Record("smp", 4, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _);
        using var machine = Load("smp", 4, MachineProfile.Pc, ExecutionEngine.Auto);
        List<TraceReader> parts = [];
        for (var end = 0UL; end < Limit;)
        {
            end += 40_001;
            MemoryStream file = new();
            machine.BeginTrace(new TraceFileTests.Kept(file));
            machine.Run(new RunLimits { MaxInstructions = Math.Min(end, Limit) });
            machine.EndTrace();
            parts.Add(TraceReader.Open(new MemoryStream(file.ToArray())));
        }

        parts.RemoveAll(static part => part.FirstCount == part.EndCount);
        Assert.Equal(whole.Hash, TraceMerge.Write(parts, new TraceFileTests.Kept(new MemoryStream())));
    }

    [Fact]
    public void An_interval_is_the_same_where_it_begins_at_a_snapshot_on_another_machine()
    {
        using var whole = Record("smp", 4, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _);
        MemoryStream first = new(), second = new();
        using var machine = Load("smp", 4, MachineProfile.Pc, ExecutionEngine.Jit);
        machine.BeginTrace(new TraceFileTests.Kept(first));
        machine.Run(new RunLimits { MaxInstructions = 123_457 });
        machine.EndTrace();
        using var other = Load("smp", 4, MachineProfile.Pc, ExecutionEngine.Interpreter);
        other.Restore(machine.TakeSnapshot());
        other.BeginTrace(new TraceFileTests.Kept(second));
        other.Run(new RunLimits { MaxInstructions = Limit });
        other.EndTrace();
        using var before = TraceReader.Open(new MemoryStream(first.ToArray()));
        using var after = TraceReader.Open(new MemoryStream(second.ToArray()));

        Assert.Equal(whole.Hash, before.Hash.Then(after.Hash));
    }

    [Fact]
    public void A_machine_goes_not_back_while_it_is_traced()
    {
        using var machine = Load("smp", 1, MachineProfile.Pc, ExecutionEngine.Auto);
        var snapshot = machine.TakeSnapshot();
        machine.BeginTrace(new TraceFileTests.Kept(new MemoryStream()));

        Assert.Throws<InvalidOperationException>(() => machine.Restore(snapshot));
    }

    [Fact]
    public void A_filter_keeps_exactly_what_it_names()
    {
        using var whole = Record("syscall", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _);
        TraceFilter filter = new() { Rings = new HashSet<int> { 3 } };
        using var user = Record("syscall", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions { Filter = filter }, out _);
        var wanted = TraceFileTests.Elements(whole.Read()).Where(static element => element.What.Split(' ') is [_, _, "3", ..]).ToList();

        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, TraceFileTests.Elements(user.Read()).Where(static element => !element.What.StartsWith("TraceEvent", StringComparison.Ordinal)));
        Assert.Equal(whole.EndCount, user.EndCount);
    }

    [Fact]
    public void A_filter_by_address_cuts_blocks()
    {
        using var whole = Record("string-ops", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions(), out _);
        var block = whole.Blocks.First(static candidate => candidate.Count > 3);
        TraceFilter filter = new() { Ranges = [(block.AddressOf(1), block.AddressOf(2))] };
        using var part = Record("string-ops", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions { Filter = filter }, out _);

        Assert.Equal(
            TraceFileTests.Elements(whole.Read()).Where(element => IsAt(element.What, block.AddressOf(1)) || IsAt(element.What, block.AddressOf(2))),
            TraceFileTests.Elements(part.Read()));
    }

    [Fact]
    public void Accesses_of_what_is_left_out_are_left_out()
    {
        using var whole = Record("string-ops", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions { Detail = TraceDetail.Memory }, out _);
        var block = whole.Blocks[whole.Blocks.Count / 2];
        TraceFilter filter = new() { Ranges = [(block.Linear, block.Linear)] };
        using var part = Record(
            "string-ops", 1, MachineProfile.Pc, ExecutionEngine.Auto, new TraceOptions { Detail = TraceDetail.Memory, Filter = filter }, out _);

        Assert.Equal(TraceFileTests.Elements(whole.Read()).Where(element => IsAt(element.What, block.Linear)), TraceFileTests.Elements(part.Read()));
    }

    // mov eax, 5; mov [0x180000], eax; add dword [0x180000], 2; mov ebx, [0x180000]; push ebx; hlt
    [Fact]
    public void Registers_and_accesses_are_those_of_each_instruction()
    {
        using PvhMachine machine = new(new MachineOptions { MemorySize = 4 << 20 });
        machine.Load(
            CodeKernel.Of(
                0xB8, 5, 0, 0, 0, 0xA3, 0, 0, 0x18, 0, 0x83, 0x05, 0, 0, 0x18, 0, 2, 0x8B, 0x1D, 0, 0, 0x18, 0, 0xBC, 0, 0, 0x19, 0, 0x53, 0xF4),
            [],
            null);
        MemoryStream file = new();
        machine.BeginTrace(new TraceFileTests.Kept(file), new TraceOptions { Detail = TraceDetail.Registers | TraceDetail.Memory });
        machine.Run(new RunLimits { MaxInstructions = 6 });
        machine.EndTrace();
        using var trace = TraceReader.Open(new MemoryStream(file.ToArray()));
        var cursor = trace.Read();
        List<string> seen = [];
        while (cursor.MoveNext())
        {
            seen.Add(string.Join(
                ' ',
                cursor.Changes.Where(static change => change.Register != TracedRegister.Rflags).Select(static change => $"{change.Register}={change.Value:x}")
                    .Concat(cursor.Accesses.Select(static access => $"{(access.IsWrite ? 'w' : 'r')}{access.Size}@{access.Linear:x}={Convert.ToHexString(access.Value.Span)}"))));
        }

        Assert.Equal(
            [
                "Rax=5", "w4@180000=05000000", "r4@180000=05000000 w4@180000=07000000", $"{(TracedRegister)3}=7 r4@180000=07000000", "Rsp=190000",
                "Rsp=18fffc w4@18fffc=07000000",
            ],
            seen);
    }

    [Fact]
    public void A_sink_that_fails_is_told_of_at_the_end_and_stops_nobody()
    {
        using var machine = Load("string-ops", 1, MachineProfile.Pc, ExecutionEngine.Auto);
        machine.BeginTrace(new Full());
        var failure = Assert.ThrowsAny<IOException>(() =>
        {
            machine.Run(new RunLimits { MaxInstructions = Limit });
            machine.EndTrace();
        });

        Assert.Equal("full", failure.Message);
    }

    private static bool IsAt(string what, ulong address) => what.StartsWith($"{address:x} ", StringComparison.Ordinal);

    private static TraceReader Record(
        string kernel, int vcpus, MachineProfile profile, ExecutionEngine engine, TraceOptions options, out ulong end, ulong piece = ulong.MaxValue)
    {
        MemoryStream file = new();
        using var machine = Load(kernel, vcpus, profile, engine);
        machine.BeginTrace(new TraceFileTests.Kept(file), options);
        while (machine.InstructionsRetired < Limit)
        {
            var next = Math.Min(Limit, piece == ulong.MaxValue ? Limit : machine.InstructionsRetired + piece);
            if (machine.Run(new RunLimits { MaxInstructions = next }).Reason != StopReason.LimitReached)
                break;
        }

        end = machine.InstructionsRetired;
        machine.EndTrace();
        return TraceReader.Open(new MemoryStream(file.ToArray()));
    }

    private static List<(ulong Count, int Vcpu, string What)> Step(string kernel, int vcpus, MachineProfile profile)
    {
        Events events = new();
        using var machine = Load(kernel, vcpus, profile, ExecutionEngine.Interpreter, events);
        List<(ulong, int, string)> steps = [];
        var result = new RunResult(StopReason.LimitReached);
        while (result.Reason == StopReason.LimitReached && machine.InstructionsRetired < Limit)
        {
            var count = machine.InstructionsRetired;
            var (number, what) = Describe(machine.ChooseVcpu());
            events.Seen.Clear();
            result = machine.Run(new RunLimits { MaxInstructions = count + 1 });
            for (var i = 0; i < events.Seen.Count; i++)
                steps.Add((count + (ulong)i, events.Seen[i].Vcpu, events.Seen[i].What));
            if (events.Seen.Count == 0 && machine.InstructionsRetired != count)
                steps.Add((count, number, what));
        }

        return steps;
    }

    private static unsafe (int Vcpu, string What) Describe(Vcpu vcpu)
    {
        var s = vcpu.State;
        var linear = vcpu.Is64BitCode ? s->Rip : (uint)(s->Rip + s->Segments[(int)SegmentName.Cs].Base);
        return (vcpu.Number, $"{linear:x} ring {s->Cpl}");
    }

    private static PvhMachine Load(string kernel, int vcpus, MachineProfile profile, ExecutionEngine engine, IVcpuObserver? observer = null)
    {
        PvhMachine machine = new(new MachineOptions { MemorySize = 32 << 20, Vcpus = vcpus, Profile = profile, Engine = engine, Observer = observer });
        machine.Load(TestKernels.Open(kernel), [], null);
        return machine;
    }

    private sealed class Events : IVcpuObserver
    {
        public List<(int Vcpu, string What)> Seen { get; } = [];

        public void Unsupported(Vcpu vcpu, string what)
        {
        }

        // INT n and the like are instructions, and stand in the trace as such.
        public void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
            if (delivered.Kind is EventKind.Exception or EventKind.ExternalInterrupt or EventKind.NonMaskableInterrupt)
                Seen.Add((vcpu.Number, $"{delivered.Kind} {delivered.Vector} {delivered.ErrorCode} at {delivered.Rip:x}"));
        }
    }

    private sealed class Full : Stream
    {
        private int _written;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => 0;

        public override long Position
        {
            get => 0;
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            _written += count;
            if (_written > 1000)
                throw new IOException("full");
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>Elements as single steps show them.</summary>
internal static class TraceElementsOfSteps
{
    public static IEnumerable<(ulong Count, int Vcpu, string What)> ToElements(this TraceCursor cursor)
    {
        while (cursor.MoveNext())
        {
            for (var i = 0; i < cursor.Length; i++)
            {
                yield return (
                    cursor.Count + (ulong)i,
                    cursor.Vcpu,
                    cursor.Block is { } block
                        ? $"{block.AddressOf(cursor.First + i):x} ring {block.Cpl}"
                        : $"{cursor.Event.Kind} {cursor.Event.Vector} {cursor.Event.ErrorCode ?? 0} at {cursor.Event.Rip:x}");
            }
        }
    }
}
