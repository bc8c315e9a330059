using System.Text;
using Emu.Machine.Consoles;
using Emu.Machine.Snapshots;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>A test kernel, and everything that can be compared of a run of it.</summary>
internal sealed class SnapshotGuest(string kernel, MachineProfile profile, int vcpus, string? commandLine)
{
    private readonly StringBuilder _console = new();

    /// <summary>Kernels that between them use all devices and all of the hypervisor, with what their run needs.</summary>
    public static TheoryData<string, MachineProfile, int, string?> All => new()
    {
        { "tour", MachineProfile.Pc, 1, "sightseeing" },
        { "exceptions", MachineProfile.Pc, 1, null },
        { "paging-long", MachineProfile.Pc, 1, null },
        { "paging-pae", MachineProfile.Pc, 1, null },
        { "paging-32", MachineProfile.Pc, 1, null },
        { "pit", MachineProfile.Pc, 1, null },
        { "pic", MachineProfile.Pc, 1, null },
        { "ioapic", MachineProfile.Pc, 1, null },
        { "lapic-timer", MachineProfile.Pc, 1, null },
        { "rtc", MachineProfile.Pc, 1, null },
        { "uart", MachineProfile.Pc, 1, null },
        { "string-ops", MachineProfile.Pc, 1, null },
        { "smc", MachineProfile.Pc, 1, null },
        { "vm86", MachineProfile.Pc, 1, null },
        { "fp", MachineProfile.Pc, 1, null },
        { "smp", MachineProfile.Pc, 4, null },
        { "triple-fault", MachineProfile.Pc, 1, null },
        { "power", MachineProfile.Pc, 1, "how=8042" },
        { "tour", MachineProfile.Xen, 1, "sightseeing" },
        { "power", MachineProfile.Xen, 1, "how=xen-poweroff" },
        { "xen-hypercalls", MachineProfile.Xen, 2, null },
        { "xen-memory", MachineProfile.Xen, 1, null },
        { "xen-grants", MachineProfile.Xen, 1, null },
        { "xen-events", MachineProfile.Xen, 1, null },
        { "xen-smp", MachineProfile.Xen, 2, null },
        { "xen-time", MachineProfile.Xen, 2, null },
    };

    /// <summary>What the guest wrote so far.</summary>
    public string Console => _console.ToString();

    /// <summary>Makes a machine.</summary>
    /// <param name="engine">What executes instructions.</param>
    /// <param name="isLoaded">Whether the kernel is there; else a snapshot is to be restored.</param>
    public PvhMachine Make(ExecutionEngine engine = ExecutionEngine.Auto, bool isLoaded = true)
    {
        var machine = new PvhMachine(new MachineOptions
        {
            Profile = profile,
            Vcpus = vcpus,
            Engine = engine,
            MemorySize = 128 << 20,
            ConsoleOutput = new Sink(_console),
        });
        if (isLoaded)
            machine.Load(TestKernels.Open(kernel), [], commandLine is null ? null : Encoding.ASCII.GetBytes(commandLine));
        return machine;
    }

    /// <summary>What was compared of a machine whose run is over.</summary>
    public static (ulong Instructions, ulong Time, string Hash, string State) Outcome(PvhMachine machine) => (
        machine.InstructionsRetired, machine.Clock.Now, Convert.ToHexString(machine.StateHash()), Convert.ToHexString(machine.TakeSnapshot().State.Span));

    private sealed class Sink(StringBuilder console) : IConsoleSink
    {
        public void Write(byte value) => console.Append((char)value);

        public void Flush()
        {
        }
    }
}
