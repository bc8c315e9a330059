using Emu.Cpu.Snapshots;
using Emu.Xen.Backends;
using Emu.Xen.EventChannels;
using Emu.Xen.Grants;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Emu.Xen.Tests.Support;

namespace Emu.Xen.Tests.Snapshots;

/// <summary>A hostile domain with store, console and a back end that uses its grants and ports, all of which a snapshot has.</summary>
internal sealed class WholeDomain : IStateful, IDisposable
{
    private const int MostHeld = 16;

    private readonly StoreService _service;
    private readonly ConsoleRing _console;
    private readonly List<PortListener> _listeners = [];
    private readonly List<GrantMapping> _held = [];

    public WholeDomain()
    {
        Hypervisor = new HypervisorState(this);
        var domain = Test.Domain;
        Store.AddDomain(domain.Id);
        new DomainRecord { Domain = domain.Id, Uuid = domain.Options.Uuid, MaximumKib = 1024, TargetKib = 1024 }.WriteTo(Store.Control);
        _service = new StoreService(domain, Store);
        _console = new ConsoleRing(domain);
        for (var i = 0; i < 3; i++)
        {
            var number = i;
            _listeners.Add(domain.Events.AddListener(() => Heard.Add($"{number}"), port => Heard.Add($"{number} closed {port}")));
        }
    }

    public TestDomain Test { get; } = new(vcpus: 3);

    public XenStore Store { get; } = new();

    /// <summary>What the back end has heard of its ports.</summary>
    public List<string> Heard { get; } = [];

    /// <summary>The state of hypervisor and control domain alone, without memory and vCPUs.</summary>
    public IStateful Hypervisor { get; }

    public void Dispose() => Test.Dispose();

    public void Transfer(StateStream stream)
    {
        Test.Transfer(stream);
        Hypervisor.Transfer(stream);
    }

    /// <summary>Lets the guest make calls, and the back end do its part.</summary>
    /// <param name="random">Says what.</param>
    /// <param name="steps">How many calls.</param>
    /// <returns>The results.</returns>
    public List<long> Act(Random random, int steps)
    {
        List<long> results = [];
        for (var step = 0; step < steps; step++)
        {
            results.Add(HostileCalls.Make(random, Test));
            switch (random.Next(12))
            {
                case 0 when _held.Count < MostHeld:
                    if (Test.Domain.Grants.TryMap((uint)random.Next(3), random.Next(2) == 0, out var mapping))
                        _held.Add(mapping);
                    break;
                case 1 when _held.Count != 0:
                    var place = random.Next(_held.Count);
                    Test.Domain.Grants.Unmap(_held[place]);
                    _held.RemoveAt(place);
                    break;
                case 2:
                    results.Add(Test.Domain.Events.TryConnect((uint)random.Next(80), _listeners[random.Next(_listeners.Count)]) ? 1 : 0);
                    break;
                case 3:
                    Test.Domain.Events.Notify((uint)random.Next(80));
                    break;
                case 4 when random.Next(8) == 0:
                    Test.Domain.Events.Disconnect((uint)random.Next(3, 80));
                    break;
            }
        }

        return results;
    }

    private sealed class HypervisorState(WholeDomain whole) : IStateful
    {
        public void Transfer(StateStream stream)
        {
            whole.Test.Domain.Transfer(stream);
            whole.Store.Transfer(stream);
            whole._service.Transfer(stream);
            whole._console.Transfer(stream);
            whole.Test.Domain.Grants.Transfer(stream, whole._held, MostHeld);
        }
    }
}
