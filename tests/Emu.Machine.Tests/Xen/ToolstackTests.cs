using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Emu.Machine.Xen;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Xunit;

namespace Emu.Machine.Tests.Xen;

public class ToolstackTests
{
    private const ulong Second = 1_000_000_000;

    private static readonly MachineOptions Small = new() { MemorySize = 16UL << 20, Profile = MachineProfile.Xen, Vcpus = 3 };

    [Fact]
    public void Commands_are_written_into_the_store_at_their_times()
    {
        using var guest = new Guest(
            new ToolstackCommand(3 * Second, ToolstackAction.Shutdown),
            new ToolstackCommand(1 * Second, ToolstackAction.Reboot),
            new ToolstackCommand(2 * Second, ToolstackAction.Save));

        Assert.Equal("", guest.Read("control/shutdown"));
        guest.Clock.Advance(1 * Second);
        Assert.Equal("reboot", guest.Read("control/shutdown"));
        guest.Clock.Advance(1 * Second);
        Assert.Equal("suspend", guest.Read("control/shutdown"));
        guest.Clock.Advance(1 * Second);
        Assert.Equal("poweroff", guest.Read("control/shutdown"));
    }

    [Fact]
    public void Memory_is_set_in_kibibytes_and_processors_by_their_availability()
    {
        using var guest = new Guest(
            new ToolstackCommand(1, ToolstackAction.SetMemory, 8 << 20),
            new ToolstackCommand(1, ToolstackAction.SetVcpus, 1),
            new ToolstackCommand(2, ToolstackAction.SetVcpus, 2),
            new ToolstackCommand(2, ToolstackAction.SysRq, 'h'));

        guest.Clock.Advance(1);
        Assert.Equal("8192", guest.Read("memory/target"));
        Assert.Equal("16384", guest.Read("memory/static-max"));
        Assert.Equal(["online", "offline", "offline"], guest.Availability);
        guest.Clock.Advance(1);
        Assert.Equal(["online", "online", "offline"], guest.Availability);
        Assert.Equal("h", guest.Read("control/sysrq"));
    }

    [Fact]
    public void A_guest_may_be_told_to_begin_with_less_than_it_may_have()
    {
        using var machine = new PvhMachine(Small with { MemoryTarget = 8 << 20, OnlineVcpus = 2, DomainName = "web", DomainUuid = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) });

        Assert.Equal(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), machine.XenDomain!.Options.Uuid);
    }

    [Fact]
    public void What_cannot_be_is_refused_before_the_machine_is_made()
    {
        ToolstackCommand command = new(0, ToolstackAction.Shutdown);
        Refused(Small with { Profile = MachineProfile.Pc, ToolstackCommands = [command] });
        Refused(Small with { Profile = MachineProfile.Pc, Disks = [new DiskOptions { Path = "a" }] });
        Refused(Small with { ToolstackCommands = [command with { Action = ToolstackAction.SetMemory, Value = (16 << 20) + 4096 }] });
        Refused(Small with { ToolstackCommands = [command with { Action = ToolstackAction.SetVcpus, Value = 4 }] });
        Refused(Small with { ToolstackCommands = [command with { Action = ToolstackAction.SetVcpus, Value = 0 }] });
        Refused(Small with { MemoryTarget = 17 << 20 });
        Refused(Small with { OnlineVcpus = 4 });
        Refused(Small with { OnlineVcpus = 0 });

        static void Refused(MachineOptions options)
        {
            var refusal = Assert.Throws<MachineConfigurationException>(() => new PvhMachine(options).Dispose());
            Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A domain that does not run, with a store and a clock of the test's.</summary>
    private sealed class Guest : IDisposable
    {
        private readonly PvhMachine _machine = new(Small);
        private readonly XenStore _store = new();

        public Guest(params ToolstackCommand[] commands)
        {
            _store.AddDomain(1);
            new DomainRecord { Uuid = Guid.Empty, MaximumKib = 16384, TargetKib = 16384, MaximumVcpus = Small.Vcpus }.WriteTo(_store.Control);
            _ = new Toolstack(_machine.XenDomain!, _store.Control, Clock, commands, new RecordingLogger());
        }

        public VirtualClock Clock { get; } = new(new ManualCounter());

        public IEnumerable<string> Availability => Enumerable.Range(0, Small.Vcpus).Select(number => Read($"cpu/{number}/availability"));

        public string Read(string node)
        {
            Assert.True(_store.Control.TryRead($"/local/domain/1/{node}", out var value));
            return value;
        }

        public void Dispose() => _machine.Dispose();
    }
}
