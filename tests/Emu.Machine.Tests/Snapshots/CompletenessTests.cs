using Emu.Cpu;
using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network;
using Emu.Machine.Tests.Network;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Xunit;
using Xunit.Abstractions;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>
/// Whatever can change in a machine is in its state, or is named here with the reason why not: a field that somebody adds and forgets to
/// transfer fails these tests.
/// </summary>
public sealed class CompletenessTests : IDisposable
{
    /// <summary>Objects that hold no state of the guest's.</summary>
    private static readonly HashSet<Type> Passed =
    [
        // How the machine was made.
        typeof(MachineOptions), typeof(CpuModel), typeof(NetworkOptions),

        // Translated code, which is found by what RAM holds.
        typeof(BlockCache), typeof(TieredCompiler),

        // Pages are compared one by one elsewhere.
        typeof(PhysicalMemory),
    ];

    /// <summary>Fields that are no state, by the reason.</summary>
    private static readonly Dictionary<string, string[]> NoState = new()
    {
        ["A run sets it when it begins, or it is over when a run is."] =
        [
            "VcpuScheduler._runEnd", "Processor._isExecuting", "Processor._initRequested", "Vcpu._runEnd", "Vcpu._pendingFault",
            "Vcpu._segmentFaulted", "Vcpu._watchpointHit", "Vcpu._passesBreakpointAt", "Vcpu._modifyFirst", "Vcpu._modifySecond",
            "Vcpu._failure", "Vcpu._betweenInstructions", "Vcpu._devicePhysical", "InstructionTable._late",
            "BlockDecoder.PageReader._firstLength", "BlockDecoder.PageReader._length", "BlockDecoder.PageReader._position",
            "PageWalker._leafAddress", "TcpConnection._isProcessing", "TcpConnection._hasEnded", "XenStore._isSettling",
            "XenStoreConnection._isBusy", "ConsoleOutput._hasUnflushed",
        ],
        ["It is worked out from the rest."] =
        [
            "VirtualClock._armed", "VcpuScheduler._retiredByOthers", "Vcpu.HasDataBreakpoints", "Vcpu.HasUnusualSystemCalls",
            "Vcpu._codeMode", "Vcpu._codeBase", "Vcpu._codeLimit", "Vcpu._codeIsLimited", "LocalApic.MappedPage", "VectorSet.Highest",
            "PageWalker._plainLimit", "Tlb._epochs", "AddressSpace._keys", "AddressSpace.Epoch", "FetchTlb._slots", "PageFilter._bits",
            "PageFilter._any", "GrantTable._active", "GrantTable.StatusFrameCount", "StoreDomain.Nodes", "StoreDomain.Memory",
            "StoreQueue.Answers", "StoreQueue.Bytes", "ImageDigest._isKnown",
        ],
        ["It is there from the beginning, and stays."] =
        [
            "PvhMachine.MemoryMap", "XenHost.MemoryMap", "MmioBus._devices", "PortBus._owner", "PortBus._devices", "ExternalInputs._inputs",
            "EventChannelTable._listeners", "ControlDomain._nextToken", "StoreClient.Watches", "XenStore._clients",
            "BlockDecoder.KnowsForcedEmulation",
        ],
        ["It belongs to the host: the log, the console's other end, a debugger, a trace, a program's hooks."] =
        [
            "ControlDomainLog._lines", "ConsoleFeed._patience", "ConsoleOutput.IsMuted", "EthernetLink.IsCaptureMuted",
            "CodeBreakpoints._offsets", "Vcpu._uncachedCode", "Vcpu._stepsForTrace", "Vcpu._notesAccesses", "Vcpu._awaitsSystemCall",
            "Vcpu._awaitsSystemReturn", "PvhMachine._isPauseRequested", "PvhMachine._instrumentsChanged", "PvhMachine._isDisposed",
            "Vcpu._left", "BlockRequests._lastTrouble", "PvhMachine._isWriterLent", "PvhMachine._blocksBefore", "AccessHooks.Any",
        ],
        ["Room in which something is written before it is read."] =
        [
            "Ipv4Output._packet", "Ipv4Output._fragment", "XenStoreConnection._input", "BlockRequests._segments",
            "BlockRequests._segmentBytes", "BlockRequests._buffer",
        ],
    };

    private readonly ITestOutputHelper _output;
    private readonly string _disk = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public CompletenessTests(ITestOutputHelper output)
    {
        _output = output;
        File.WriteAllBytes(_disk, new byte[1 << 20]);
    }

    public void Dispose() => File.Delete(_disk);

    [Theory]
    [InlineData(MachineProfile.Pc)]
    [InlineData(MachineProfile.Xen)]
    public void Everything_that_can_change_is_in_the_state(MachineProfile profile)
    {
        using var machine = Lived(profile);
        byte[] Save() => StateStream.Save(machine);
        var known = NoState.Values.SelectMany(static names => names).ToHashSet();
        List<string> missing = [];
        List<string> needless = [];
        var count = 0;
        foreach (var group in StateSlot.Find(machine, Passed.Contains).GroupBy(static slot => slot.Name))
        {
            var answers = group.Take(2).Select(slot => slot.Matters(Save)).Where(static answer => answer is not null).ToArray();
            if (answers.Length == 0)
                continue;
            count++;
            var matters = answers.Any(static answer => answer == true);
            if (matters == known.Contains(group.Key))
                (matters ? needless : missing).Add(group.Key);
        }

        _output.WriteLine($"{count} fields; not in the state: {string.Join(", ", missing)}; in it after all: {string.Join(", ", needless)}");
        Assert.Empty(missing);
        Assert.Empty(needless);
    }

    [Theory]
    [InlineData(MachineProfile.Pc)]
    [InlineData(MachineProfile.Xen)]
    public void A_machine_that_has_done_something_else_is_the_other_one_once_it_is_restored(MachineProfile profile)
    {
        using var first = Lived(profile);
        var snapshot = first.TakeSnapshot();
        using var second = Lived(profile, instructions: 60_000, seed: 8);
        second.Restore(snapshot);
        Assert.Equal(StateStream.Save(first), StateStream.Save(second));
        Assert.Equal(first.StateHash(), second.StateHash());
        RunLimits further = new() { MaxInstructions = 2_000_000 };
        Assert.Equal(first.Run(further), second.Run(further));
        Assert.Equal(StateStream.Save(first), StateStream.Save(second));
        Assert.Equal(first.StateHash(), second.StateHash());
    }

    private PvhMachine Lived(MachineProfile profile, ulong instructions = 100_000, int seed = 3)
    {
        PvhMachine machine = new(new MachineOptions
        {
            Profile = profile,
            MemorySize = 16UL << 20,
            Vcpus = 2,
            TestDevices = profile == MachineProfile.Pc,
            Networks = profile == MachineProfile.Xen ? [NetworkOptions.OfCard(0)] : [],
            Disks = profile == MachineProfile.Xen ? [new DiskOptions { Path = _disk, IsSnapshot = true }] : [],
        });
        machine.Load(TestKernels.Open(profile == MachineProfile.Pc ? "smp" : "xen-smp"), [], null);
        machine.Run(new RunLimits { MaxInstructions = instructions });
        foreach (var network in StateSlot.Find(machine, Passed.Contains).Select(static slot => slot.Owner).OfType<UserNetwork>().ToHashSet())
            Fill(network, machine.Clock, seed);
        return machine;
    }

    // Connections in several states, datagrams half complete, frames on their way.
    private static void Fill(UserNetwork network, VirtualClock clock, int seed)
    {
        TestGuest guest = new(network, clock);
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
            RandomTraffic.Send(guest, random, (uint)random.Next());
    }
}
