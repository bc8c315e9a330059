using Emu.Cpu.Snapshots;
using Emu.Machine.Consoles;
using Emu.Machine.Network;
using Emu.Machine.Snapshots;
using Emu.Machine.Tests.Support;
using Emu.Machine.Xen;
using Xunit;

namespace Emu.Machine.Tests.Xen;

/// <summary>A domain that is taken up from a snapshot, in whatever it was, ends as the one that was never interrupted.</summary>
public sealed class XenSnapshotTests : IDisposable
{
    private const int Places = 12;

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public XenSnapshotTests() => File.WriteAllBytes(_path, new byte[3 << 20]);

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("xen-hypercalls", "", 2, ExecutionEngine.Auto)]
    [InlineData("xen-memory", "", 1, ExecutionEngine.Auto)]
    [InlineData("xen-grants", "", 1, ExecutionEngine.Jit)]
    [InlineData("xen-events", "", 1, ExecutionEngine.Interpreter)]
    [InlineData("xen-events", "mode=64", 3, ExecutionEngine.Auto)]
    [InlineData("xen-time", "", 2, ExecutionEngine.Auto)]
    [InlineData("xen-smp", "", 2, ExecutionEngine.Auto)]
    [InlineData("xen-smp", "mode=64", 4, ExecutionEngine.Jit)]
    public void Run_goes_on_from_a_snapshot_as_if_nothing_had_happened(string kernel, string arguments, int vcpus, ExecutionEngine engine)
    {
        Sink console = new();
        var options = Options(vcpus, engine);
        using var whole = Load(options with { ConsoleOutput = console }, kernel, arguments);
        var result = whole.Run(RunLimits.None);
        var end = (result, whole.InstructionsRetired, whole.Clock.Now, Convert.ToHexString(whole.StateHash()));
        Assert.True(result.Reason is StopReason.PoweredOff or StopReason.DebugExit, result.ToString());

        Sink parts = new();
        using var cut = Load(options with { ConsoleOutput = parts }, kernel, arguments);
        List<(MachineSnapshot Snapshot, int Written)> snapshots = [];
        for (var place = 0UL; place < end.InstructionsRetired; place += (end.InstructionsRetired / Places) + 1)
        {
            if (place != 0)
                cut.Run(new RunLimits { MaxInstructions = place });
            snapshots.Add((cut.TakeSnapshot(), parts.Bytes.Count));
        }

        AssertEnds(cut, parts, 0);
        foreach (var (snapshot, written) in snapshots)
        {
            Sink rest = new();
            using PvhMachine fresh = new(options with { ConsoleOutput = rest });
            fresh.Restore(snapshot);
            AssertEnds(fresh, rest, written);
        }

        // And back, from the end, in the machine that has been there.
        foreach (var (snapshot, written) in snapshots.AsEnumerable().Reverse())
        {
            cut.Restore(snapshot);
            parts.Bytes.Clear();
            AssertEnds(cut, parts, written);
        }

        void AssertEnds(PvhMachine machine, Sink sink, int written)
        {
            var last = machine.Run(RunLimits.None);
            Assert.Equal(end, (last, machine.InstructionsRetired, machine.Clock.Now, Convert.ToHexString(machine.StateHash())));
            Assert.Equal(console.Bytes.Skip(written), sink.Bytes);
        }
    }

    [Fact]
    public void Commands_of_the_toolstack_come_at_their_times_and_no_others()
    {
        var options = Options(1, ExecutionEngine.Auto) with
        {
            ToolstackCommands = [new ToolstackCommand(2_000_000, ToolstackAction.SysRq, 'a'), new ToolstackCommand(4_000_000, ToolstackAction.Shutdown)],
        };
        using var machine = Idle(options);
        machine.Run(new RunLimits { MaxVirtualTime = 3_000_000 });
        var snapshot = machine.TakeSnapshot();
        var before = StateStream.Save(machine);
        machine.Run(new RunLimits { MaxVirtualTime = 5_000_000 });
        var after = StateStream.Save(machine);
        Assert.NotEqual(before, after);

        using PvhMachine other = new(options);
        other.Restore(snapshot);
        Assert.Equal(before, StateStream.Save(other));
        other.Run(new RunLimits { MaxVirtualTime = 5_000_000 });
        Assert.Equal(after, StateStream.Save(other));
        using PvhMachine without = new(options with { ToolstackCommands = [] });
        Assert.Throws<SnapshotException>(() => without.Restore(snapshot));
    }

    [Fact]
    public void Image_that_the_guest_writes_has_to_hold_what_it_held()
    {
        var options = Options(1, ExecutionEngine.Auto) with { Disks = [new DiskOptions { Path = _path, IsRaw = true }] };
        MachineSnapshot snapshot;
        using (var machine = Idle(options))
            snapshot = machine.TakeSnapshot();
        using (PvhMachine same = new(options))
            same.Restore(snapshot);

        using (var file = File.OpenWrite(_path))
        {
            file.Position = 2_500_000;
            file.WriteByte(1);
        }

        using PvhMachine other = new(options);
        var error = Assert.Throws<SnapshotException>(() => other.Restore(snapshot));
        Assert.Equal($"The disk image '{_path}' does not hold what it held when the snapshot was taken.", error.Message);
    }

    [Fact]
    public void Machine_with_other_disks_or_network_cards_is_refused()
    {
        var options = Options(1, ExecutionEngine.Auto);
        var withDisk = options with { Disks = [new DiskOptions { Path = _path, IsSnapshot = true }] };
        var withCard = options with { Networks = [new NetworkOptions()] };
        using var machine = Idle(withDisk);
        var snapshot = machine.TakeSnapshot();
        using PvhMachine diskless = new(options);
        Assert.Throws<SnapshotException>(() => diskless.Restore(snapshot));
        using PvhMachine carded = new(withCard);
        Assert.Throws<SnapshotException>(() => carded.Restore(snapshot));
        using PvhMachine several = new(options with { Vcpus = 2 });
        Assert.Throws<SnapshotException>(() => several.Restore(snapshot));
    }

    private static MachineOptions Options(int vcpus, ExecutionEngine engine) =>
        new() { Profile = MachineProfile.Xen, MemorySize = 32 << 20, Vcpus = vcpus, Engine = engine };

    private static PvhMachine Load(MachineOptions options, string kernel, string arguments)
    {
        PvhMachine machine = new(options);
        machine.Load(TestKernels.Open(kernel), [], System.Text.Encoding.ASCII.GetBytes(arguments));
        return machine;
    }

    // JMP to itself.
    private static PvhMachine Idle(MachineOptions options)
    {
        PvhMachine machine = new(options);
        machine.Load(CodeKernel.Of(0xEB, 0xFE), [], null);
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
