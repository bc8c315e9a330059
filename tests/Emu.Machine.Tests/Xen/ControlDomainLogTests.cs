using Emu.Machine.Network;
using Emu.Machine.Tests.Support;
using Emu.Machine.Xen;
using Emu.Xen.Domains;
using Xunit;

namespace Emu.Machine.Tests.Xen;

public sealed class ControlDomainLogTests : IDisposable
{
    private static readonly MachineOptions Small = new() { MemorySize = 16UL << 20, Profile = MachineProfile.Xen };

    private readonly PvhMachine _machine = new(Small);
    private readonly RecordingLogger _log = new();
    private readonly XenDevices _devices;

    public ControlDomainLogTests() =>
        _devices = new XenDevices(_machine.XenDomain!.Host, _machine.XenDomain.Options, Small, _machine.Clock, _log);

    public void Dispose()
    {
        _devices.Dispose();
        _machine.Dispose();
    }

    [Fact]
    public void A_network_card_that_does_not_connect_is_in_the_log_but_not_without_end()
    {
        using UserNetwork network = new(_machine.Clock, new NetworkOptions(), null);
        _devices.AddNetworkCard(network.Port, new NetworkOptions().GuestMac);
        Connect();
        Assert.Equal(["A device of the domain has trouble: vif-0: request-rx-copy is mandatory."], _log.Lines);

        for (var i = 0; i < 2 * ControlDomainLog.MostLines; i++)
            Connect();
        Assert.Equal(ControlDomainLog.MostLines, _log.Lines.Count);

        void Connect()
        {
            _devices.Store.Control.Write("/local/domain/1/device/vif/0/state", "1");
            _devices.Store.Control.Write("/local/domain/1/device/vif/0/state", "4");
        }
    }

    [Fact]
    public void A_guest_that_the_store_disconnects_is_in_the_log()
    {
        const int RequestProducer = 0x804;
        MappedBytes page = new(_devices.Domain.Host.Memory, _devices.Domain.StorePage.Frame);
        page.Writable(RequestProducer, 4).Fill(0x55);
        _devices.StoreRing.Ring.Process();
        _devices.StoreRing.Ring.Process();
        Assert.Equal(["The xenstore serves the domain no more, which broke the rules of its ring: RingIndex."], _log.Lines);
    }
}
