using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Compilation;
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
public class CompletenessTests(ITestOutputHelper output)
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

    /// <summary>Fields that are no state.</summary>
    private static readonly Dictionary<string, string> NoState = new()
    {
    };

    [Theory]
    [InlineData(MachineProfile.Pc)]
    [InlineData(MachineProfile.Xen)]
    public void Everything_that_can_change_is_in_the_state(MachineProfile profile)
    {
        using var machine = Lived(profile);
        byte[] Save() => StateStream.Save(machine);
        List<string> missing = [];
        var count = 0;
        foreach (var group in StateSlot.Find(machine, Passed.Contains).GroupBy(static slot => slot.Name))
        {
            var answers = group.Take(4).Select(slot => slot.Matters(Save)).Where(static answer => answer is not null).ToArray();
            if (answers.Length == 0)
                continue;
            count++;
            if (!answers.Any(static answer => answer == true) && !NoState.ContainsKey(group.Key))
                missing.Add(group.Key);
        }

        output.WriteLine($"{count} fields; not in the state: {string.Join(", ", missing)}");
        Assert.Empty(missing);
    }

    private static PvhMachine Lived(MachineProfile profile)
    {
        PvhMachine machine = new(new MachineOptions
        {
            Profile = profile,
            MemorySize = 16UL << 20,
            Vcpus = 2,
            TestDevices = profile == MachineProfile.Pc,
            Networks = profile == MachineProfile.Xen ? [NetworkOptions.OfCard(0)] : [],
        });
        machine.Load(TestKernels.Open(profile == MachineProfile.Pc ? "smp" : "xen-smp"), [], null);
        machine.Run(new RunLimits { MaxInstructions = 100_000 });
        foreach (var network in StateSlot.Find(machine, Passed.Contains).Select(static slot => slot.Owner).OfType<UserNetwork>().ToHashSet())
            Fill(network, machine.Clock);
        return machine;
    }

    // Connections in several states, datagrams half complete, frames on their way.
    private static void Fill(UserNetwork network, VirtualClock clock)
    {
        TestGuest guest = new(network, clock);
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
            RandomTraffic.Send(guest, random, (uint)random.Next());
    }
}
