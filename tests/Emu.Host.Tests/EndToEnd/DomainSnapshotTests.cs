using System.Text;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Network;
using Emu.Machine.Snapshots;
using Emu.Pvh;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's kernel in a domain with disks and network card, taken up in the middle of its work. They need <c>.ci/guests</c>; see
/// <see cref="TestFiles.Guest"/>.
/// </summary>
public sealed class DomainSnapshotTests
{
    [SkippableFact]
    public void Linux_goes_on_with_disks_and_network_as_if_nothing_had_happened()
    {
        const int snapshots = 4;
        using TestFiles.TemporaryFolder folder = new();
        string disk = FileSystemImage.Make(folder);
        byte[] raw = new byte[64 << 10];
        new Random(1).NextBytes(raw);
        string readOnly = folder.Write("raw.img", raw);
        Sink console = new();
        MachineOptions options = new()
        {
            Profile = MachineProfile.Xen,
            MemorySize = 256 << 20,
            Vcpus = 2,
            Disks =
            [
                new DiskOptions { Path = disk, IsSnapshot = true },
                new DiskOptions { Path = readOnly, Device = "xvdb", IsReadOnly = true, IsRaw = true },
            ],
            Networks = [new NetworkOptions()],
        };

        List<(MachineSnapshot Snapshot, int Written)> taken = [];
        using PvhMachine machine = new(options with { ConsoleOutput = console });
        machine.Load(
            KernelImage.Open(TestFiles.Guest("vmlinuz-amd64")),
            [new BootModule(File.ReadAllBytes(TestFiles.Guest("initrd-domu.gz")))],
            Encoding.ASCII.GetBytes("console=hvc0"));
        // From the first of its tests on, the work of the disk and then that of the network.
        RunResult result = machine.Run(new RunLimits { MaxInstructions = 1_000_000_000 });
        for (int i = 0; result.Reason == StopReason.LimitReached; i++)
        {
            if (console.Text.Contains("PASS mount", StringComparison.Ordinal))
                taken.Add((machine.TakeSnapshot(), console.Text.Length));
            result = machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + 20_000_000 });
        }

        Assert.Contains("PASS all", console.Text, StringComparison.Ordinal);
        Assert.True(taken.Count >= snapshots, $"there are {taken.Count} snapshots");
        (RunResult, ulong, ulong, string) end = (result, machine.InstructionsRetired, machine.Clock.Now, Convert.ToHexString(machine.StateHash()));
        for (int i = 0; i < snapshots; i++)
        {
            (MachineSnapshot snapshot, int written) = taken[i * taken.Count / snapshots];
            Sink rest = new();
            using PvhMachine fresh = new(options with { ConsoleOutput = rest });
            fresh.Restore(snapshot);
            AssertEnds(fresh, rest, written);
        }

        // Back, in the machine that has been at the end.
        console.Clear(out string whole);
        machine.Restore(taken[taken.Count / 2].Snapshot);
        Assert.Equal(end, (machine.Run(RunLimits.None), machine.InstructionsRetired, machine.Clock.Now, Convert.ToHexString(machine.StateHash())));
        Assert.Equal(whole[taken[taken.Count / 2].Written..], console.Text);

        void AssertEnds(PvhMachine restored, Sink sink, int written)
        {
            RunResult last = restored.Run(RunLimits.None);
            Assert.Equal(console.Text[written..], sink.Text);
            Assert.Equal(end, (last, restored.InstructionsRetired, restored.Clock.Now, Convert.ToHexString(restored.StateHash())));
        }
    }

    private sealed class Sink : IConsoleSink
    {
        private readonly StringBuilder _text = new();

        public string Text => _text.ToString();

        public void Clear(out string before)
        {
            before = Text;
            _text.Clear();
        }

        public void Write(byte value) => _text.Append((char)value);

        public void Flush()
        {
        }
    }
}
